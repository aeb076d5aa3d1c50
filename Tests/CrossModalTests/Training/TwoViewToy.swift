import CrossModal
import Torch

/// A small method to train with: one linear map a view, softmax over the batch, dropout, a running mean.
final class TwoViewToy: Trainable, JointEmbedding {
  struct Configuration: MethodConfiguration {
    var width = 4
    var dropout = 0.2
    /// The step at which the loss becomes NaN.
    var breaksAt: Int?
    /// The loss at which it says that nothing is learned.
    var standsAt: Double?
    /// Pairs of a class in a batch; nil for any pairs.
    var views: Int?
    static let keys = ["width", "dropout", "breaks_at", "stands_at", "views"].map { ConfigurationKey($0, "") }
  }

  static let description = MethodDescription(
    name: "toy", family: .metric, task: .retrieval, summary: "", citation: "", accepts: [.vector])

  let configuration: Configuration
  let metric = Metric.cosine
  @Parameter var weightX: Tensor
  @Parameter var weightY: Tensor
  @Buffer var mean: Tensor
  /// What the last batch said of its neighbors.
  private(set) var group: Int?

  init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    let generator = try Generator(seed: 3)
    let sizes = data.modalities.map { $0.size ?? 1 }
    weightX = try Tensor.normal([sizes[0], configuration.width], using: generator) * 0.3
    weightY = try Tensor.normal([sizes[1], configuration.width], using: generator) * 0.3
    mean = try Tensor.zeros([configuration.width])
  }

  static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 4
    training.batchSize = 8
    training.learningRate = 0.05
    return training
  }

  func encode(_ items: Items, side: Int) throws -> Features {
    Features(try (items.tensor ?? Tensor([0.0])).matmul(side == 0 ? weightX : weightY))
  }

  func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    guard let views = configuration.views, let labels = data.labels else {
      return ShuffledSampler(count: data.count, batchSize: training.batchSize ?? data.count)
    }
    return ClassSampler(labels: labels, classes: 2, views: views)
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    group = batch.group
    var x = try encode(batch.items[0], side: 0).values
    let y = try step.gathered(encode(batch.items[1], side: 1).values)
    if step.isTraining, configuration.dropout > 0 {
      let kept = try Tensor.uniform(x.shape, x.dtype, using: step.generator) .> configuration.dropout
      x = try x * kept.to(x.dtype)
    }
    x = try step.gathered(x)
    if step.isTraining { mean = try mean * 0.9 + x.detached().mean(along: 0) * 0.1 }
    let scores = try x.matmul(y.transposed())
    var total = try -(scores.logSoftmax(along: 1).diagonal().mean())
    if step.number == configuration.breaksAt { total = try total * Double.nan }
    var loss = try Loss(total, parts: ["spread": x.squared().mean()])
    loss.standstill = configuration.standsAt.map {
      .init(loss: $0, cause: "all is one", advice: "begin anew")
    }
    return loss
  }
}

/// Pairs of vectors in memory.
struct MemoryPairs: TrainingSet {
  let x: Tensor
  let y: Tensor
  var labels: [Int]?
  /// Of the second modality, where it has classes of its own.
  var labelsOfY: [Int]?
  /// Called before each batch is given; may throw, as a disk may.
  var before: (Int) throws -> Void = { _ in }

  var description: DataDescription {
    DataDescription(
      name: "memory",
      modalities: [
        .init(name: "x", kind: .vector, size: x.size(along: 1)),
        .init(name: "y", kind: .vector, size: y.size(along: 1)),
      ])
  }
  var count: Int { x.size(along: 0) }

  func labels(side: Int) -> [Int]? { side == 0 ? labels : labelsOfY ?? labels }

  func batch(at places: [Int]) throws -> Batch {
    try before(places[0])
    return Batch(
      modalities: ["x", "y"], items: [.vectors(try x.rows(at: places)), .vectors(try y.rows(at: places))],
      rows: [places, places], labels: labels.map { all in places.map { all[$0] } })
  }

  /// Two noisy views of the same hidden numbers.
  static func related(_ count: Int, seed: UInt64 = 1) throws -> MemoryPairs {
    let generator = try Generator(seed: seed)
    let hidden = try Tensor.normal([count, 3], using: generator)
    let maps = try (
      Tensor.normal([3, 5], using: Generator(seed: 8)), Tensor.normal([3, 6], using: Generator(seed: 9))
    )
    return MemoryPairs(
      x: try hidden.matmul(maps.0) + Tensor.normal([count, 5], using: generator) * 0.1,
      y: try hidden.matmul(maps.1) + Tensor.normal([count, 6], using: generator) * 0.1)
  }
}

/// Bytes of every tensor of a module, by name.
func bits(_ module: some Module) throws -> [String: [UInt8]] {
  Dictionary(uniqueKeysWithValues: try module.state.map { ($0.name, try $0.tensor.bytes()) })
}
