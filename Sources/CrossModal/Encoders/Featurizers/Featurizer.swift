import Foundation
import Torch

/// Turns texts or pictures into vectors for methods with a closed form, which take nothing else.
///
/// Fitted to the training part of one modality, then applied to anything of its kind. ``settings`` and
/// ``state`` together make it again, so a run folder can hold it.
public protocol Featurizer: Sendable {
  /// The name of configurations and run folders, such as `tfidf`.
  static var name: String { get }
  /// What it takes.
  static var accepts: [ModalityKind] { get }
  /// Width of the vectors.
  var size: Int { get }
  /// One vector an item, float64 `[n, size]`.
  ///
  /// - Throws: ``FeaturizerError`` when the items are of another kind or shape.
  func vectors(of items: Items) throws -> Tensor
  /// Everything but the tensors.
  var settings: JSON { get }
  /// What was learned, by name.
  var state: [String: Tensor] { get }
  /// A featuriser from what ``settings`` and ``state`` gave.
  init(settings: JSON, state: [String: Tensor]) throws
}

/// The featurisers by name.
public enum Featurizers {
  /// Their names.
  public static var names: [String] { all.map { $0.name } }

  static let all: [any Featurizer.Type] = [
    TFIDFFeaturizer.self, DescriptorFeaturizer.self, PixelFeaturizer.self,
  ]

  /// What a kind of items is turned into vectors with unless told otherwise; nil for vectors, which need
  /// nothing, and for kinds that have no featuriser.
  public static func standard(for kind: ModalityKind) -> String? {
    switch kind {
    case .text: TFIDFFeaturizer.name
    case .images: DescriptorFeaturizer.name
    default: nil
    }
  }

  /// Fits a featuriser to one modality of a split.
  ///
  /// - Parameters:
  ///   - name: one of ``names``.
  ///   - size: width of the vectors; the featuriser's own default when nil.
  ///   - seed: fixes what is random, which is where singular vectors start from.
  /// - Throws: ``FeaturizerError`` for unknown names and kinds that do not fit; ``DataError`` from reading.
  public static func fit(
    _ name: String, to split: Split, side: Int, size: Int? = nil, seed: UInt64 = 0
  ) throws -> any Featurizer {
    let modality = split.description.modalities[side]
    let type = try type(of: name)
    guard type.accepts.contains(modality.kind) else {
      throw FeaturizerError.wrongKind(featurizer: name, kind: modality.kind, accepts: type.accepts)
    }
    let source = FeaturizerSource(count: split.count(side: side)) { try split.items(side: side, rows: $0) }
    switch name {
    case TFIDFFeaturizer.name:
      return try TFIDFFeaturizer(fittedTo: source, size: size ?? TFIDFFeaturizer.standardSize, seed: seed)
    case DescriptorFeaturizer.name:
      return try DescriptorFeaturizer(fittedTo: source, size: size ?? DescriptorFeaturizer.standardSize)
    default: return try PixelFeaturizer(fittedTo: source, size: size ?? PixelFeaturizer.standardSize)
    }
  }

  /// A featuriser from what a run folder holds.
  public static func make(
    _ name: String, settings: JSON, state: [String: Tensor]
  ) throws -> any Featurizer { try type(of: name).init(settings: settings, state: state) }

  private static func type(of name: String) throws(FeaturizerError) -> any Featurizer.Type {
    guard let type = all.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: names)
    }
    return type
  }
}

/// Items to fit a featuriser to, read a range at a time, as often as needed.
public struct FeaturizerSource {
  /// Number of items.
  public let count: Int
  /// Reads a range of them.
  public let items: (Range<Int>) throws -> Items

  public init(count: Int, items: @escaping (Range<Int>) throws -> Items) {
    self.count = count
    self.items = items
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
    }
  }
}

extension JSON {
  /// A whole number of a featuriser's settings.
  func setting(_ key: String, of featurizer: String) throws(FeaturizerError) -> Int {
    guard let number = self[key]?.int else {
      throw .badState(featurizer: featurizer, reason: "'\(key)' is missing or no whole number")
    }
    return number
  }
}
