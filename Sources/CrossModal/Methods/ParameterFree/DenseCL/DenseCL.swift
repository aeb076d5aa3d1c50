import Torch

/// Dense contrastive learning (Wang, Zhang, Shen, Kong & Li, CVPR 2021): what pictures look like, learned without labels
/// from two views of each, which are contrasted as wholes (as MoCo-v2 does) and cell by cell with the cells that they
/// resemble most.
///
/// Names and shapes of the parameters are those of the released program. Where it differs from that: a grid smaller than
/// the maps is matched on maps of the same grid (the original reads outside of them); queues need not be a multiple of the
/// batch; one process needs no other; what follows from small data follows (``Configuration``).
public final class DenseCL: Module, Trainable, DenseRepresenting {
  public static let description = MethodDescription(
    name: "densecl", family: .parameterFree, task: .representation,
    summary:
      "learns from pictures without labels by contrasting two views of each, as wholes and cell by cell",
    citation:
      "X. Wang, R. Zhang, C. Shen, T. Kong, L. Li, Dense contrastive learning for self-supervised visual pre-training, CVPR 2021",
    accepts: [.images], modalities: 1...1)

  /// The released program stores its network a second time, as `backbone`.
  public static func ownNames(ofOfficial names: [String]) -> [String]? {
    guard names.contains(where: { $0.hasPrefix("encoder_q.1.mlp2.") }) else { return nil }
    return names.map { $0.hasPrefix("backbone.") ? "encoder_q.0." + $0.dropFirst("backbone.".count) : $0 }
  }

  public let configuration: Configuration
  @Named var queryEncoder: DenseEncoder
  @Named var keyEncoder: DenseEncoder
  /// `[embed_size, keys]`, columns of norm 1.
  @Buffer var queue: Tensor
  @Buffer var queue2: Tensor
  /// int64 `[1]`, the column that is written next.
  @Buffer var pointer: Tensor
  @Buffer var pointer2: Tensor
  /// How views are made.
  let views: ViewTransform
  private let modality: DataDescription.Modality
  /// Whether the network has weights to begin with.
  private var isPretrained = false

