import Torch

/// What stands on a modality: a network, and what is done to items before it.
struct Branch {
  var input = BranchInput()
  /// Of plain numbers, behind ``input``.
  var scaling: InputScaling?
  var network: any ItemEncoder
}

/// What methods of metric learning share: a network a modality, scaling of what it is given, and what of a batch
/// belongs together. One modality alone is compared with itself.
public class JointBranches: Module {
  /// Scaling and network of the first modality, then of the second where it has its own.
  @Named var scalingA: InputScaling?
  @Named var scalingB: InputScaling?
  @Named var branchA: any ItemEncoder
  @Named var branchB: (any ItemEncoder)?

  private let inputs: [BranchInput]
  private let names: [String]
  let modalities: [DataDescription.Modality]
  let positives: Positives
  private let settings: any JointSettings

  /// - Parameters:
  ///   - names: of the two networks in weights files.
  ///   - branch: what stands on a modality, with parameters drawn from the generator.
  /// - Throws: ``ConfigurationError`` for shared networks of modalities of different widths, and for
  ///   `positives: class` without labels; what `branch` throws.
  init(
    settings: some JointSettings, data: DataDescription, names: (String, String) = ("branch_a", "branch_b"),
    branch: (_ side: Int, _ generator: Generator) throws -> Branch
  ) throws {
    try settings.validate()
    self.settings = settings
    modalities = data.modalities
    positives = settings.positives ?? (data.modalities.count > 1 ? .pair : .class)
    // A published network of one modality needs no training.
    let isPublished = settings.networks.encoder.values.contains(.published)
    if positives == .class, data.classes == nil, data.modalities.count > 1 || !isPublished {
      throw ConfigurationError.badValue(
        key: "positives", value: "class", expected: "possible: data set '\(data.name)' has no labels")
    }
    if data.modalities.count == 1, positives == .pair {
      throw ConfigurationError.badValue(
        key: "positives", value: "pair", expected: "possible: one modality alone has no pairs (use class)")
    }
    let hasSecond = data.modalities.count > 1
    let isShared = settings.networks.branches == .shared
    if hasSecond, isShared {
      let (x, y) = (data.modalities[0], data.modalities[1])
      guard x.kind == y.kind, (x.shape ?? [x.size ?? 0]) == (y.shape ?? [y.size ?? 0]) else {
        throw ConfigurationError.badValue(
          key: "branches", value: "shared",
          expected: "possible: \(x.name) has width \(x.size ?? 0) and \(y.name) \(y.size ?? 0)")
      }
      guard x.vocabulary == y.vocabulary else {
        throw ConfigurationError.badValue(
          key: "branches", value: "shared",
          expected: "possible: \(x.name) has \(x.vocabulary ?? 0) words and \(y.name) \(y.vocabulary ?? 0)")
      }
    }
    let generator = try Generator(seed: 0)
    let first = try branch(0, generator)
    let second = hasSecond ? try branch(1, generator) : nil
    inputs = [first.input, second?.input ?? first.input]
    let names = Self.names(names, of: first.network, isShared ? nil : second?.network)
    self.names = [names.0, names.1]
    _scalingA = Named(wrappedValue: first.scaling, "scaling_a")
    _branchA = Named(wrappedValue: first.network, names.0)
    _scalingB = Named(wrappedValue: second?.scaling, "scaling_b")
    _branchB = Named(wrappedValue: isShared ? nil : second?.network, names.1)
  }

  /// Published networks have the names of their files, so that the weights of a run are a file of that kind, unless two of
  /// one kind or maps behind them would have the same.
  private static func names(
    _ names: (String, String), of first: any ItemEncoder, _ second: (any ItemEncoder)?
  ) -> (String, String) {
    let published = [first, second].map { $0 as? PublishedEncoder }
    let prefixes = published.compactMap { $0?.tower.sizes.prefix }
    guard Set(prefixes).count == prefixes.count, published.allSatisfy({ $0?.map == nil }) else {
      return names
    }
    return (published[0] == nil ? names.0 : "", published[1] == nil ? names.1 : "")
  }

  private var pretrainedEncoders: [any PretrainedEncoder] {
    [branchA, branchB].compactMap { $0 as? any PretrainedEncoder }
  }

  /// The files of networks that were trained before.
  public var assets: [Asset] {
    pretrainedEncoders.compactMap { encoder in
      encoder.weightsFile.map {
        Asset(encoder is PublishedEncoder ? .published : .weights, key: encoder.weightsKey, file: $0)
      }
    }
  }

  /// The networks with published weights.
  public var publishedEncoders: [PublishedEncoder] {
    [branchA, branchB].compactMap { $0 as? PublishedEncoder }
  }

