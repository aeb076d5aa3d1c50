import Torch

/// Heads, objective and whole steps among the reference cases of `densecl` (`densecl.md`, sections 3, 4 and 13), in
/// float64.
enum DenseCLReference: ReferenceComponents {
  static let method = "densecl"
  static let components = ["neck", "objective", "pooled_objective", "train_step"]

  static func ranks(of component: String) -> [Int: [String]] {
    switch component {
    case "neck": [4: ["x"], 2: ["cot_global", "cot_dense_pooled"], 3: ["cot_grid"]]
    case "train_step": [5: ["img"], 2: ["queue", "queue2"], 1: ["queue_ptr", "queue2_ptr"]]
    default:
      [
        4: ["q_backbone", "k_backbone"], 3: ["q_grid", "k_grid"],
        2: ["q_global", "k_global", "k_dense_pooled", "queue", "queue2"], 1: ["queue_ptr", "queue2_ptr"],
      ]
    }
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let found: [String: Tensor] =
      switch reference.component {
      case "neck": try neck(reference)
      case "objective": try objective(reference)
      case "pooled_objective": try pooledObjective(reference)
      default: try step(reference)
      }
    return found.mapValues { .tensor($0) }
  }

  // MARK: - Heads

  /// The heads with the case's weights.
  private static func heads(_ reference: ReferenceCase) throws -> DenseNeck {
    let neck = try DenseNeck(
      from: reference.count("in_channels"), hidden: reference.count("hid_channels"),
      to: reference.count("out_channels"), grid: grid(reference), using: Generator(seed: 0))
    for entry in neck.stateEntries { entry.tensor = try entry.tensor.detached().to(.float64) }
    try neck.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    return neck
  }

  private static func grid(_ reference: ReferenceCase) throws -> Int? {
    guard let value = reference.config["num_grid"], !value.isNull else { return nil }
    return try reference.count("num_grid", atMost: 1 << 10)
  }

  private static func neck(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let neck = try heads(reference)
    let x = try leaf(reference, "x")
    let view = try neck(x)
    let objective =
      try (view.global * given(reference, "cot_global")).sum()
      + (view.grid * given(reference, "cot_grid")).sum()
      + (view.pooled * given(reference, "cot_dense_pooled")).sum()
    let leaves = [("x", x)] + neck.parameters.map { ($0.name, $0.tensor) }
    return try gradients(of: objective, by: leaves).merging([
      "global": view.global, "grid": view.grid, "dense_pooled": view.pooled, "objective": objective,
    ]) { $1 }
  }

  // MARK: - The objective

  private static func contrast(_ reference: ReferenceCase) throws -> DenseContrast {
    try DenseContrast(
      QueueContrast(temperature: reference.number("temperature")), lambda: reference.number("loss_lambda"))
  }

  /// A queue of the case; its pointer is 0 where there is none.
  private static func queue(_ reference: ReferenceCase, _ name: String) throws -> KeyQueue {
    try KeyQueue(
      columns: given(reference, name),
      pointer: reference.inputs["\(name)_ptr"] ?? Tensor([0]))
  }

  private static func objective(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let (global, grid) = (try leaf(reference, "q_global"), try leaf(reference, "q_grid"))
    let query = DenseContrast.View(
      map: try given(reference, "q_backbone").flattened(from: 2), global: global, grid: grid,
      pooled: try grid.mean(along: 2))
    let key = DenseContrast.View(
      map: try given(reference, "k_backbone").flattened(from: 2), global: try given(reference, "k_global"),
      grid: try given(reference, "k_grid"), pooled: try given(reference, "k_dense_pooled"))
    var (own, dense) = (try queue(reference, "queue"), try queue(reference, "queue2"))
    let value = try contrast(reference)(
      query, key, queue: own.keys, denseQueue: dense.keys, computesBoth: true)
    try own.write(value.keys)
    try dense.write(value.denseKeys)
    var outputs = try gradients(of: value.total, by: [("q_global", global), ("q_grid", grid)])
    outputs["match_index"] = value.matches.indices
    outputs["match_similarity"] = try CellMatches.similarities(query.map, key.map)
    outputs["queue_ptr"] = try Tensor([own.pointer])
    outputs["queue2_ptr"] = try Tensor([dense.pointer])
    return try outputs.merging(losses(value)) { $1 }
      .merging(["queue": own.columns, "queue2": dense.columns]) { $1 }
  }

  private static func losses(_ value: DenseContrast.Value) throws -> [String: Tensor] {
    try [
      "loss": value.total, "loss_contra_single": value.single, "loss_contra_dense": value.dense,
    ]
  }

