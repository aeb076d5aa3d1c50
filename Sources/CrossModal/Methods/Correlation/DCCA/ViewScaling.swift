import Torch

/// What is done to the inputs of a view: (x - mean) · scale, by the training part.
final class ViewScaling: Module {
  /// `[d]`.
  @Buffer var mean: Tensor
  /// `[d]`.
  @Buffer var scale: Tensor

  init(_ width: Int) throws {
    mean = try Tensor.zeros([width])
    scale = try Tensor.ones([width])
  }

  func callAsFunction(_ rows: Tensor) throws -> Tensor {
    try (rows.to(mean.dtype).to(mean.device) - mean) * scale
  }

  /// - Parameters:
  ///   - deviation: of each column; nil to center only.
  ///   - floor: smallest deviation to divide by, as a fraction of the root mean square of all.
  ///   - view: for messages.
  /// - Throws: ``MethodError`` for columns that vary so little that float32 has no number to multiply them with.
  func set(mean center: Tensor, deviation: Tensor?, floor: Double, view: String) throws {
    mean = try center.to(mean.dtype).to(mean.device)
    guard let deviation else { return }
    let typical: Double = try deviation.squared().mean().squareRoot().item()
    // Columns that hardly vary would otherwise be blown up to the size of the others.
    let divisor = try deviation.clamped(from: typical > 0 ? typical * floor : 1)
    guard try divisor.reciprocal().to(.float32).isFinite().all() else {
      throw MethodError.unsuitable(
        method: DCCA.description.name,
        reason:
          "the columns of \(view) vary by \(typical), too little for float32, in which networks compute; "
          + "multiply them, as scale does in dataset.yaml")
    }
    scale = try divisor.reciprocal().to(scale.dtype).to(scale.device)
  }
}

/// Moving averages of a view's outputs, for orthogonal iterations; float64.
final class OutputMoments: Module {
  @Buffer private var mean: Tensor
  @Buffer private var covariance: Tensor

  init(_ width: Int) throws {
    mean = try Tensor.zeros([width], .float64)
    covariance = try Tensor.identity(width, .float64)
  }

  var value: OrthogonalIterations.Moments {
    get { .init(mean: mean, covariance: covariance) }
    set {
      mean = newValue.mean
      covariance = newValue.covariance
    }
  }
}

/// The linear CCA on the outputs of both networks; float64.
final class FinalCorrelation: Module {
  @Buffer private var mean1: Tensor
  @Buffer private var weight1: Tensor
  @Buffer private var mean2: Tensor
  @Buffer private var weight2: Tensor
  /// Correlations of the regularised problem.
  @Buffer private(set) var rho: Tensor

  init(_ width: Int) throws {
    mean1 = try Tensor.zeros([width], .float64)
    mean2 = try Tensor.zeros([width], .float64)
    _weight1 = Buffer(wrappedValue: try Tensor.zeros([width, 0], .float64), shapeMayChange: true)
    _weight2 = Buffer(wrappedValue: try Tensor.zeros([width, 0], .float64), shapeMayChange: true)
    _rho = Buffer(wrappedValue: try Tensor.zeros([0], .float64), shapeMayChange: true)
  }

  var isFitted: Bool { rho.count > 0 }

  /// - Parameter isWeighted: whether components count by what they tell about the other view (``CanonicalWeights``).
  func keep(_ fit: CanonicalFit, isWeighted: Bool) throws {
    (mean1, mean2) = (fit.means[0], fit.means[1])
    (weight1, weight2) = (fit.solution.weights[0], fit.solution.weights[1])
    rho = try fit.solution.correlations[0..<weight1.size(along: 1)].copied()
    guard isWeighted else { return }
    let weights = try CanonicalWeights.odds(rho)
    (weight1, weight2) = (try weight1 * weights, try weight2 * weights)
  }

  /// (outputs - mean) · weight, `[n, k]`.
  func scores(_ outputs: Tensor, view: Int) throws -> Tensor {
    let (mean, weight) = view == 0 ? (mean1, weight1) : (mean2, weight2)
    return try (outputs.to(.cpu).to(.float64) - mean.to(.cpu)).matmul(weight.to(.cpu))
  }
}
