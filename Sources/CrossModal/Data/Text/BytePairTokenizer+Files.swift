import Foundation

extension BytePairTokenizer {
  /// How OpenAI and Hugging Face write the marks, and how open_clip does.
  static let marksOfOpenAI = ["<|startoftext|>", "<|endoftext|>"]
  static let marksOfOpenCLIP = ["<start_of_text>", "<end_of_text>"]

  /// Settings of a tokenizer that its files may leave open.
  struct Options: Sendable {
    var clean: TextCleaning?
    var contextLength: Int?
    var padding: Int?
    /// How the marks are written, in the vocabulary where it has them so, and in texts.
    var marks: [String]?
  }

  /// Most merges that are read of a file of OpenAI's kind, which has many more.
  private static let mostMerges = 48_894

  /// The tokenizer of a text of merges, gzipped or not: OpenAI's `bpe_simple_vocab_16e6.txt.gz`.
  ///
  /// - Throws: ``VocabularyError``, ``DataError``.
  init(merges file: URL, _ options: Options = Options()) throws {
    let lines = try Self.lines(of: file)
    let merges = try Self.merges(
      lines.dropFirst().prefix(Self.mostMerges), from: 1, file.relativeName, skipsBlank: false)
    let marks = options.marks ?? Self.marksOfOpenAI
    let signs = ByteSigns.inOrder.map { String($0) }
    let names = signs + signs.map { $0 + Self.wordEnd } + merges.map { $0.first + $0.second } + marks
    try self.init(
      pieces: names.enumerated().map { ($1, $0) }, merges: merges, start: marks[0], end: marks[1],
      clean: options.clean ?? .openai, contextLength: options.contextLength ?? 77, padding: options.padding,
      from: file.relativeName)
  }

  /// The tokenizer of a `vocab.json` with `merges.txt` beside it.
  ///
  /// - Throws: ``VocabularyError``, ``DataError``.
  init(vocabulary file: URL, _ options: Options = Options()) throws {
    let json = try JSON(publishedFile: file)
    let other = file.deletingLastPathComponent().appendingPathComponent("merges.txt")
    guard FileManager.default.fileExists(atPath: other.path) else {
      throw VocabularyError(file.relativeName, "needs merges.txt beside it, and there is none")
    }
    var lines = try Self.lines(of: other)[...]
    var first = 0
    if lines.first?.hasPrefix("#") == true {
      lines = lines.dropFirst()
      first = 1
    }
    try self.init(
      vocabulary: json, merges: try Self.merges(lines, from: first, other.relativeName, skipsBlank: true),
      options, file.relativeName)
  }

  /// The tokenizer of a `tokenizer.json` of Hugging Face's, or that a run holds.
  ///
  /// - Throws: ``VocabularyError`` when it is of another kind or not whole.
  init(json: JSON, _ options: Options = Options(), from source: String) throws(VocabularyError) {
    let model = json["model"] ?? .null
    guard model["type"]?.string ?? "BPE" == "BPE", let vocabulary = model["vocab"] else {
      throw VocabularyError(source, "is no tokenizer of byte pairs (an object with 'model.vocab')")
    }
    guard model["end_of_word_suffix"]?.string == Self.wordEnd else {
      let isSigLIP2 = (vocabulary.members?.count ?? 0) >= 200_000
      throw VocabularyError(
        source,
        isSigLIP2
          ? "has \(vocabulary.members?.count ?? 0) pieces of another kind, as SigLIP 2 has; they are not read: give the "
            + "numbers of its texts as a modality of kind tokens"
          : "joins byte pairs in another way than CLIP (no 'end_of_word_suffix' of '\(Self.wordEnd)')")
    }
    var merges: [Merge] = []
    for (place, entry) in (model["merges"]?.array ?? []).enumerated() {
      let parts = entry.array.map { $0.compactMap(\.string) } ?? Self.parts(entry.string ?? "")
      guard parts.count == 2 else {
        throw VocabularyError(
          source, "'model.merges' \(place) is \(entry.text().shortened), expected two pieces")
      }
      merges.append(Merge(first: parts[0], second: parts[1]))
    }
    var whole = vocabulary
    var members = whole.members ?? []
    var known = Set(members.map { ExactText($0.key) })
    for added in json["added_tokens"]?.array ?? [] {
      guard let name = added["content"]?.string, let number = added["id"],
        known.insert(ExactText(name)).inserted
      else { continue }
      members.append(JSON.Member(name, number))
    }
    whole = .object(members)
    var options = options
    let own = json[Self.section]
    options.clean = options.clean ?? own?["clean"]?.string.flatMap(TextCleaning.init)
    options.contextLength = options.contextLength ?? own?["context_length"]?.int
    options.padding = options.padding ?? own?["padding"]?.int ?? json["padding"]?["pad_id"]?.int
    if options.marks == nil, let marks = own?["marks"]?.array?.compactMap(\.string), marks.count == 2 {
      options.marks = marks
    }
    try self.init(vocabulary: whole, merges: merges, options, source)
  }

