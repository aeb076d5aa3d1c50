/// Batch normalization (Ioffe & Szegedy, ICML 2015, algorithms 1 and 2) of `[n, features]`, `[n, features, l]` or
/// `[n, features, height, width]`. Names as PyTorch's `BatchNorm1d` and `BatchNorm2d`.
public final class BatchNorm: Layer {
  private let optionalWeight: Parameter?
  private let optionalBias: Parameter?
  private let mean: Buffer
  private let variance: Buffer
  private let batches: Buffer
  /// How much a batch moves the running statistics.
  public let momentum: Double
  /// Added to the variance.
  public let epsilon: Double

  /// γ and β, `[features]`; nil for a layer that only normalizes.
  public var weight: Tensor? { optionalWeight?.wrappedValue }
  public var bias: Tensor? { optionalBias?.wrappedValue }

  /// Statistics of the batches that were seen in training, `[features]`.
  public var runningMean: Tensor { mean.wrappedValue }
  public var runningVariance: Tensor { variance.wrappedValue }

  /// - Parameter affine: whether γ and β are learned.
  public init(
    _ features: Int, momentum: Double = 0.1, epsilon: Double = 1e-5, affine: Bool = true,
    _ dtype: DataType = .float32
  ) throws(TorchError) {
    self.momentum = momentum
    self.epsilon = epsilon
    optionalWeight = affine ? Parameter(wrappedValue: try Tensor.ones([features], dtype), "weight") : nil
    optionalBias = affine ? Parameter(wrappedValue: try Tensor.zeros([features], dtype), "bias") : nil
    mean = Buffer(wrappedValue: try Tensor.zeros([features], dtype), "running_mean")
    variance = Buffer(wrappedValue: try Tensor.ones([features], dtype), "running_var")
    batches = Buffer(wrappedValue: try Tensor(0), "num_batches_tracked")
  }

  /// In training the batch's own mean and variance are used, and the running ones moved; in evaluation the
  /// running ones are used.
  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    if pass.isTraining {
      try mean.slot.makeWritable()
      try variance.slot.makeWritable()
      batches.wrappedValue = try batches.wrappedValue + Tensor(1).to(batches.wrappedValue.device)
    }
    // Without γ and β nothing but the moments is left: one process then computes as several do, bit for bit.
    if pass.group != nil || weight == nil { return try composed(x, pass) }
    return try Op.batchNorm(
      .tensor(x), .optional(weight), .optional(bias), .tensor(runningMean), .tensor(runningVariance),
      .bool(pass.isTraining), .double(momentum), .double(epsilon), .bool(true))
  }

  /// In training by the statistics of the batch of all processes.
  private func composed(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    let features = x.size(along: 1)
    let values = try x.to(runningMean.dtype)
    let shape = [features] + [Int](repeating: 1, count: x.rank - 2)
    var (center, spread) = (runningMean, runningVariance)
    if pass.isTraining {
      let moments = try BatchMoments(
        values.transposed(0, 1).reshaped(to: [features, -1]), in: pass.group)
      mean.wrappedValue = try moments.moved(mean: runningMean, momentum)
      variance.wrappedValue = try moments.moved(variance: runningVariance, momentum)
      (center, spread) = (moments.mean, moments.variance)
    }
    var scale = try (spread + epsilon).inverseSquareRoot()
    if let weight { scale = try weight * scale }
    let scaled = try (values - center.reshaped(to: shape)) * scale.reshaped(to: shape)
    return try (bias.map { bias throws(TorchError) in try scaled + bias.reshaped(to: shape) } ?? scaled)
      .to(x.dtype)
  }

  private enum Op {
    static let batchNorm = Operator("batch_norm")
  }
}

/// Mean and variance of each feature over a batch, a part of which is here.
public struct BatchMoments {
  /// `[features]`, with a graph; the variance is divided by the number of values.
  public let mean: Tensor
  public let variance: Tensor
  /// Values of each feature, a scalar.
  private let count: Tensor

  /// - Parameters:
  ///   - values: of this process, `[features, n]`.
  ///   - group: whose parts together are the batch; nil for this one alone.
  /// - Throws: ``TorchError`` when a process is gone or late.
  public init(_ values: Tensor, in group: (any ProcessGroup)?) throws(TorchError) {
    let features = values.size(along: 0)
    let own = try Tensor.full([1], Double(values.size(along: 1)), values.dtype, on: values.device)
    let sums = try Tensor.concatenated([values.sum(along: 1), own])
    let all = try group?.sum(sums) ?? sums
    count = try all[features].detached()
    mean = try all[0..<features] / count
    // In two passes: a mean of squares less the square of a mean would lose digits.
    let rests = try (values - mean.unsqueezed(at: 1)).squared().sum(along: 1)
    variance = try (group?.sum(rests) ?? rests) / count
  }

  /// A running mean with this one in it.
  public func moved(mean running: Tensor, _ momentum: Double) throws(TorchError) -> Tensor {
    try running * (1 - momentum) + mean.detached() * momentum
  }

  /// A running variance, which is divided by one value less, with this one in it.
  public func moved(variance running: Tensor, _ momentum: Double) throws(TorchError) -> Tensor {
    let unbiased = try variance.detached() * (count / (count - 1).clamped(from: 1))
    return try running * (1 - momentum) + unbiased * momentum
  }
}
