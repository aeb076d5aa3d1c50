import CrossModal
import Torch

/// Steps of the methods of metric learning on one thread: forward, loss, backward, optimizers, for 128 pairs of vectors
/// of 128 and 10 numbers and two networks of one hidden layer. Benchmarks/peers_metric.py does the same in PyTorch from
/// the same first weights; the first loss is what programs must agree on.
enum MetricSteps {
  private static let pairs = 128
  private static let classes = 10
  private static let steps = 300

  static func measure() throws {
    try step(Contrastive.self)
    try step(TripletCenter.self, ["center_init": "normal(0)"])
    try step(NPair.self)
    try step(CLIP.self)
    try step(SigLIP.self)
    try structure()
  }

  private static func step<Kind: Trainable>(_ kind: Kind.Type, _ settings: JSON = [:]) throws {
    let data = DataDescription(
      name: "benchmark",
      modalities: [
        .init(name: "x", kind: .vector, size: 128, shape: [128]),
        .init(name: "y", kind: .vector, size: 10, shape: [10]),
      ], classes: classes)
    let method = try Kind(Kind.Configuration(overrides: settings), for: data)
    let generator = try Generator(seed: 1)
    var weights: [(name: String, tensor: Tensor)] = []
    for (name, width) in [("branch_a", 128), ("branch_b", 10)] {
      for (layer, sizes) in [("fc1", (width, 128)), ("fc2", (128, 32))] {
        let linear = try Linear(from: sizes.0, to: sizes.1, using: generator)
        weights += linear.state.map { ("\(name).\(layer).\($0.name)", $0.tensor) }
      }
    }
    if kind == TripletCenter.self {
      weights.append(("centers", try Tensor.normal([classes, 32], using: generator)))
      let linear = try Linear(from: 32, to: classes, using: generator)
      weights += linear.state.map { ("classifier.\($0.name)", $0.tensor) }
    }
    try method.load(weights, from: "the benchmark", allowingMissing: true)
    let rows = Array(0..<pairs)
    let batch = Batch(
      modalities: ["x", "y"],
      items: [
        .vectors(try Tensor.normal([pairs, 128], using: generator)),
        .vectors(try Tensor.normal([pairs, 10], using: generator)),
      ], rows: [rows, rows], labels: rows.map { $0 % classes })
    let training = Kind.trainingDefaults(method.configuration, pairs: pairs)
    let optimizers: [(optimizer: any Optimizer, rate: Double)] = try method.parameterGroups(training).map {
      let decay = $0.weightDecay ?? training.weightDecay
      return (
        $0.optimizer == .sgd ? SGD($0.parameters) : Adam($0.parameters, weightDecay: decay),
        training.learningRate * $0.rateFactor
      )
    }
    let entries = method.parameters
    var check = 0.0
    var start = processSeconds()
    for number in 0..<steps + 3 {
      try entries.clearGradients()
      let loss = try method.loss(batch, Step(number: number, training: training))
      if number == 0 { check = try loss.total.item() }
      try loss.backward()
      for (optimizer, rate) in optimizers { try optimizer.step(learningRate: rate) }
      if number == 2 { start = processSeconds() }
    }
    report(
      "\(steps) steps, \(Kind.description.name), \(pairs) pairs", seconds: processSeconds() - start,
      check: check)
  }

  /// The released program's loss of 500 pictures with two captions each, 512 wide, and its gradient.
  private static func structure() throws {
    let generator = try Generator(seed: 1)
    let images = try Tensor.normal([500, 512], using: generator).normalized(along: 1).requiringGradient()
    let texts = try Tensor.normal([1000, 512], using: generator).normalized(along: 1).requiringGradient()
    let numbers = try Tensor.range(0..<500)
    let owners = try Tensor((0..<1000).map { $0 / 2 })
    let loss = try StructurePreservingLoss()
    let matches = Matches(ids: numbers, owners)
    func run() throws -> Double {
      let value = try loss(images, texts, matches, groupsX: numbers, groupsY: owners)
      _ = try Tensor.gradients(of: [value.total], by: [images, texts])
      return try value.total.item()
    }
    _ = try run()
    try report("5 × structure-preserving loss, 500 × 2, 512 wide") {
      try (0..<5).map { _ in try run() }.reduce(0, +) / 5
    }
  }
}
