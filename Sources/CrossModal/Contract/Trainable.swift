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
  /// Files that the settings name and that training begins with; by default none.
  var assets: [Asset] { get }
  /// Takes what the files of ``assets`` hold, and checks that nothing is missing to begin with. Called once before
  /// ``prepare(on:_:)``, even without assets; not where a run is continued, whose weights come from its checkpoint.
  ///
  /// - Throws: what does not fit, naming the file or the key.
  func begin(with contents: AssetContents) throws
  /// How batches are put together; by default ``ShuffledSampler``.
  func sampler(for data: some TrainingSet, _ training: TrainingConfiguration) throws -> any BatchSampler
  /// What is trained, and how; by default all parameters in one group.
  func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup]
  /// Work before the first step: first weights drawn from the run's seed, scaling of inputs, pre-training.
  func prepare(on data: some TrainingSet, _ preparation: Preparation) throws
  /// The loss of a batch: a function of the batch, the step and what was learned. What it needs to know of how the
  /// batch was put together stands in the batch (``Batch/group``, ``Batch/givenPairs``), so that it can be called alone.
  /// Moving averages, queues and centres are changed here when ``Step/isTraining``.
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

  public var assets: [Asset] { [] }

  public func begin(with contents: AssetContents) throws {}

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
