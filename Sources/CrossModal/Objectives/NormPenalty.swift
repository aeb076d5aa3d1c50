import Torch

/// A penalty on the norms of vectors that are not normalized, so that they cannot grow without end.
public struct NormPenalty: Sendable, Equatable {
  /// What exactly is penalized; programs differ.
  public enum Convention: String, Sendable, Codable, CaseIterable {
    /// weight/4 · (mean ‖a‖² + mean ‖p‖²).
    case tensorflow
    /// weight/2 · (mean ‖a‖² + mean ‖p‖²).
    case chainer
    /// weight · mean of the norms (not squared) of all rows of both.
    case pml
  }

  public let weight: Double
  public let convention: Convention

  public init(weight: Double, convention: Convention = .tensorflow) {
    self.weight = weight
    self.convention = convention
  }

  /// The penalty of the rows of each side, `[n, d]` each: a scalar.
  public func callAsFunction(_ sides: [Tensor]) throws(TorchError) -> Tensor {
    switch convention {
    case .pml:
      let rows = sides.count == 1 ? sides[0] : try Tensor.concatenated(sides)
      return try rows.norm(along: 1).mean() * weight
    case .tensorflow, .chainer:
      var sum = try sides[0].squared().sum() / Double(sides[0].size(along: 0))
      for side in sides.dropFirst() { sum = try sum + side.squared().sum() / Double(side.size(along: 0)) }
      return try sum * (weight / (convention == .tensorflow ? 4 : 2))
    }
  }
}