  /// Takes the weights of networks, and checks that what is not trained along has some.
  public func begin(with contents: AssetContents) throws {
    for encoder in publishedEncoders {
      guard let file = encoder.weightsFile, let model = contents.published[file] else { continue }
      try encoder.load(model)
    }
    for encoder in pretrainedEncoders where !(encoder is PublishedEncoder) {
      guard let file = encoder.weightsFile, let weights = contents.weights[encoder.weightsKey] else {
        continue
      }
      try encoder.loadWeights(weights, from: file)
    }
    if !isStarted { try checkWeights() }
    let networks: [any Module] = [branchA] + (branchB.map { [$0] } ?? [])
    guard networks.contains(where: { $0.parameters.contains { $0.tensor.requiresGradient } }) else {
      throw ConfigurationError.badValue(
        key: "published.freeze", value: "all",
        expected:
          "none or a number of blocks from the top, or published.map for a map behind the networks: else "
          + "nothing is trained")
    }
  }

  /// What of published weights stays in those that were trained on; see ``PublishedEncoderSettings/average``.
  var publishedShare: Double { publishedEncoders.isEmpty ? 0 : settings.networks.published.average }

  /// Mixes published weights into those that were trained on, as far as the settings say: what the published model knew
  /// is kept (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, eq. 1).
  func averagePublished(with contents: AssetContents) throws {
    for encoder in publishedEncoders {
      guard let file = encoder.weightsFile, let model = contents.published[file] else { continue }
      try encoder.average(with: model, share: publishedShare)
    }
  }

  private func checkWeights() throws { for encoder in pretrainedEncoders { try encoder.checkWeights() } }

  // MARK: - Vectors

  /// Vectors of items as the network gives them, `[n, embed_size]`.
  func vectors(_ items: Items, side: Int, _ pass: Pass = .evaluation) throws -> Tensor {
    let scaling = side == 0 ? scalingA : scalingB
    let network = side == 0 ? branchA : branchB ?? branchA
    let items = try inputs[side](items, pass)
    return try network.vectors(of: scaling?.scaled(items) ?? items, pass)
  }

  /// ``vectors(_:side:_:)`` in blocks without a graph, divided by their norms where `normalizes`.
  func features(_ items: Items, side: Int, normalizes: Bool) throws -> Features {
    let block = (side == 0 ? branchA : branchB ?? branchA).blockSize
    return try withoutGradient {
      let parts = try stride(from: 0, to: max(1, items.count), by: block).map { start in
        let rows = Array(start..<min(start + block, items.count))
        return try vectors(rows.count == items.count ? items : items.rows(at: rows), side: side)
      }
      let all = parts.count == 1 ? parts[0] : try Tensor.concatenated(parts)
      return Features(normalizes ? try all.normalized(along: -1) : all)
    }
  }