  public convenience init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    guard let form = configuration.encoder.residualForm else {
      throw ConfigurationError.badValue(
        key: "encoder", value: configuration.encoder.rawValue, expected: "a residual network")
    }
    try self.init(configuration, form, for: data)
  }

  /// - Parameter form: the sizes of the network, whatever the settings name.
  init(_ configuration: Configuration, _ form: ResNet.Form, for data: DataDescription) throws {
    guard data.modalities.count == 1, data.modalities[0].kind == .images else {
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "it learns from one modality of pictures, but the data have "
          + data.modalities.map { "\($0.name) (\($0.kind.rawValue))" }.joined(separator: ", "))
    }
    let modality = data.modalities[0]
    if let shape = modality.shape, shape.count == 3, shape[2] != 1, shape[2] != 3 {
      throw ConfigurationError.badValue(
        key: modality.name, value: "pictures of \(shape[2]) channels", expected: "pictures of 1 or 3")
    }
    self.configuration = configuration
    self.modality = modality
    views = configuration.pictures.transform(modality.shape, usual: configuration.encoder.usualSide)
    let side = views.part.size
    guard side >= form.stride else {
      throw ConfigurationError.badValue(
        key: "pictures.size", value: "\(side)", expected: "\(form.stride) or more, a cell of the maps")
    }
    let cells = (side + form.stride - 1) / form.stride
    if let grid = configuration.grid, grid > cells {
      throw ConfigurationError.badValue(
        key: "grid", value: "\(grid)",
        expected: "at most \(cells), the cells a side of the maps of views of \(side) pixels")
    }
    let generator = try Generator(seed: 0)
    let make = {
      try DenseEncoder(
        form, hidden: configuration.hidden, to: configuration.embedSize, grid: configuration.grid,
        using: generator)
    }
    _queryEncoder = Named(wrappedValue: try make(), "encoder_q")
    _keyEncoder = Named(wrappedValue: try make(), "encoder_k")
    let keys = configuration.queueLength ?? 1
    _queue = Buffer(
      wrappedValue: try Tensor.zeros([configuration.embedSize, keys]), shapeMayChange: true)
    _queue2 = Buffer(
      wrappedValue: try Tensor.zeros([configuration.embedSize, keys]), shapeMayChange: true)
    _pointer = Buffer(wrappedValue: try Tensor([0]), "queue_ptr")
    _pointer2 = Buffer(wrappedValue: try Tensor([0]), "queue2_ptr")
    for entry in keyEncoder.parameters { try entry.freeze() }
  }

  // MARK: - What pictures look like

  /// The network that learned, without its heads.
  public var pictureNetwork: any PictureNetwork { queryEncoder.backbone }

  public var cutting: ViewTransform { views }

  public func maps(of pictures: Tensor) throws -> Tensor {
    let weight = queryEncoder.backbone.conv1.weight
    return try queryEncoder.backbone.maps(
      of: pictures.to(weight.device).normalizedPictures(weight.dtype), .evaluation)
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 40
    training.batchSize = pairs >= 20_000 ? 256 : 32
    training.learningRate = 0.06
    training.optimizer = .sgd
    training.momentum = 0.9
    training.weightDecay = 1e-4
    training.schedule.kind = .cosine
    // What the last step gives is kept: there is nothing to choose by that was not learned from.
    training.evaluateEvery = 0
    return training
  }

  public var assets: [Asset] {
    configuration.pictures.weights.map { [Asset(.weights, key: "pictures.weights", file: $0)] } ?? []
  }

  public func begin(with contents: AssetContents) throws {
    guard let file = configuration.pictures.weights, let weights = contents.weights["pictures.weights"] else {
      return
    }
    try queryEncoder.backbone.takeWeights(weights, from: file)
    isPretrained = true
  }

  /// Batches of one size, which fit the queues.
  ///
  /// - Throws: ``ConfigurationError`` for queues that are shorter than a batch.
  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    if let length = configuration.queueLength, length < size {
      throw ConfigurationError.badValue(
        key: "queue_length", value: "\(length)", expected: "at least the \(size) pictures of a batch")
    }
    return ShuffledSampler(count: data.count, batchSize: size, dropsLast: true)
  }

  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    [ParameterGroup(parameters.filter { $0.name.hasPrefix("encoder_q.") })]
  }

  /// Keys in a queue for batches of `size` of `count` pictures, where the settings say nothing.
  static func queueLength(batch size: Int, pictures count: Int) -> Int {
    let size = max(1, size)
    return max(size, min(65_536, 4 * count) / size * size)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    let size = min(preparation.training.batchSize ?? data.count, data.count)
    let length = configuration.queueLength ?? Self.queueLength(batch: size, pictures: data.count)
    if !isPretrained {
      try queryEncoder.backbone.reset(keeping: .inputs, using: Generator(seed: mixed(preparation.seed, 0)))
    }
    try queryEncoder.neck.reset(using: Generator(seed: mixed(preparation.seed, 1)))
    for (key, query) in zip(keyEncoder.stateEntries, queryEncoder.stateEntries) {
      key.tensor = try query.tensor.detached().copied()
    }
    let generator = try Generator(seed: mixed(preparation.seed, 2))
    queue = try KeyQueue.random(configuration.embedSize, length, using: generator)
    queue2 = try KeyQueue.random(configuration.embedSize, length, using: generator)
    (pointer, pointer2) = (try Tensor([0]), try Tensor([0]))
    let walks = Double(length) / Double(max(1, data.count))
    preparation.note(
      "queues of \(length) keys; the loss may rise until they are full after \((length + size - 1) / max(1, size)) steps"
    )
    if walks > 5 {
      preparation.note(
        "warning: the queues hold keys of \(Int(walks)) walks over the \(data.count) pictures, old ones among them; "
          + "a shorter queue_length may learn better")
    }
  }

  /// How much of the key encoder stays at each step.
  private var momentum: Double {
    configuration.keyMomentum ?? (queue.size(along: 1) >= 65_536 ? 0.999 : 0.99)
  }

  /// The loss of a batch of pictures, of which two views are drawn (section 4). In training the key encoder moves
  /// towards the other one first, and the keys are written into the queues.
  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let items = batch.items[0]
    let made: [ViewTransform.Views]
    if step.isTraining {
      let numbers = try step.choices(rows: items.count, each: 2 * ViewTransform.choices)
      let first = numbers.map { Array($0[..<ViewTransform.choices]) }
      let second = numbers.map { Array($0[ViewTransform.choices...]) }
      made = try views(items, [first, second])
    } else {
      // The same middle of each picture twice: nothing is drawn.
      let middle = [Double](repeating: 0.5, count: ViewTransform.choices)
      let numbers = [[Double]](repeating: middle, count: items.count)
      made = try views(items, [numbers, numbers], colors: false)
    }
    let places: [[Int?]]? =
      configuration.matching == .geometry
      ? zip(made[0].parts, made[1].parts).map { $0.cells(of: grid, on: $1, grid) } : nil
    let value = try value(made[0].pictures, made[1].pictures, step, places: places)
    var parts: [(name: String, value: Tensor)] = [
      ("loss_contra_single", value.single), ("loss_contra_dense", value.dense),
    ]
    if let accuracy = value.denseAccuracy { parts.append(("dense_top_1", accuracy)) }
    parts.append(("match_similarity", try value.matches.similarities.mean()))
    parts.append(("mutual_matches", value.matches.mutual))
    if step.isTraining {
      let (room, written) = (Double(queue.size(along: 1)), Double(step.number * items.count * step.processes))
      parts.append(("queue_fill", try Tensor(min(1, written / room))))
    }
    return try Loss(value.total, named: parts)
  }

  /// Cells of the maps of views, as they are contrasted.
  private var grid: PictureGrid {
    let side = views.part.size
    let own = queryEncoder.backbone.grid(height: side, width: side)
    return configuration.grid.map { PictureGrid(height: $0, width: $0, channels: own.channels) } ?? own
  }

  /// One step of two views, up to the gradient: the key encoder moves, both views are seen and contrasted, the keys are
  /// remembered (section 4.1).
  ///
  /// - Parameters:
  ///   - query: views `[n, h, w, 3]` or `[n, h, w, 1]`, numbers in 0...1.
  ///   - key: the other views.
  private func value(
    _ query: Tensor, _ key: Tensor, _ step: Step, places: [[Int?]]?
  ) throws -> DenseContrast.Value {
    let weight = queryEncoder.backbone.conv1.weight
    func inputs(_ pictures: Tensor) throws -> Tensor {
      try pictures.to(weight.device).normalizedPictures(weight.dtype)
    }
    return try value(inputs: inputs(query), inputs(key), step, places: places)
  }

  /// The same of views as the network takes them, `[n, 3, h, w]`.
  ///
  /// - Parameters:
  ///   - query: the view that learns, of which each channel has torchvision's mean and deviation.
  ///   - key: the other view.
  ///   - places: for each cell of the query the one of the key, for ``CellMatching/geometry``.
  ///   - computesBoth: whether a loss of weight 0 is computed, too.
  public func value(
    inputs query: Tensor, _ key: Tensor, _ step: Step, places: [[Int?]]? = nil, computesBoth: Bool = false
  ) throws -> DenseContrast.Value {
    let isJoined = configuration.normalization == .joined
    let pass = isJoined ? step.pass : step.ownPass
    let seen = try queryEncoder(query, pass)
    if step.isTraining {
      try keyEncoder.parameters.move(towards: queryEncoder.parameters, by: 1 - momentum)
    }
    let other = try withoutGradient {
      let forward = { (views: Tensor) throws -> [Tensor] in
        let view = try self.keyEncoder(views, pass)
        return [view.map, view.global, view.grid, view.pooled]
      }
      let found = try isJoined || !step.isTraining ? forward(key) : step.shuffled(key, forward)
      return DenseContrast.View(map: found[0], global: found[1], grid: found[2], pooled: found[3])
    }
    var (own, dense) = try (
      KeyQueue(columns: queue, pointer: pointer), KeyQueue(columns: queue2, pointer: pointer2)
    )
    let isWarm = !step.isTraining || step.number >= configuration.lambdaWarmup
    let objective = try DenseContrast(
      QueueContrast(temperature: configuration.temperature), lambda: isWarm ? configuration.lambda : 0,
      matching: configuration.matching)
    let value = try objective(
      seen, other, queue: own.keys, denseQueue: dense.keys, places: places, computesBoth: computesBoth)
    if step.isTraining {
      try own.write(step.remembered(value.keys))
      try dense.write(step.remembered(value.denseKeys))
      (queue, queue2) = (try own.columns, try dense.columns)
      pointer = try Tensor([own.pointer]).to(pointer.device)
      pointer2 = try Tensor([dense.pointer]).to(pointer2.device)
    }
    return value
  }
}
