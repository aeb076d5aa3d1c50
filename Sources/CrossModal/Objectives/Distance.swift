import Torch

/// How an objective compares two vectors.
public struct Distance: Sendable, Equatable {
  /// Whether small or large numbers mean close.
  public enum Direction: String, Sendable {
    /// Small is close.
    case distance
    /// Large is close.
    case similarity
  }

  /// What is computed of two vectors.
  public enum Kind: String, Sendable {
    /// ‖a − b‖.
    case euclidean
    /// √(‖a − b‖² + 1e-4) by one matrix product: 0.01 of equal vectors, smooth everywhere.
    case softenedEuclidean
    /// a · b.
    case dot
  }

  public let kind: Kind
  /// Whether vectors are divided by their Euclidean norm (at least 1e-12) first.
  public let normalizes: Bool

  public init(_ kind: Kind, normalizes: Bool = false) {
    self.kind = kind
    self.normalizes = normalizes
  }

  /// ‖a − b‖ of the vectors as they are.
  public static let euclidean = Distance(.euclidean)
  /// ‖a − b‖ of unit vectors, 0...2.
  public static let unitEuclidean = Distance(.euclidean, normalizes: true)
  /// √(‖a − b‖² + 1e-4) of the vectors as they are.
  public static let softenedEuclidean = Distance(.softenedEuclidean)
  /// a · b of the vectors as they are.
  public static let dot = Distance(.dot)
  /// a · b of unit vectors, -1...1.
  public static let cosine = Distance(.dot, normalizes: true)

  public var direction: Direction { kind == .dot ? .similarity : .distance }

  /// The vectors that are compared: the rows themselves, or their unit vectors.
  public func prepared(_ rows: Tensor) throws(TorchError) -> Tensor {
    normalizes ? try rows.normalized(along: -1) : rows
  }

  /// Every row of `x` `[n, d]` against every row of `y` `[m, d]`: `[n, m]`.
  ///
  /// Distances but the softened one subtract before they square, so nearly equal vectors keep their digits, and
  /// rows that coincide give 0 with a gradient of exactly 0.
  public func matrix(_ x: Tensor, _ y: Tensor) throws(TorchError) -> Tensor {
    try compared(prepared(x), prepared(y))
  }

  /// Row i of `x` `[n, d]` against row i of `y` `[n, d]`: `[n]`.
  public func pairwise(_ x: Tensor, _ y: Tensor) throws(TorchError) -> Tensor {
    let a = try prepared(x)
    let b = try prepared(y)
    switch kind {
    case .dot: return try (a * b).sum(along: -1)
    case .softenedEuclidean:
      return try ((a - b).squared().sum(along: -1) + Self.softening).squareRoot()
    case .euclidean:
      let squares = try (a - b).squared().sum(along: -1)
      let apart = try squares .> 0
      // The root of a masked square: its gradient at 0 would be infinite, and 0 · ∞ is not a number.
      return try squares.masked(with: apart.not(), fill: 1).squareRoot() * apart.to(squares.dtype)
    }
  }

  /// ``matrix(_:_:)`` of vectors that ``prepared(_:)`` gave.
  func compared(_ x: Tensor, _ y: Tensor) throws(TorchError) -> Tensor {
    switch kind {
    case .dot: try x.matmul(y.transposed())
    case .euclidean: try x.distances(to: y)
    case .softenedEuclidean: try softened(x, y)
    }
  }

  /// What the softened distance adds to the square.
  private static let softening = 1e-4

  private func softened(_ x: Tensor, _ y: Tensor) throws(TorchError) -> Tensor {
    let squares = try x.squared().sum(along: 1, keepingDimension: true) + y.squared().sum(along: 1)
    // Rounding can take a square of long, nearly equal vectors below 0.
    return try (squares.addingProduct(x, y.transposed(), scale: -2).clamped(from: 0) + Self.softening)
      .squareRoot()
  }
}
