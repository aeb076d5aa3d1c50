import Foundation
import Torch

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

extension Features {
  /// Items of several features, in order; shorter rows of fragments are padded.
  public init(joining parts: [Features]) throws {
    guard let first = parts.first else { throw FeatureError.nothingToEncode }
    guard parts.count > 1 else {
      self = first
      return
    }
    let widest = parts.map { $0.values.rank > 2 ? $0.values.size(along: 1) : 0 }.max() ?? 0
    let padded = { (tensor: Tensor) throws -> Tensor in
      guard tensor.rank > 2, tensor.size(along: 1) < widest else { return tensor }
      let below = Array(repeating: 0, count: 2 * (tensor.rank - 2))
      return try tensor.padded(below + [0, widest - tensor.size(along: 1)])
    }
    self.init(
      try Tensor.concatenated(parts.map { try padded($0.values) }),
      lengths: first.lengths == nil ? nil : parts.flatMap { $0.lengths ?? [] },
      companions: try first.companions.keys.reduce(into: [:]) { all, name in
        all[name] = try Tensor.concatenated(parts.compactMap { try $0.companions[name].map(padded) })
      })
  }
}

/// Features that cannot be.
public enum FeatureError: LocalizedError, Equatable {
  case lengthCount(lengths: Int, items: Int)
  case badLength(item: Int, length: Int, width: Int)
  case nothingToEncode

  public var errorDescription: String? {
    switch self {
    case .lengthCount(let lengths, let items):
      "\(lengths) lengths for the fragments of \(items) items, expected one length an item"
    case .badLength(let item, let length, let width):
      "item \(item) has \(length) fragments, expected 1 to \(width)"
    case .nothingToEncode: "there are no rows to encode"
    }
  }
}
