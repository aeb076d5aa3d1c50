import Torch

/// Non-linear orthogonal iterations (Wang et al., Allerton 2015): each view learns to predict the other's
/// whitened outputs, whose moments are moving averages, so that small batches do.
enum OrthogonalIterations {
  /// Moving averages of one view's outputs: mean `[o]`, covariance `[o, o]`, float64.
  struct Moments {
    var mean: Tensor
    var covariance: Tensor

    /// mean ← ρ mean + (1 - ρ) batch mean, likewise the covariance (divided by m, centered by the batch mean).
    func updated(with outputs: Tensor, rho: Double) throws -> Moments {
      let batch = try Moments(of: outputs)
      return Moments(
        mean: try mean * rho + batch.mean * (1 - rho),
        covariance: try covariance * rho + batch.covariance * (1 - rho))
    }

    init(mean: Tensor, covariance: Tensor) {
      self.mean = mean
      self.covariance = covariance
    }

    /// The moments of a batch.
    init(of outputs: Tensor) throws {
      let rows = try outputs.detached().to(.float64)
      mean = try rows.mean(along: 0)
      let centered = try rows - mean
      covariance = try centered.transposed().matmul(centered) / Double(rows.size(along: 0))
    }

    /// (outputs - mean)(covariance + ε I)^-½, without a graph.
    func whitened(_ outputs: Tensor, epsilon: Double) throws -> Tensor {
      let identity = try Tensor.identity(covariance.size(along: 0), .float64, on: covariance.device)
      let root = try DeepCorrelation.inverseRoot(covariance + identity * epsilon, dropping: 0)
      return try (outputs.detached().to(.float64) - mean).matmul(root)
    }
  }

  /// 1/(2m) Σ |(outputs - mean) - target|² over both views; each view's target is the other's whitened outputs.
  static func loss(_ outputs: [Tensor], _ moments: [Moments], epsilon: Double) throws -> Tensor {
    let count = Double(outputs[0].size(along: 0))
    let errors = try (0..<2).map { view in
      let target = try moments[1 - view].whitened(outputs[1 - view], epsilon: epsilon)
      return try (outputs[view].to(.float64) - moments[view].mean - target).squared().sum()
    }
    return try (errors[0] + errors[1]) / (2 * count)
  }
}