  /// What this program adds to a `tokenizer.json`.
  private static let section = "crossmodal"

  private init(
    vocabulary json: JSON, merges: [Merge], _ options: Options, _ source: String
  ) throws(VocabularyError) {
    var pieces: [(piece: String, number: Int)] = []
    for member in json.members ?? [] {
      guard let number = member.value.int else {
        throw VocabularyError(
          source,
          "gives '\(member.key.shortened)' the number \(member.value.text().shortened), expected a whole one")
      }
      pieces.append((member.key, number))
    }
    let names = Set(pieces.map { ExactText($0.piece) })
    let choices = [options.marks, Self.marksOfOpenAI, Self.marksOfOpenCLIP].compactMap { $0 }
    let marks = choices.first { $0.allSatisfy { names.contains(ExactText($0)) } } ?? choices[0]
    try self.init(
      pieces: pieces, merges: merges, start: marks[0], end: marks[1], written: options.marks,
      clean: options.clean ?? .huggingface, contextLength: options.contextLength ?? 77,
      padding: options.padding, from: source)
  }

  // MARK: - Lines

  /// The contents of a gzipped file, copied while what owns them lives.
  private static func inflated(_ input: InputFile) throws -> Data {
    let whole = try Gzip.inflated(input.bytes, name: input.name, limits: .standard)
    return withExtendedLifetime(whole) { Data(whole.bytes) }
  }

  private static func lines(of file: URL) throws -> [String] {
    let input = try InputFile(file)
    return try withExtendedLifetime(input) {
      if let reason = LargeFilePointer.reason(input.bytes) {
        throw VocabularyError(input.name, reason)
      }
      let data = Gzip.isGzip(input.bytes) ? try inflated(input) : Data(input.bytes)
      guard let text = String(data: data, encoding: .utf8) else {
        throw VocabularyError(input.name, "is not UTF-8")
      }
      // By bytes: Swift takes the two characters of a Windows line end for one.
      return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
        String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
      }
    }
  }

  private static func parts(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

  /// - Parameter skipsBlank: whether blank lines are nothing; else only one at the end is.
  private static func merges(
    _ lines: ArraySlice<String>, from first: Int, _ name: String, skipsBlank: Bool
  ) throws(VocabularyError) -> [Merge] {
    var merges: [Merge] = []
    for (place, line) in lines.enumerated() {
      let parts = parts(line)
      if parts.isEmpty, skipsBlank || place == lines.count - 1 { continue }
      guard parts.count == 2 else {
        throw VocabularyError(
          name,
          "\(DataError.line(place + first)): is '\(line.shortened)', expected two pieces and a blank between them"
        )
      }
      merges.append(Merge(first: parts[0], second: parts[1]))
    }
    return merges
  }

  // MARK: - What a run holds

  public var document: JSON {
    let names = Dictionary(pieces.map { ($0.number, $0.piece) }) { $1 }
    func added(_ number: Int) -> JSON {
      ["id": .int(number), "content": .string(names[number] ?? ""), "special": true]
    }
    return [
      "version": "1.0", "added_tokens": [added(start), added(end)], "padding": ["pad_id": .int(padding)],
      "model": [
        "type": "BPE", "unk_token": .string(names[end] ?? ""), "continuing_subword_prefix": "",
        "end_of_word_suffix": .string(Self.wordEnd),
        "vocab": .object(pieces.map { JSON.Member($0.piece, .int($0.number)) }),
        "merges": .array(merges.map { [.string($0.first), .string($0.second)] }),
      ],
      Self.section: [
        "clean": .string(clean.rawValue), "context_length": .int(contextLength), "padding": .int(padding),
        "marks": .array(marks.map(JSON.string)),
      ],
    ]
  }
}
