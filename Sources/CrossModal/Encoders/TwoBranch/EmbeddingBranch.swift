import Torch

/// One branch of the two-branch network (Wang, Li, Huang & Lazebnik, TPAMI 2019): linear map, batch normalization,
/// rectifier, dropout, linear map, unit vectors.
///
/// Parameters are named as in the released program: `fc1.0.*`, `fc1.1.*` (batch normalization, where there is any),
/// `fc2.*`. First weights are PyTorch's.
public final class EmbeddingBranch: BranchMap {
  let fc1: Sequential
  let fc2: Linear
  /// Vectors are divided by their norm, or by this where it is smaller.
  public let normalizeEpsilon: Double
  private let settings: Settings

  /// Sizes of a branch.
  public struct Settings: Sendable, Equatable {
    /// Width of what goes in.
    public var inputs: Int
    /// Units of the hidden layer.
    public var hidden = 2048
    /// Width of the vectors.
    public var size = 512
    /// That a hidden unit is dropped in training.
    public var dropout = 0.5
    public var normalizesBatch = true
    /// How much a batch moves the running statistics of batch normalization.
    public var momentum = 0.1
    /// Added to the variance in batch normalization.
    public var epsilon = 1e-5

    public init(inputs: Int) { self.inputs = inputs }
  }

  /// Width of the vectors.
  public var size: Int { settings.size }

  public init(
    _ settings: Settings, normalizeEpsilon: Double = 1e-12, using generator: Generator
  ) throws {
    self.settings = settings
    self.normalizeEpsilon = normalizeEpsilon
    fc1 = try Sequential {
      try Linear(from: settings.inputs, to: settings.hidden, using: generator)
      if settings.normalizesBatch {
        try BatchNorm(settings.hidden, momentum: settings.momentum, epsilon: settings.epsilon)
      }
      Activation(.relu)
      Dropout(settings.dropout)
    }
    fc2 = try Linear(from: settings.hidden, to: settings.size, using: generator)
  }

  /// Unit vectors of rows.
  ///
  /// - Parameter x: `[n, inputs]`.
  /// - Returns: `[n, size]`.
  /// - Throws: ``ConfigurationError`` for one row in training, which batch normalization cannot take.
  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws -> Tensor {
    if pass.isTraining, pass.group == nil, settings.normalizesBatch, x.size(along: 0) < 2 {
      throw ConfigurationError.badValue(
        key: "rows of a batch", value: "\(x.size(along: 0))",
        expected: "2 or more, as batch normalization needs")
    }
    return try fc2(fc1(x, pass)).normalized(along: 1, epsilon: normalizeEpsilon)
  }

  /// Draws the parameters anew.
  public func reset(using generator: Generator) throws {
    try take(stateOf: EmbeddingBranch(settings, normalizeEpsilon: normalizeEpsilon, using: generator))
  }
}
