import Torch

/// A method that learns by gradient. Everything but ``loss(_:_:)`` has a default.
///
/// The trainer makes batches, calls ``loss(_:_:)``, follows the gradient, and looks after everything else:
/// schedules, evaluation, checkpoints, several processes. A method knows nothing of that.
public protocol Trainable: Method {
  /// The settings of training where the user says nothing.
  ///
  /// - Parameters:
  ///   - configuration: the method's settings.
  ///   - pairs: number of training pairs; 0 when the documentation asks.
  static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration
  /// How batches are put together; by default ``ShuffledSampler``.
  func sampler(for data: some TrainingSet, _ training: TrainingConfiguration) throws -> any BatchSampler
  /// What is trained, and how; by default all parameters in one group.
  func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup]
  /// Work before the first step: first weights drawn from the run's seed, scaling of inputs, pre-training.
  func prepare(on data: some TrainingSet, _ preparation: Preparation) throws
  /// The loss of a batch. Moving averages, queues and centres are changed here when ``Step/isTraining``.
  func loss(_ batch: Batch, _ step: Step) throws -> Loss
  /// The method's own measures for choosing the best weights; nil for retrieval metrics (of an alignment) or
  /// the mean loss.
  ///
  /// - Parameters:
  ///   - data: held-out pairs.
  ///   - training: the pairs that are learned from.
  func measures(on data: some TrainingSet, training: some TrainingSet) throws -> [Measure]?
  /// Work after the last step on the weights that are kept, such as a linear layer in closed form.
  func finish(on data: some TrainingSet, _ preparation: Preparation) throws
}

extension Trainable {
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    TrainingConfiguration()
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    ShuffledSampler(count: data.count, batchSize: training.batchSize ?? data.count)
  }

  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    [ParameterGroup(parameters)]
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {}

  public func measures(on data: some TrainingSet, training: some TrainingSet) throws -> [Measure]? { nil }

  public func finish(on data: some TrainingSet, _ preparation: Preparation) throws {}
}

/// Parameters that are trained alike.
public struct ParameterGroup {
  public var parameters: [StateEntry]
  /// Multiplies the learning rate.
  public var rateFactor: Double
  /// Instead of the configuration's weight decay.
  public var weightDecay: Double?
  /// Instead of the configuration's optimiser.
  public var optimizer: TrainingConfiguration.OptimizerKind?
  /// Instead of the configuration's momentum.
  public var momentum: Double?

  public init(
    _ parameters: [StateEntry], rateFactor: Double = 1, weightDecay: Double? = nil,
    optimizer: TrainingConfiguration.OptimizerKind? = nil, momentum: Double? = nil
  ) {
    self.parameters = parameters
    self.rateFactor = rateFactor
    self.weightDecay = weightDecay
    self.optimizer = optimizer
    self.momentum = momentum
  }
}

/// What ``Trainable/prepare(on:_:)`` and ``Trainable/finish(on:_:)`` may know of the run.
public struct Preparation {
  public let training: TrainingConfiguration
  public let seed: UInt64
  public let device: Device
  /// Tells the user in a sentence what happens.
  public let note: (String) -> Void

  public init(
    training: TrainingConfiguration = TrainingConfiguration(), seed: UInt64 = 0, device: Device = .cpu,
    note: @escaping (String) -> Void = { _ in }
  ) {
    self.training = training
    self.seed = seed
    self.device = device
    self.note = note
  }
}

/// The loss of a batch: a scalar to follow, and parts of it to look at.
public struct Loss {
  /// What is minimised, a scalar.
  public let total: Tensor
  /// Parts and other facts by name, in the order they are shown; scalars without a graph.
  public let parts: [(name: String, value: Tensor)]
  /// Where training ends that stays there.
  public var standstill: Standstill?
  private let propagate: ((Double) throws -> Void)?

  /// A loss that a method does not come away from by itself.
  public struct Standstill: Sendable, Equatable {
    public let loss: Double
    /// What is so where the loss stands there, and what a user may do.
    public let cause, advice: String

    public init(loss: Double, cause: String, advice: String) {
      (self.loss, self.cause, self.advice) = (loss, cause, advice)
    }
  }

  /// - Parameter parts: what the loss is made of, and anything else worth watching.
  public init(_ total: Tensor, parts: KeyValuePairs<String, Tensor> = [:]) throws(TorchError) {
    self.total = total
    self.parts = try Loss.detached(parts.map { (name: $0.key, value: $0.value) })
    propagate = nil
  }

  /// The value of an objective.
  public init(_ value: ObjectiveValue) throws(TorchError) {
    total = value.total
    parts = try Loss.detached(value.parts.map { ($0.name, $0.value) })
    propagate = nil
  }

  /// A loss whose gradient is put into the parameters by `propagate`, weighted by its argument: for losses of
  /// all pairs at once whose graph would not fit into memory.
  public init(
    _ total: Tensor, parts: [(name: String, value: Tensor)] = [], propagate: @escaping (Double) throws -> Void
  ) throws(TorchError) {
    self.total = try total.detached()
    self.parts = try Loss.detached(parts)
    self.propagate = propagate
  }

  private static func detached(
    _ parts: [(name: String, value: Tensor)]
  ) throws(TorchError) -> [(name: String, value: Tensor)] {
    var detached: [(name: String, value: Tensor)] = []
    for (name, tensor) in parts { detached.append((name, try tensor.detached())) }
    return detached
  }

  /// Accumulates the gradient, times `weight`, in the parameters.
  public func backward(weight: Double = 1) throws {
    if let propagate { return try propagate(weight) }
    guard total.requiresGradient else { return }
    try (weight == 1 ? total : total * weight).backward()
  }
}

/// A number that says how good a model is.
public struct Measure: Sendable, Equatable {
  /// Such as `image_to_text.R@1` or `loss`.
  public let name: String
  public let value: Double
  /// Whether more is better.
  public let increases: Bool

  public init(_ name: String, _ value: Double, increases: Bool = true) {
    self.name = name
    self.value = value
    self.increases = increases
  }
}