  private static func pooledObjective(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let neck = try heads(reference)
    let map = try leaf(reference, "q_backbone")
    let query = try neck(map)
    let key = try withoutGradient { try neck(given(reference, "k_backbone")) }
    var (own, dense) = (try queue(reference, "queue"), try queue(reference, "queue2"))
    let value = try contrast(reference)(
      query, key, queue: own.keys, denseQueue: dense.keys, computesBoth: true)
    try own.write(value.keys)
    try dense.write(value.denseKeys)
    let leaves = [("q_backbone", map)] + neck.parameters.map { ($0.name, $0.tensor) }
    return try gradients(of: value.total, by: leaves).merging(losses(value)) { $1 }
      .merging(["queue": own.columns, "queue2": dense.columns]) { $1 }
  }

  // MARK: - A step of training

  private static func step(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let views = try given(reference, "img")
    guard views.size(along: 1) == 2 else {
      throw ReferenceError.badSetting("img", "\(views.shape)", "[N, 2, 3, H, W]")
    }
    let kind = try reference.setting("backbone").string ?? ""
    guard ["basic", "bottleneck"].contains(kind) else {
      throw ReferenceError.badSetting("backbone", kind, "basic or bottleneck")
    }
    let blocks = try reference.counts("backbone_blocks")
    guard (1...4).contains(blocks.count), blocks.allSatisfy({ (1...64).contains($0) }) else {
      throw ReferenceError.badSetting("backbone_blocks", "\(blocks)", "one to four counts from 1 to 64")
    }
    var configuration = DenseCL.Configuration()
    configuration.hidden = try reference.count("hid_channels")
    configuration.embedSize = try reference.count("feat_dim")
    configuration.grid = try grid(reference)
    configuration.queueLength = try reference.count("queue_len")
    configuration.temperature = try reference.number("temperature")
    configuration.lambda = try reference.number("loss_lambda")
    configuration.keyMomentum = try reference.number("momentum")
    let side = max(views.size(along: 3), views.size(along: 4))
    configuration.pictures.size = side
    let method = try DenseCL(
      configuration,
      ResNet.Form(
        blocks: blocks, hasBottlenecks: kind == "bottleneck", width: reference.count("base_channels")),
      for: DataDescription(name: "case", modalities: [.init(name: "image", kind: .images)]))
    for entry in method.stateEntries where entry.tensor.dtype.isFloatingPoint {
      entry.tensor = try entry.tensor.detached().to(.float64)
    }
    let known = Set(method.stateEntries.map(\.name))
    try method.load(
      reference.weights.map { ($0.key, $0.value) }
        + reference.inputs.filter { known.contains($0.key) }
        .map { ($0.key, $0.value) }, from: "weights.safetensors")

    var training = TrainingConfiguration()
    training.optimizer = .sgd
    training.momentum = try reference.number("sgd.momentum")
    training.weightDecay = try reference.number("sgd.weight_decay")
    let groups = try method.parameterGroups(training)
    let value = try method.value(
      inputs: views.selected(0, along: 1), views.selected(1, along: 1),
      Step(training: training), computesBoth: true)
    let total = try value.total
    var outputs = try gradients(of: total, by: groups.flatMap(\.parameters).map { ($0.name, $0.tensor) })
    try total.backward()
    for group in groups { try GroupOptimizer(group, training).step(learningRate: reference.number("sgd.lr")) }
    for entry in method.stateEntries {
      outputs["after.\(entry.name)"] = try entry.tensor.detached()
      if entry.name.hasPrefix("queue") { outputs[entry.name] = try entry.tensor.detached() }
    }
    let maps = try withoutGradient {
      try method.queryEncoder.backbone.maps(of: views.selected(0, along: 1), .evaluation)
    }
    outputs["test.q_grid_mean"] = try maps.flattened(from: 2).normalized(along: 1).mean(along: 2)
    return try outputs.merging(losses(value)) { $1 }
  }

  // MARK: - Numbers of a case

  private static func given(_ reference: ReferenceCase, _ name: String) throws -> Tensor {
    try (reference.inputs[name] ?? reference.weights[name] ?? reference.input(name)).to(.float64)
  }

  private static func leaf(_ reference: ReferenceCase, _ name: String) throws -> Tensor {
    try reference.input(name).to(.float64).requiringGradient()
  }

  /// `grad.NAME` of each; zero where nothing flows.
  private static func gradients(
    of total: Tensor, by leaves: [(String, Tensor)]
  ) throws -> [String: Tensor] {
    let found = try Tensor.gradients(of: [total], by: leaves.map(\.1), retainGraph: true)
    return try zip(leaves, found).reduce(into: [:]) { all, pair in
      all["grad.\(pair.0.0)"] = try pair.1 ?? pair.0.1.zerosLike()
    }
  }
}
