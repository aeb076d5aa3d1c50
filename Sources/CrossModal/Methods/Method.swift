import Foundation
import Torch

/// An alignment method: its settings, its parameters, and what it can do (the protocols below).
///
/// A method never reads a file, prints, or knows a command-line flag.
public protocol Method: Module, SendableMetatype {
  associatedtype Configuration: MethodConfiguration
  /// What the lists, the command and the documentation say of it.
  static var description: MethodDescription { get }
  /// Settings that ship with the program under a name; none by default.
  static var recipes: [Recipe] { get }
  /// Stores the configuration and makes parameters of the right shapes; learning comes later.
  init(_ configuration: Configuration, for data: DataDescription) throws
  var configuration: Configuration { get }
}

extension Method {
  public static var recipes: [Recipe] { [] }
}

/// A method with a closed form.
public protocol Fittable: Method {
  /// Learns from all pairs at once, or in chunks.
  func fit(to data: some TrainingSet, seed: UInt64) throws
}

/// A method that maps the items of two modalities to features and scores them against each other.
public protocol Alignment: Method {
  /// Features of items, computed once an item. `side` is the place of the modality in the data set's order.
  func encode(_ items: Items, side: Int) throws -> Features
  /// Scores of every x against every y, `[n, m]`, higher is better. `x` is of the first modality.
  func similarity(_ x: Features, _ y: Features) throws -> Tensor
}

/// An alignment whose features are one vector an item in a joint space, so that they can be indexed.
public protocol JointEmbedding: Alignment {
  /// How vectors are compared.
  var metric: Metric { get }
}

extension JointEmbedding {
  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try metric.scores(x.values, y.values)
  }
}

/// What a method computes once for each item, to be scored against items of the other modality.
public struct Features: Sendable {
  /// A vector an item `[n, d]`, fragments `[n, l, d]`, or fragments item after item without padding
  /// `[sum of lengths, d]`.
  public var values: Tensor
  /// How many fragments each item has; nil for vectors.
  public var lengths: [Int]?
  /// Whatever else makes scoring fast, by name; each has a row for each row of ``values``.
  public var companions: [String: Tensor]

  public init(_ values: Tensor, lengths: [Int]? = nil, companions: [String: Tensor] = [:]) {
    self.values = values
    self.lengths = lengths
    self.companions = companions
  }

  /// Whether fragments follow one another without padding.
  public var isPacked: Bool { lengths != nil && values.rank == 2 }

  /// Number of items.
  public var count: Int { isPacked ? lengths?.count ?? 0 : values.size(along: 0) }

  /// The items in a range, without a copy.
  public func items(_ range: Range<Int>) throws -> Features {
    var rows = range
    if isPacked, let lengths {
      let start = lengths[..<range.lowerBound].reduce(0, +)
      rows = start..<start + lengths[range].reduce(0, +)
    }
    return Features(
      try values[rows], lengths: lengths.map { Array($0[range]) },
      companions: try companions.mapValues { try $0[rows] })
  }

  /// The items at the given places, in that order; a place may occur more than once.
  public func rows(at places: [Int]) throws -> Features {
    var rows = places
    if isPacked, let lengths {
      let starts = Features.offsets(lengths)
      rows = places.flatMap { starts[$0]..<starts[$0 + 1] }
    }
    let indices = try Tensor(rows)
    return Features(
      try values.rows(at: indices), lengths: lengths.map { lengths in places.map { lengths[$0] } },
      companions: try companions.mapValues { try $0.rows(at: indices) })
  }

  /// Fragments without padding; vectors and packed fragments as they are.
  ///
  /// - Throws: ``FeatureError`` for lengths that do not fit.
  public func packed() throws -> Features {
    guard let lengths, !isPacked else { return self }
    let (count, width) = (values.size(along: 0), values.size(along: 1))
    guard lengths.count == count else { throw FeatureError.lengthCount(lengths: lengths.count, items: count) }
    if let item = lengths.firstIndex(where: { $0 < 1 || $0 > width }) {
      throw FeatureError.badLength(item: item, length: lengths[item], width: width)
    }
    func joined(_ tensor: Tensor) throws -> Tensor {
      try tensor.reshaped(to: [count * width] + tensor.shape.dropFirst(2))
    }
    guard lengths.contains(where: { $0 != width }) else {
      return Features(try joined(values), lengths: lengths, companions: try companions.mapValues(joined))
    }
    let places = try Tensor(lengths.enumerated().flatMap { $0 * width..<$0 * width + $1 }).to(values.device)
    return Features(
      try joined(values).rows(at: places), lengths: lengths,
      companions: try companions.mapValues { try joined($0).rows(at: places) })
  }

  /// Where each item starts among packed rows, and where the last one ends.
  static func offsets(_ lengths: [Int]) -> [Int] {
    var offsets = [0]
    offsets.reserveCapacity(lengths.count + 1)
    for length in lengths { offsets.append(offsets[offsets.count - 1] + length) }
    return offsets
  }
}

/// Features whose lengths say what cannot be.
public enum FeatureError: LocalizedError, Equatable {
  case lengthCount(lengths: Int, items: Int)
  case badLength(item: Int, length: Int, width: Int)

  public var errorDescription: String? {
    switch self {
    case .lengthCount(let lengths, let items):
      "\(lengths) lengths for the fragments of \(items) items, expected one length an item"
    case .badLength(let item, let length, let width):
      "item \(item) has \(length) fragments, expected 1 to \(width)"
    }
  }
}

/// How two vectors of a joint space are compared; higher is closer.
public enum Metric: String, Sendable, Codable, CaseIterable {
  /// Inner product of the vectors divided by their lengths.
  case cosine
  /// Inner product.
  case dot
  /// Euclidean distance, negated.
  case euclidean
  /// ``OrderSimilarity``: how little the second exceeds the first. Not symmetric: the first modality comes first.
  case order

  /// Scores of the rows of `x` `[n, d]` against the rows of `y` `[m, d]`: `[n, m]`.
  public func scores(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    switch self {
    case .cosine: try x.normalized(along: -1).matmul(y.normalized(along: -1).transposed())
    case .dot: try x.matmul(y.transposed())
    case .euclidean: try -x.distances(to: y)
    case .order: try OrderSimilarity.scores(x, y)
    }
  }
}
