import Foundation
import Torch

/// What published weights are, as a file or folder holds them: which model, its sizes, where each was found, and what is
/// missing to use it.
public struct PublishedInspection: Sendable {
  public let path: String
  public let scheme: PublishedScheme
  public let files: [String]
  public let tensors: Int
  public let numbers: Int
  public let facts: [PublishedArchitecture.Fact]
  /// What a user should know, a sentence each.
  public let warnings: [String]
  /// What is missing to use it, a sentence each.
  public let missing: [String]

  /// - Parameters:
  ///   - path: a file or a folder.
  ///   - settings: those under `published`, over what the files say.
  /// - Throws: ``PublishedModelError`` and ``DataError`` for what is no published model that is read.
  public init(_ path: String, _ settings: PublishedEncoderSettings = PublishedEncoderSettings()) throws {
    self.path = path
    let folder = try PublishedFolder(path, pickles: true)
    let model = try folder.model()
    files = folder.files.map(\.relativeName)
    scheme = model.scheme
    tensors = model.tensors.count
    numbers = model.tensors.reduce(0) { $0 + $1.tensor.count }
    var facts: [PublishedArchitecture.Fact] = []
    var warnings: [String] = []
    var missing: [String] = []
    guard model.scheme.hasTowers else {
      let found = try folder.tower(.texts, of: model, settings)
      if let tower = found.tower { try Self.addTokenizer(tower, folder, settings, &facts, &missing) }
      (self.facts, self.warnings, self.missing) = (found.facts + facts, found.warnings, missing)
      return
    }
    var overrides = settings.overrides(side: 0)
    (overrides.textHeads, overrides.textActivation) = (settings.heads[1], settings.activation[1])
    let architecture = try PublishedArchitecture(of: model, folder.configuration, overrides)
    facts = architecture.facts
    warnings = architecture.warnings
    for (name, transform) in [("logit_scale", { (x: Double) in exp(x) }), ("logit_bias", { $0 })] {
      guard let tensor = model[name], tensor.count == 1 else { continue }
      let value = try tensor.to(.float64).reshaped(to: []).item(as: Double.self)
      facts.append(
        .init(
          name: name, value: String(format: "%.4f", value),
          origin: name == "logit_scale"
            ? "\(name): cosines times \(String(format: "%.4g", transform(value)))" : name))
    }
    if let vision = architecture.vision {
      let stated = try folder.folder.flatMap { try PicturePreparation.load(from: $0) }
      let usual = PicturePreparation.usual(for: scheme, size: vision.imageSize ?? 224)
      let own = stated ?? usual
      facts.append(
        .init(
          name: "pictures",
          value: "\(own.size) by \(own.size), \(own.resizeMode.rawValue) \(own.interpolation.rawValue), crop "
            + "\(own.cropRounding.rawValue), mean \(own.mean), std \(own.std)",
          origin: stated == nil ? "as usual for \(scheme.rawValue)" : "the folder"))
      if stated == nil {
        warnings.append("no file says how pictures are brought to the network; taken is what is usual")
      }
    } else {
      missing.append("a tower of pictures")
    }
    if let text = architecture.text {
      try Self.addTokenizer(PublishedTower(text), folder, settings, &facts, &missing)
    } else {
      missing.append("a tower of texts")
    }
    let whole = try PublishedModel(architecture)
    do { try model.check(against: whole.stateEntries, architecture.facts) } catch {
      missing.append(error.localizedDescription)
    }
    (self.facts, self.warnings, self.missing) = (facts, warnings, missing)
  }

  private static func addTokenizer(
    _ tower: PublishedTower, _ folder: PublishedFolder, _ settings: PublishedEncoderSettings,
    _ facts: inout [PublishedArchitecture.Fact], _ missing: inout [String]
  ) throws {
    let place = settings.tokenizer.map { URL(fileURLWithPath: $0) } ?? folder.network ?? folder.folder
    let tokenizer = try place.flatMap {
      try PublishedTokenizers.load(
        from: $0, contextLength: tower.sizes.textLength(settings.contextLength, usual: tower.longest),
        clean: settings.clean)
    }
    guard let tokenizer else {
      missing.append(
        place == nil
          ? "a tokenizer: the file stands for itself; name one with --tokenizer"
          : "a tokenizer: the folder "
            + PublishedTokenizers.missing)
      return
    }
    let clean = (tokenizer as? BytePairTokenizer).map { ", cleaned as \($0.clean.rawValue)" } ?? ""
    facts.append(
      .init(
        name: "tokenizer",
        value: "\(tokenizer.vocabularySize) pieces, texts of \(tokenizer.contextLength)\(clean)",
        origin: place?.relativeName ?? ""))
    if let most = tower.sizes.vocabulary, tokenizer.vocabularySize > most {
      missing.append(
        "a tokenizer of these weights: the one that is there has \(tokenizer.vocabularySize) pieces, the network \(most)"
      )
    }
  }

  /// The document of `inspect --json`.
  public var json: JSON {
    [
      "path": .string(path), "scheme": .string(scheme.rawValue), "files": .array(files.map(JSON.string)),
      "tensors": .int(tensors), "numbers": .int(numbers),
      "facts": .array(
        facts.map { ["name": .string($0.name), "value": .string($0.value), "from": .string($0.origin)] }),
      "warnings": .array(warnings.map(JSON.string)), "missing": .array(missing.map(JSON.string)),
    ]
  }

  /// For people.
  public var text: String {
    let names = max(0, facts.map(\.name.count).max() ?? 0)
    let values = min(24, facts.map(\.value.count).max() ?? 0)
    func filled(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    var lines = ["\(path): \(scheme.rawValue), \(tensors) tensors, \(numbers) numbers"]
    lines += facts.map { "  \(filled($0.name, names))  \(filled($0.value, values))  (\($0.origin))" }
    lines += warnings.map { "warning: \($0)" }
    lines += missing.map { "missing: \($0)" }
    return lines.joined(separator: "\n")
  }
}
