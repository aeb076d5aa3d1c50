import Foundation

/// Turns what a method learns to give into numbers, and numbers into texts.
///
/// Fitted to the training part, as a ``Featurizer`` is. ``settings`` and ``document`` together make it again, so a
/// run folder can hold it.
public protocol TargetEncoder: Sendable {
  /// What a user may set of it.
  associatedtype Configuration: MethodConfiguration
  /// Learns from the training part.
  ///
  /// - Throws: ``TargetError`` when there is nothing to learn; what reading the texts throws.
  init(fittedTo source: TargetSource, _ configuration: Configuration) throws
  /// What the numbers stand for, under a name: the way back to texts.
  func output(named name: String) -> DataDescription.Target
  /// Numbers of the texts of one pair: its accepted answers, or the text of one item.
  func numbers(of texts: [String]) -> [Int]
  /// Everything but the document, under keys of the configuration.
  var settings: JSON { get }
  /// What was learned; it stands in a file of its own in the run folder.
  var document: JSON { get }
  /// The name of that file without `.json`.
  static var documentName: String { get }
  /// Keys of the configuration whose values are files.
  static var fileKeys: [String] { get }
  /// An encoder from what ``settings`` and ``document`` gave.
  ///
  /// - Throws: ``TargetError``, ``VocabularyError``.
  init(settings: JSON, document: JSON) throws
}

extension TargetEncoder {
  public static var fileKeys: [String] { [] }

  /// For use through `any TargetEncoder.Type`.
  static func fit(_ source: TargetSource, _ settings: JSON) throws -> Self {
    try Self(fittedTo: source, Configuration(overrides: settings))
  }

  /// Every setting with its value, nothing where it is null; paths of files from the root.
  static func checked(_ settings: JSON, under key: String) throws -> [JSON.Member] {
    try Configuration.checked(settings, files: fileKeys, under: key)
  }
}

/// Something that a method learns to give, as its ``Method/targets`` name it.
public struct Target: Sendable {
  /// What it is called in settings, in batches and in run folders.
  public let name: String
  /// What its numbers are made of.
  public let source: Source
  /// What makes numbers of it.
  public let encoder: any TargetEncoder.Type

  /// What numbers are made of.
  public enum Source: Sendable, Equatable {
    /// The accepted answers of each pair.
    case answers
    /// The texts of a modality; of the only one that has texts where no side is said.
    case texts(side: Int?)

    /// The side whose texts are meant; nil where there is none.
    func side(in data: DataDescription) -> Int? {
      guard case .texts(let side) = self else { return nil }
      let isText = data.modalities.map { $0.kind == .text }
      if let side { return isText.indices.contains(side) && isText[side] ? side : nil }
      return isText.count(where: \.self) == 1 ? isText.firstIndex(of: true) : nil
    }
  }

  public init(_ name: String, of source: Source, by encoder: any TargetEncoder.Type) {
    self.name = name
    self.source = source
    self.encoder = encoder
  }

  /// The answers of a list: `answers`.
  public static let answers = Target("answers", of: .answers, by: AnswerList.self)

  /// The words of the only modality of texts, one after the other: `captions`.
  public static let captions = Target("captions", of: .texts(side: nil), by: CaptionWords.self)

  /// The words of a modality's texts, one after the other: `captions`.
  public static func captions(side: Int) -> Target {
    Target("captions", of: .texts(side: side), by: CaptionWords.self)
  }
}

/// A target with the encoder that was fitted to it.
public struct FittedTarget: Sendable {
  public let target: Target
  public let encoder: any TargetEncoder

  public init(_ target: Target, _ encoder: any TargetEncoder) {
    self.target = target
    self.encoder = encoder
  }

  /// What a method is told of it.
  public var output: DataDescription.Target { encoder.output(named: target.name) }
}

/// Texts to fit a target encoder to, read a range at a time, as often as needed.
public struct TargetSource {
  /// Number of pairs, or of items that pairs share.
  public let count: Int
  /// The texts of each in a range.
  public let texts: (Range<Int>) throws -> [[String]]

  public init(count: Int, texts: @escaping (Range<Int>) throws -> [[String]]) {
    self.count = count
    self.texts = texts
  }

  /// Texts that are in memory.
  public init(_ texts: [[String]]) {
    self.init(count: texts.count) { Array(texts[$0]) }
  }

  /// What a target is made of in a split.
  ///
  /// - Throws: ``TargetError`` when the split has no such thing.
  public init(_ target: Target, of split: Split) throws(TargetError) {
    let missing = { (what: String) in
      TargetError.missing(data: split.description.name, split: split.name, target: target.name, what: what)
    }
    switch target.source {
    case .answers:
      guard let answers = split.answers else { throw missing("answers") }
      self.init(answers)
    case .texts(let wanted):
      let modalities = split.description.modalities
      guard let side = target.source.side(in: split.description) else {
        guard let wanted else { throw missing("single modality of texts") }
        throw missing(
          modalities.indices.contains(wanted)
            ? "texts in \(modalities[wanted].name)" : "modality \(wanted + 1)")
      }
      self.init(count: split.count(side: side)) { range in
        guard case .texts(let texts) = try split.items(side: side, rows: range) else { return [] }
        return texts.map { [$0] }
      }
    }
  }

  /// Walks all texts, `rows` pairs at a time.
  func forEachChunk(rows: Int = 4096, _ body: ([[String]]) throws -> Void) throws {
    for start in stride(from: 0, to: count, by: rows) { try body(texts(start..<min(start + rows, count))) }
  }
}

/// Why there are no numbers of what a method learns to give.
public enum TargetError: LocalizedError, Equatable {
  case missing(data: String, split: String, target: String, what: String)
  case nothingToLearn(target: String, reason: String)
  case badState(target: String, reason: String)

  public var errorDescription: String? {
    switch self {
    case .missing(let data, let split, let target, let what):
      "\(data): the split '\(split)' has no \(what), which the method needs for its target '\(target)'"
    case .nothingToLearn(let target, let reason): "the target '\(target)' cannot be fitted: \(reason)"
    case .badState(let target, let reason): "the stored target '\(target)' is not whole: \(reason)"
    }
  }
}
