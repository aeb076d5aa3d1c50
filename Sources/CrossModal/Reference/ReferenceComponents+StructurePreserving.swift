import Torch

/// Reference cases of `structure-preserving` (`structure-preserving.md` section 13).
enum StructurePreservingReference: ReferenceComponents {
  static let method = "structure-preserving"
  static let components = ["topk_loss", "branch", "paper_objective", "text_model"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["image_group", "text_image"],
      2: [
        "im_embeds", "sent_embeds", "image_emb", "text_emb", "x", "upstream", "images", "tokens",
        "words.weight", "fc1.0.weight", "fc2.weight",
      ],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "topk_loss": try nearest(reference)
    case "branch": try branch(reference)
    case "paper_objective": try paper(reference)
    default: try textModel(reference)
    }
  }

  // MARK: - Objectives

  private static func nearest(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["im_embeds", "sent_embeds"])
    let (images, sentences) = (try graph.leaf("im_embeds"), try graph.leaf("sent_embeds"))
    let sample = try reference.count("sample_size", atMost: max(1, sentences.size(along: 0)))
    let owners = (0..<images.size(along: 0)).flatMap { Array(repeating: $0, count: sample) }
    guard owners.count == sentences.size(along: 0) else {
      throw ObjectiveError.unequalCounts(
        "sentences", sentences.size(along: 0), "\(images.size(along: 0)) images of \(sample)", owners.count)
    }
    let numbers = try Tensor.range(0..<images.size(along: 0))
    let groups = try Tensor(owners)
    let weights = StructurePreservingLoss.Weights(
      backward: try reference.number("im_loss_factor"), withinFirst: 0,
      withinSecond: try reference.number("sent_only_loss_factor"))
    let parts = try terms(
      images, sentences, Matches(ids: numbers, groups), (numbers, groups), .nearest, .farthest,
      margin: reference.number("margin"), nearest: reference.count("num_neg_sample"))
    let total =
      try parts.forward + parts.backward * weights.backward + parts.withinSecond * weights.withinSecond
    return try graph.gradients(of: total).adding([
      "sent_im_dist": Distance.softenedEuclidean.matrix(sentences, images), "im_loss": parts.backward,
      "sent_loss": parts.forward, "sent_only_loss": parts.withinSecond, "loss": total,
    ])
  }

  private static func paper(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["image_emb", "text_emb"])
    let (images, texts) = (try graph.leaf("image_emb"), try graph.leaf("text_emb"))
    let owners = try reference.input("text_image")
    let numbers = try Tensor.range(0..<images.size(along: 0))
    let parts = try terms(
      images, texts, Matches(ids: numbers, owners), (reference.input("image_group"), owners), .sum, .each,
      margin: reference.number("margin"), nearest: 1)
    let total =
      try parts.forward + parts.backward * reference.number("lambda1")
      + parts.withinFirst * reference.number("lambda2") + parts.withinSecond * reference.number("lambda3")
    return try graph.gradients(of: total).adding([
      "image_to_text": parts.forward, "text_to_image": parts.backward, "within_image": parts.withinFirst,
      "within_text": parts.withinSecond, "loss": total,
    ])
  }

  private struct Terms {
    var forward, backward, withinFirst, withinSecond: Tensor
  }

  /// Each family of triplets before its weight, with its graph, whatever the weights are.
  private static func terms(
    _ x: Tensor, _ y: Tensor, _ matches: Matches, _ groups: (x: Tensor, y: Tensor),
    _ form: StructurePreservingLoss.Form, _ positives: NearestTripletsLoss.Positives, margin: Double,
    nearest: Int
  ) throws -> Terms {
    func alone(_ change: (inout StructurePreservingLoss.Weights) -> Void) throws -> Tensor {
      var weights = StructurePreservingLoss.Weights(forward: 0, backward: 0, withinFirst: 0, withinSecond: 0)
      change(&weights)
      return try StructurePreservingLoss(
        form, margin: margin, nearest: nearest, weights: weights, positives: positives)(
          x, y, matches, groupsX: groups.x, groupsY: groups.y
        ).total
    }
    return try Terms(
      forward: alone { $0.forward = 1 }, backward: alone { $0.backward = 1 },
      withinFirst: alone { $0.withinFirst = 1 }, withinSecond: alone { $0.withinSecond = 1 })
  }

  // MARK: - Networks

  private static func branch(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["x"])
    let pass = try pass(reference, or: "train")
    let dropout = try reference.number("dropout", or: 0)
    guard dropout == 0 || !pass.isTraining else {
      throw ReferenceError.badSetting("dropout", "\(dropout)", "0 in training")
    }
    var settings = EmbeddingBranch.Settings(inputs: try graph.leaf("x").size(along: 1))
    settings.hidden = try graph.leaf("fc1.0.weight").size(along: 0)
    settings.size = try graph.leaf("fc2.weight").size(along: 0)
    settings.dropout = 0
    settings.momentum = try reference.number("bn_momentum")
    settings.epsilon = try reference.number("bn_eps")
    let branch = try network(
      settings, reference, prefix: "", graph, normalizeEpsilon: reference.number("normalize_eps"))
    let vectors = try branch(graph.leaf("x"), pass)
    let total = try (vectors * reference.input("upstream").to(.float64)).sum()
    let state = Dictionary(uniqueKeysWithValues: branch.state.map { ($0.name, $0.tensor) })
    var outputs = try graph.gradients(of: total).adding(["embedding": vectors])
    for (name, entry) in [
      ("running_mean_after", "fc1.1.running_mean"), ("running_var_after", "fc1.1.running_var"),
    ] {
      if let tensor = state[entry] { outputs[name] = .tensor(tensor) }
    }
    return outputs
  }

  private static func textModel(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: [])
    let table = try graph.leaf("words.weight")
    let pooling = try WordPooling(
      reference.choice("language_model", or: .average), count: table.size(along: 0),
      size: table.size(along: 1), padding: reference.whole("pad_id", from: -1), masksPadding: false,
      using: Generator(seed: 0))
    let own = reference.weights.filter { !$0.key.contains("_branch.") }
    try pooling.load(own.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in pooling.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let images = try reference.input("images").to(.float64)
    func branch(_ inputs: Int, _ prefix: String) throws -> EmbeddingBranch {
      var settings = EmbeddingBranch.Settings(inputs: inputs)
      settings.hidden = try reference.count("dim_embed")
      settings.size = try reference.count("metric_dim")
      return try network(settings, reference, prefix: prefix, graph)
    }
    let pass = try pass(reference, or: "eval")
    let imageVectors = try branch(images.size(along: 1), "image_branch.")(images, pass)
    let textVectors = try branch(table.size(along: 1), "text_branch.")(
      pooling(reference.input("tokens")), pass)
    let total = try (textVectors * reference.input("upstream").to(.float64)).sum()
    return try graph.gradients(of: total).adding(["image_emb": imageVectors, "sent_emb": textVectors])
  }

  /// A branch whose parameters are the leaves of the graph; its statistics are the case's.
  private static func network(
    _ settings: EmbeddingBranch.Settings, _ reference: ReferenceCase, prefix: String, _ graph: ReferenceGraph,
    normalizeEpsilon: Double = 1e-12
  ) throws -> EmbeddingBranch {
    let branch = try EmbeddingBranch(
      settings, normalizeEpsilon: normalizeEpsilon, using: Generator(seed: 0))
    let own = reference.weights.filter { $0.key.hasPrefix(prefix) }
    try branch.load(
      own.map { (String($0.key.dropFirst(prefix.count)), $0.value) }, from: "weights.safetensors")
    for entry in branch.stateEntries where entry.tensor.dtype.isFloatingPoint {
      entry.tensor =
        entry.isParameter ? try graph.leaf(prefix + entry.name) : try entry.tensor.to(.float64)
    }
    return branch
  }

  private static func pass(_ reference: ReferenceCase, or fallback: String) throws -> Pass {
    let mode = reference.config["mode"]?.string ?? reference.mode ?? fallback
    switch mode {
    case "train": return .training(try Generator(seed: 0))
    case "eval": return .evaluation
    default: throw ReferenceError.badSetting("mode", mode, "train or eval")
    }
  }
}