  /// Batches of all pairs in a new order each epoch, the last only where it is whole; no item twice in a batch
  /// where pairs tell what matches.
  func pairSampler(_ data: some TrainingSet, _ training: TrainingConfiguration) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    try checkMemory(batch: size)
    if positives == .pair, let items = data.itemsOfPairs {
      return DistinctItemSampler(items: items, batchSize: size)
    }
    return ShuffledSampler(count: data.count, batchSize: size, dropsLast: true)
  }

  /// A batch is written to the memory whole.
  func checkMemory(batch size: Int) throws {
    let rows = settings.memory.size
    try settings.require(
      rows == 0 || rows >= size, "memory.size", rows, "0, or at least the \(size) pairs of a batch")
  }

  /// Draws the networks' parameters by the run's seed and learns the scaling of the inputs.
  func prepareBranches(_ data: some TrainingSet, _ preparation: Preparation) throws {
    try checkWeights()
    for (side, network) in [branchA, branchB].enumerated() {
      try network?.reset(using: Generator(seed: mixed(preparation.seed, UInt64(side))))
    }
    try fitScaling(to: data)
  }

  /// Learns the scaling of the inputs.
  func fitScaling(to data: some TrainingSet) throws {
    guard settings.networks.standardize else { return }
    for (side, scaling) in [scalingA, scalingB].enumerated() {
      guard let scaling else { continue }
      let input = inputs[side]
      // Pictures are decoded as they are walked: each once, and few at a time.
      let isDecoding = input.transform != nil
      try scaling.fit(
        to: data, side: side, epsilon: settings.networks.standardizeEpsilon,
        places: isDecoding ? data.firstPairs(side: side) : nil, rows: isDecoding ? 256 : 4096
      ) { try input($0, .evaluation) }
    }
  }

  /// Whether all weights come from a file.
  var isStarted: Bool { false }

  /// The parameters, those of parts that were trained before in groups with rates of their own.
  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    groups(of: parameters)
  }

  /// Parameters in groups, those of parts that were trained before with rates of their own.
  func groups(of entries: [StateEntry]) -> [ParameterGroup] {
    var rest = entries
    var groups: [ParameterGroup] = []
    for (name, network) in zip(names, [branchA, branchB]) {
      guard let encoder = network as? any PretrainedEncoder else { continue }
      if let encoder = encoder as? PublishedEncoder {
        let prefix = name.isEmpty ? "" : name + "."
        let own = Set(encoder.parameters.map { prefix + $0.name }.filter { !$0.hasPrefix(prefix + "map.") })
        groups += encoder.groups(
          of: rest.filter { own.contains($0.name) }, prefix: prefix,
          factor: settings.networks.multipliers.published)
        rest.removeAll { own.contains($0.name) }
        continue
      }
      let isPart = { (entry: StateEntry) in entry.name.hasPrefix("\(name).\(encoder.pretrainedPart).") }
      let part = rest.filter(isPart)
      rest.removeAll(where: isPart)
      guard !part.isEmpty else { continue }
      groups.append(
        ParameterGroup(
          part, rateFactor: settings.networks.multipliers.factor(for: encoder, isStarted: isStarted)))
    }
    return [ParameterGroup(rest)] + groups
  }

  // MARK: - A batch

  /// What of the gathered batch belongs together.
  func matches(_ batch: Batch, _ step: Step) throws -> Matches {
    let rows = try batch.rows.map { try Tensor(step.gathered($0)).to(step.device) }
    switch positives {
    case .class:
      let labels = try Tensor(step.gathered(labels(batch))).to(step.device)
      return Matches(ids: labels, labels, identities: modalities.count == 1 ? (rows[0], rows[0]) : nil)
    case .pair: return Matches(anyOf: rows.prefix(2).map { (x: $0, y: $0) })
    }
  }

  /// Ids to remember a gathered batch by, of each modality: its classes, or its items.
  func ids(_ batch: Batch, _ step: Step) throws -> [Tensor] {
    try batch.rows.prefix(2).map {
      try Tensor(step.gathered(positives == .class ? labels(batch) : $0)).to(step.device)
    }
  }

  /// Class of each pair of a batch.
  func labels(_ batch: Batch) throws -> [Int] {
    guard let labels = batch.labels else {
      throw ConfigurationError.badValue(
        key: "positives", value: "class", expected: "possible: these pairs have no labels")
    }
    return labels
  }

  /// The value of an objective of the vectors of a batch: with `chunk_size` by gradient caching.
  ///
  /// - Parameter objective: of the own vectors of each modality (the same twice for one modality alone).
  func value(
    _ batch: Batch, _ step: Step, _ objective: (Tensor, Tensor) throws -> ObjectiveValue
  ) throws -> ObjectiveValue {
    let pass = step.pass
    func encode(_ items: [Items]) throws -> [Tensor] {
      try items.prefix(2).enumerated().map { try vectors($1, side: $0, pass) }
    }
    guard settings.networks.chunkSize > 0, settings.networks.chunkSize < batch.count, step.isTraining else {
      return try value(of: encode(batch.items), step, objective)
    }
    let networks: [any Module] = [branchA] + (branchB.map { [$0] } ?? [])
    return try GradientCache.value(
      count: batch.count, chunk: settings.networks.chunkSize, generator: step.generator,
      parameters: networks.flatMap { $0.parameters.map(\.tensor).filter(\.requiresGradient) }
    ) { range in
      try encode(batch.items.map { try $0.rows(at: Array(range)) })
    } objective: {
      try value(of: $0, step, objective)
    }
  }

  /// The value of an objective of vectors, which tells apart what bfloat16 does not.
  func value(
    of vectors: [Tensor], _ step: Step, _ objective: (Tensor, Tensor) throws -> ObjectiveValue
  ) throws -> ObjectiveValue {
    try withoutAutocast(on: step.device) {
      let vectors = try vectors.map { $0.dtype == .bfloat16 ? try $0.to(.float32) : $0 }
      return try objective(vectors[0], vectors[vectors.count - 1])
    }
  }

  /// Settings of training that suit most of these methods.
  static var standardTraining: TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 1e-3
    training.weightDecay = 1e-4
    return training
  }

  /// Rows of a block of the matrix of all pairs; 0 for all at once.
  static func blockRows(_ count: Int) -> Int { count > 2048 ? 1024 : 0 }
}

extension JointBranches: RelationLearning {
  public var learnedRelation: LearnedRelation {
    positives == .class
      ? .classes(forPairs: "positives=pair learns pairs, where the method has both")
      : .pairs(forClasses: "positives=class learns classes")
  }
}

// What these methods do unless they say otherwise.
extension Trainable where Self: JointBranches {
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    standardTraining
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler { try pairSampler(data, training) }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try prepareBranches(data, preparation)
  }
}

extension Step {
  /// A parameter of the loss itself, whose gradient every process computes in full: its share, so that the
  /// gradients of the processes add up.
  func shared(_ parameter: Tensor) throws(TorchError) -> Tensor {
    guard processes > 1 else { return parameter }
    let fixed = try parameter.detached()
    return try fixed + (parameter - fixed) / Double(processes)
  }
}
