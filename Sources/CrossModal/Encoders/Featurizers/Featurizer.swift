import Foundation
import Torch

/// Turns texts or pictures into items that a method takes: vectors for closed forms, word numbers for encoders of
/// sequences.
///
/// Fitted to the training part of one modality, then applied to anything of its kind. ``settings``, ``state`` and
/// ``document`` together make it again, so a run folder can hold it.
public protocol Featurizer: Sendable {
  /// What a user may set of it.
  associatedtype Configuration: MethodConfiguration
  /// The name of configurations and run folders, such as `tfidf`.
  static var name: String { get }
  /// What it takes.
  static var accepts: [ModalityKind] { get }
  /// What it makes of that.
  static var gives: ModalityKind { get }
  /// Learns from the training part of a modality.
  ///
  /// - Parameter seed: fixes what is random, which is where singular vectors start from.
  /// - Throws: ``FeaturizerError``, and what reading the items throws.
  init(fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64) throws
  /// The modality that comes out of one of that name: its kind, width or number of words.
  func output(named name: String) -> DataDescription.Modality
  /// One item an item.
  ///
  /// - Throws: ``FeaturizerError`` when the items are of another kind or shape.
  func featurized(_ items: Items) throws -> Items
  /// The same, for what takes long; by default as if it took no time.
  ///
  /// - Parameter progress: told how many items are done.
  func featurized(_ items: Items, progress: (Int) -> Void) throws -> Items
  /// Everything but the tensors and the document.
  var settings: JSON { get }
  /// What was learned, by name.
  var state: [String: Tensor] { get }
  /// What stands in a file of its own in the run folder; nil when there is nothing.
  var document: JSON? { get }
  /// The name of that file without `.json`; nil when there is none.
  static var documentName: String? { get }
  /// Keys of the configuration whose values are files.
  static var fileKeys: [String] { get }
  /// What a user should know of it, a sentence each.
  var notes: [String] { get }
  /// A featurizer from what ``settings``, ``state`` and ``document`` gave.
  ///
  /// - Throws: ``FeaturizerError``, ``VocabularyError``.
  init(settings: JSON, state: [String: Tensor], document: JSON?) throws
}

extension Featurizer {
  public var document: JSON? { nil }
  public static var documentName: String? { nil }
  public static var fileKeys: [String] { [] }
  public var notes: [String] { [] }

  public func featurized(_ items: Items, progress: (Int) -> Void) throws -> Items { try featurized(items) }
}

/// How many items of a modality are featurized.
public struct FeatureProgress: Sendable {
  /// The modality's name.
  public let modality: String
  public let done: Int
  public let total: Int
}

/// A featurizer that makes one vector of an item.
public protocol VectorFeaturizer: Featurizer {
  /// Width of the vectors.
  var size: Int { get }
  /// One vector an item, float64 `[n, size]`.
  ///
  /// - Throws: ``FeaturizerError`` when the items are of another kind or shape.
  func vectors(of items: Items) throws -> Tensor
}

extension VectorFeaturizer {
  public static var gives: ModalityKind { .vector }

  public func output(named name: String) -> DataDescription.Modality {
    .init(name: name, kind: .vector, size: size, shape: [size])
  }

  public func featurized(_ items: Items) throws -> Items { .vectors(try vectors(of: items)) }
}

/// A featurizer of texts that learned some words and not others.
public protocol WordFeaturizing: Featurizer {
  /// The words of a text in order, each with its number, without marks.
  func words(of text: String) -> [TextToken]
}

/// A featurizer that makes a sequence of word numbers of a text.
public protocol TokenFeaturizer: WordFeaturizing {
  /// The words of a text as they are numbered, in order; marks at its ends included.
  func tokens(of text: String) -> [TextToken]
  /// How many numbers there are.
  var vocabularySize: Int { get }
}

extension TokenFeaturizer {
  public static var accepts: [ModalityKind] { [.text] }
  public static var gives: ModalityKind { .tokens }

  public func words(of text: String) -> [TextToken] { tokens(of: text).filter { !$0.isMark } }

