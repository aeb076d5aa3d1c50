import Foundation

/// Tokenizers as published models carry them.
public enum PublishedTokenizers {
  /// Files that hold a tokenizer, the first that is there counts.
  static let files = [
    "tokenizer.json", "vocab.json", "bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt",
    "spiece.model", "vocab.txt",
  ]

  /// What to say where a model has none.
  public static let missing =
    "has no tokenizer: expected tokenizer.json, vocab.json with merges.txt, bpe_simple_vocab_16e6.txt.gz or "
    + "spiece.model in the folder; the package open_clip_torch of PyPI carries CLIP's"

  /// The tokenizer of a model's folder, or of one of the files that hold one.
  ///
  /// Of several files the first of `tokenizer.json`, `vocab.json` with `merges.txt`, `bpe_simple_vocab_16e6.txt.gz` (or
  /// unpacked), `spiece.model` and `vocab.txt` counts; a unigram model is read from its `spiece.model` where that is
  /// there. Texts are cleaned as the program does whose files they are: open_clip's where only its weights and settings
  /// are in the folder.
  ///
  /// - Parameters:
  ///   - place: a folder, or a tokenizer's file.
  ///   - contextLength: numbers of a row; nil for what the files say, else 77 for CLIP, 64 for SigLIP and 512 for
  ///     BERT.
  ///   - clean: what is done to texts first; nil for what goes with the kind of file.
  /// - Returns: nil where a folder holds none.
  /// - Throws: ``VocabularyError`` for a file that is damaged or of a kind that is not read; ``DataError``.
  public static func load(
    from place: URL, contextLength: Int? = nil, clean: TextCleaning? = nil
  ) throws -> (any TextTokenizer)? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else {
      throw DataError.missing(file: place.relativeName)
    }
    let folder = isFolder.boolValue ? place : place.deletingLastPathComponent()
    let isThere = { (name: String) in
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }
    var settings = try Settings(folder)
    settings.contextLength = contextLength ?? settings.contextLength
    settings.clean = clean ?? settings.clean
    guard isFolder.boolValue else { return try load(file: place, settings) }
    for name in files where isThere(name) {
      if name == "vocab.json", !isThere("merges.txt"), files.dropFirst(2).contains(where: isThere) {
        continue
      }
      let file = folder.appendingPathComponent(name)
      if name == "tokenizer.json", isThere("spiece.model"),
        try JSON(publishedFile: file)["model"]?["type"]?.string == "Unigram"
      {
        continue
      }
      return try load(file: file, settings)
    }
    return nil
  }

  /// A tokenizer from what ``TextTokenizer/document`` gave.
  ///
  /// - Throws: ``VocabularyError`` when it is not whole.
  public static func make(
    _ document: JSON, contextLength: Int? = nil, from source: String = "the stored tokenizer"
  ) throws -> any TextTokenizer {
    var settings = Settings()
    settings.contextLength = contextLength
    return try make(document, settings, source)
  }

  // MARK: - Files

  private static func load(file: URL, _ settings: Settings) throws -> any TextTokenizer {
    let name = file.lastPathComponent
    if name.hasSuffix(".model") {
      return try UnigramTokenizer(
        file: file, settings: settings.unigram ?? .init(), contextLength: settings.contextLength ?? 64)
    }
    if name == "vocab.txt" {
      let tokenizer = try WordPieceTokenizer(
        file: file.path, settings: settings.wordPieces, marks: settings.marks(in: file))
      return WordPieceRows(tokenizer, contextLength: settings.contextLength ?? 512)
    }
    if name.hasSuffix(".json") {
      let json = try JSON(publishedFile: file)
      guard json["model"] != nil else {
        return try BytePairTokenizer(vocabulary: file, settings.pairs)
      }
      return try make(json, settings, file.relativeName)
    }
    return try BytePairTokenizer(merges: file, settings.pairs)
  }

  private static func make(
    _ json: JSON, _ settings: Settings, _ source: String
  ) throws(VocabularyError) -> any TextTokenizer {
    switch json["model"]?["type"]?.string {
    case "Unigram":
      return try UnigramTokenizer(
        json: json, settings: settings.unigram, contextLength: settings.contextLength, from: source)
    case "WordPiece":
      let marks = settings.marks ?? WordPieceTokenizer.Marks(tokenizer: json)
      return WordPieceRows(
        try WordPieceTokenizer(json: json, marks: marks, from: source),
        contextLength: settings.contextLength ?? json["crossmodal"]?["context_length"]?.int ?? 512)
    case "BPE", nil: return try BytePairTokenizer(json: json, settings.pairs, from: source)
    case let type?:
      throw VocabularyError(
        source, "has a tokenizer of type '\(type.shortened)'; BPE, Unigram and WordPiece are read")
    }
  }

  /// What the other files of a folder say of its tokenizer.
  struct Settings {
    var contextLength: Int?
    var clean: TextCleaning?
    var padding: Int?
    var pairMarks: [String]?
    var marks: WordPieceTokenizer.Marks?
    var wordPieces: WordPieceTokenizer.Settings?
    var unigram: UnigramTokenizer.Settings?

    init() {}

    /// Lengths beyond this mean that nothing is said.
    private static let longest = 1 << 20

    /// - Throws: ``DataError`` for a file that is no JSON.
    init(_ folder: URL) throws {
      func json(_ name: String) throws -> JSON? {
        let file = folder.appendingPathComponent(name)
        return FileManager.default.fileExists(atPath: file.path) ? try JSON(publishedFile: file) : nil
      }
      if let config = try json("tokenizer_config.json") {
        contextLength = (config["model_max_length"]?.int).flatMap {
          (2...Self.longest).contains($0) ? $0 : nil
        }
        read(config)
        if config["cls_token"] == nil, let map = try json("special_tokens_map.json") { readMarks(map) }
      } else if let map = try json("special_tokens_map.json") {
        readMarks(map)
      }
      let isOpenCLIP = ["model.safetensors", "model.safetensors.index.json", "config.json"].allSatisfy {
        !FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
      }
      guard isOpenCLIP, let config = try json("open_clip_config.json")?["model_cfg"]?["text_cfg"] else {
        return
      }
      contextLength = config["context_length"]?.int ?? contextLength
      // Without a tokenizer's name open_clip takes its own, whatever files are there.
      guard config["hf_tokenizer_name"]?.string ?? "" == "" else { return }
      let mode = config["tokenizer_kwargs"]?["clean"]?.string
      clean = mode.flatMap { $0 == "lower" ? .openai : TextCleaning(rawValue: $0) } ?? .openai
      pairMarks = BytePairTokenizer.marksOfOpenCLIP
      padding = 0
    }

    var pairs: BytePairTokenizer.Options {
      .init(clean: clean, contextLength: contextLength, padding: padding, marks: pairMarks)
    }

    private mutating func read(_ config: JSON) {
      if let lowercases = config["do_lower_case"]?.bool {
        wordPieces = .init(
          lowercases: lowercases, separatesChinese: config["tokenize_chinese_chars"]?.bool ?? true,
          stripsAccents: config["strip_accents"]?.bool)
        unigram = .init(lowercases: lowercases)
      }
      readMarks(config)
    }

    private mutating func readMarks(_ json: JSON) {
      func mark(_ key: String) -> String? { json[key]?.string ?? json[key]?["content"]?.string }
      guard let start = mark("cls_token"), let end = mark("sep_token") else { return }
      marks = .init(start: start, end: end)
      if let padding = mark("pad_token") { marks?.padding = padding }
      if let unknown = mark("unk_token") { marks?.unknown = unknown }
    }

    /// The marks of a list of pieces: MPNet's where it has those and not BERT's.
    func marks(in file: URL) throws -> WordPieceTokenizer.Marks {
      if let marks { return marks }
      let first = try String(decoding: InputFile(file).data.prefix(64), as: UTF8.self)
      return first.hasPrefix("<s>") ? .mpnet : .init()
    }
  }
}
