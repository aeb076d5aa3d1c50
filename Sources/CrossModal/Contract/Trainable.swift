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
  /// Moving averages, queues and centers are changed here when ``Step/isTraining``.
  func loss(_ batch: Batch, _ step: Step) throws -> Loss
  /// Names of what ``measures(on:training:_:)`` measures, the one that weights are chosen by first. Known before the
  /// first step, so that a name which is not among them is refused there.
  func measureNames(on data: some TrainingSet) throws -> [String]
  /// What the best weights are chosen by: of a method that can be evaluated its selection of measures, else the mean
  /// loss.
  ///
  /// - Parameters:
  ///   - data: held-out pairs.
  ///   - training: the pairs that are learned from.
  func measures(
    on data: some TrainingSet, training: some TrainingSet, _ preparation: Preparation
  ) throws -> [Measure]
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

  public func measureNames(on data: some TrainingSet) throws -> [String] { ["loss"] }

  public func measures(
    on data: some TrainingSet, training: some TrainingSet, _ preparation: Preparation
  ) throws -> [Measure] {
    var (sum, count) = (0.0, 0)
    try data.forEachChunk(rows: preparation.training.batchSize ?? data.count) { batch in
      let step = try Step(
        isTraining: false, seed: preparation.seed, training: preparation.training, device: preparation.device)
      let value: Double = try loss(batch.to(preparation.device, preparation.training.dtype), step).total
        .item()
      guard value.isFinite else { return }
      sum += value * Double(batch.count)
      count += batch.count
    }
    return [Measure("loss", count > 0 ? sum / Double(count) : .infinity, .number, increases: false)]
  }

  public func finish(on data: some TrainingSet, _ preparation: Preparation) throws {}
}

extension Trainable where Self: Evaluable {
  public func measureNames(on data: some TrainingSet) throws -> [String] { try selectionNames(on: data) }

  public func measures(
    on data: some TrainingSet, training: some TrainingSet, _ preparation: Preparation
  ) throws -> [Measure] { try selection(on: data, preparation) }

  /// What an evaluation of held-out pairs gives to choose weights by, however the settings have evaluations done.
  func selection(on data: some TrainingSet, _ preparation: Preparation) throws -> [Measure] {
    let known = options(for: data.description)
    return try evaluate(
      on: data,
      preparation.evaluation(searched: known.contains(.protocol), ties: known.contains(.ties))
    ).selection
  }
}