  public func output(named name: String) -> DataDescription.Modality {
    .init(name: name, kind: .tokens, vocabulary: vocabularySize)
  }

  public func featurized(_ items: Items) throws -> Items {
    guard case .texts(let texts) = items else {
      throw FeaturizerError.wrongKind(featurizer: Self.name, kind: items.kind, accepts: Self.accepts)
    }
    return try TokenRows(texts.map { tokens(of: $0).map(\.number) }).all()
  }
}

/// The width of the vectors that a featurizer makes.
public struct VectorFeaturizerSettings: MethodConfiguration {
  /// Nil for the featurizer's own.
  public var size: Int?

  public init() {}

  public static let keys: [ConfigurationKey] = [ConfigurationKey("size", "width of the vectors", in: .units)]
}

/// Items to fit a featurizer to, read a range at a time, as often as needed.
public struct FeaturizerSource {
  /// Number of items.
  public let count: Int
  /// Reads a range of them.
  public let items: (Range<Int>) throws -> Items

  public init(count: Int, items: @escaping (Range<Int>) throws -> Items) {
    self.count = count
    self.items = items
  }

  /// The items of one modality of a split.
  init(_ split: Split, side: Int) {
    self.init(count: split.count(side: side)) { try split.items(side: side, rows: $0) }
  }

  /// Texts of several sources, one after the other.
  init(texts sources: [FeaturizerSource]) {
    let starts = sources.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    self.init(count: starts[sources.count]) { range in
      .texts(
        try sources.indices.flatMap { place -> [String] in
          let own = range.clamped(to: starts[place]..<starts[place + 1])
          guard !own.isEmpty,
            case .texts(let texts) = try sources[place].items(
              own.lowerBound - starts[place]..<own.upperBound - starts[place])
          else { return [] }
          return texts
        })
    }
  }

  /// Items that are in memory.
  public init(_ items: Items) {
    self.init(count: items.count) { try items.rows(at: Array($0)) }
  }

  /// Walks all items, `rows` at a time.
  func forEachChunk(rows: Int = 256, _ body: (Items) throws -> Void) throws {
    for start in stride(from: 0, to: count, by: rows) { try body(items(start..<min(start + rows, count))) }
  }
}

/// Why items could not be turned into vectors.
public enum FeaturizerError: LocalizedError, Equatable {
  case unknown(name: String, known: [String])
  case wrongKind(featurizer: String, kind: ModalityKind, accepts: [ModalityKind])
  case unequalShape(featurizer: String, shape: [Int], expected: [Int])
  case badState(featurizer: String, reason: String)
  case nothingToLearn(featurizer: String, reason: String)
  /// Numbers that many times as large as those it was fitted to.
  case beyond(featurizer: String, size: Double)

  public var errorDescription: String? {
    switch self {
    case .unknown(let name, let known):
      let meant = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
      return "there is no featurizer '\(name)', only \(known.joined(separator: ", "))\(meant)"
    case .wrongKind(let featurizer, let kind, let accepts):
      let names = accepts.map(\.rawValue).joined(separator: ", ")
      return "the featurizer '\(featurizer)' takes \(names), not \(kind.rawValue)"
    case .unequalShape(let featurizer, let shape, let expected):
      return "the featurizer '\(featurizer)' was fitted to pictures of shape \(expected), not \(shape)"
    case .badState(let featurizer, let reason):
      return "the stored featurizer '\(featurizer)' is not whole: \(reason)"
    case .nothingToLearn(let featurizer, let reason):
      return "the featurizer '\(featurizer)' cannot be fitted: \(reason)"
    case .beyond(let featurizer, let size):
      return
        "numbers are \(String(format: "%.0e", size)) times as large as those that the featurizer '\(featurizer)' was fitted to"
    }
  }
}

extension JSON {
  /// A whole number of a featurizer's settings.
  func setting(_ key: String, of featurizer: String) throws(FeaturizerError) -> Int {
    guard let number = self[key]?.int else {
      throw .badState(featurizer: featurizer, reason: "'\(key)' is missing or no whole number")
    }
    return number
  }
}
