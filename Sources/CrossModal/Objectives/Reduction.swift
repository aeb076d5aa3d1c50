import Torch

/// How the losses of pairs, triplets or anchors become one number.
public enum Reduction: String, Sendable, Codable, CaseIterable {
  /// Their sum.
  case sum
  /// Their mean.
  case mean
  /// The mean over similar pairs plus the mean over dissimilar pairs: many of one kind do not drown the other.
  case balanced
  /// The mean over those that are greater than 0; 0 when none is.
  case averageNonZero = "avg_non_zero"
}

/// A sum that blocks of rows add to, and the number that divides it in the end.
public struct Term: Sendable {
  /// What it is, in logs.
  public let name: String
  /// The sum so far, a scalar.
  public var sum: Tensor
  /// What divides it, a scalar without gradient; nil for a plain sum. Zero makes the term 0.
  public var count: Tensor?

  public init(_ name: String, sum: Tensor, count: Tensor? = nil) {
    self.name = name
    self.sum = sum
    self.count = count
  }

  /// The sum divided by its count.
  public var value: Tensor {
    get throws(TorchError) {
      guard let count else { return sum }
      return try sum / count.clamped(from: 1)
    }
  }
}

extension Reduction {
  /// Losses (zero outside of `mask`) as one term.
  ///
  /// - Parameters:
  ///   - losses: any shape, zero wherever `mask` is false.
  ///   - mask: bool of the same shape: what counts.
  func term(_ name: String, _ losses: Tensor, where mask: Tensor) throws(TorchError) -> Term {
    let sum = try losses.sum()
    switch self {
    case .sum: return Term(name, sum: sum)
    case .mean, .balanced: return Term(name, sum: sum, count: try mask.sum().to(losses.dtype))
    case .averageNonZero:
      return Term(name, sum: sum, count: try (losses.detached() .> 0).sum().to(losses.dtype))
    }
  }
}

/// What an objective says of a batch.
public struct ObjectiveValue: Sendable {
  /// What to minimise: a scalar with a graph.
  public var total: Tensor
  /// Its parts by name, scalars without a graph.
  public var parts: [(name: String, value: Tensor)]

  public init(total: Tensor, parts: [(name: String, value: Tensor)] = []) {
    self.total = total
    self.parts = parts
  }
}
