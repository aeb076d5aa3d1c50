/// Batch normalisation (Ioffe & Szegedy, ICML 2015, algorithms 1 and 2) of `[n, features]`, `[n, features, l]` or
/// `[n, features, height, width]`. Names as PyTorch's `BatchNorm1d` and `BatchNorm2d`.
public final class BatchNorm: Layer {
  /// γ and β, `[features]`.
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor
  private let mean: Buffer
  private let variance: Buffer
  private let batches: Buffer
  /// How much a batch moves the running statistics.
  public let momentum: Double
  /// Added to the variance.
  public let epsilon: Double

  /// Statistics of the batches that were seen in training, `[features]`.
  public var runningMean: Tensor { mean.wrappedValue }
  public var runningVariance: Tensor { variance.wrappedValue }

  public init(
    _ features: Int, momentum: Double = 0.1, epsilon: Double = 1e-5, _ dtype: DataType = .float32
  ) throws(TorchError) {
    self.momentum = momentum
    self.epsilon = epsilon
    weight = try Tensor.ones([features], dtype)
    bias = try Tensor.zeros([features], dtype)
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
    return try Op.batchNorm(
      .tensor(x), .tensor(weight), .tensor(bias), .tensor(runningMean), .tensor(runningVariance),
      .bool(pass.isTraining), .double(momentum), .double(epsilon), .bool(true))
  }

  private enum Op {
    static let batchNorm = Operator("batch_norm")
  }
}
