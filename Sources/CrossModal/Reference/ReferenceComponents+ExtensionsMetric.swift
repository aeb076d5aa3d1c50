import Torch

// The baselines of `methods/extensions-metric.md`; each names its own method.

enum CLIPReference: ReferenceComponents {
  static let method = "clip"
  static let components = ["clip", "clip_multi_positive"]

  static func ranks(of component: String) -> [Int: [String]] {
    [2: ["image_features", "text_features"], 1: ["ids"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["image_features", "text_features"])
    let (images, texts) = (try graph.leaf("image_features"), try graph.leaf("text_features"))
    let isPlain = reference.component == "clip"
    let scale = try isPlain ? graph.leaf("logit_scale") : Tensor(reference.number("log_scale"))
    // The rows of a case are unit vectors and are not normalized again.
    let objective = try PairObjective(
      SoftmaxContrast(logScale: scale, distance: .dot), symmetric: true)
    let ids = try isPlain ? nil : reference.input("ids")
    let matches = try ids.map { Matches(ids: $0, $0) } ?? Matches(pairs: images.size(along: 0))
    let total = try objective(images, texts, matches).total
    return try graph.gradients(of: total).adding([
      "logits_per_image": Distance.dot.matrix(images, texts) * scale.exp(), "loss": total,
    ])
  }
}

enum SigLIPReference: ReferenceComponents {
  static let method = "siglip"
  static let components = ["siglip"]

  static func ranks(of component: String) -> [Int: [String]] {
    [2: ["image_features", "text_features"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["image_features", "text_features"])
    let (images, texts) = (try graph.leaf("image_features"), try graph.leaf("text_features"))
    let loss = SigmoidContrast(logScale: try graph.leaf("logit_scale"), bias: try graph.leaf("logit_bias"))
    let total = try PairObjective(loss, distance: .dot)(images, texts, Matches(pairs: images.size(along: 0)))
      .total
    return try graph.gradients(of: total).adding([
      "logits": loss.logits(Distance.dot.matrix(images, texts)), "loss": total,
    ])
  }
}

/// Cases that compare every row of `emb` with every row of `ref_emb` by their labels.
private func labeled<Loss: PairLoss>(
  _ reference: ReferenceCase, _ objective: PairObjective<Loss>
) throws -> [String: ReferenceOutput] {
  let graph = try ReferenceGraph(reference, inputs: ["emb", "ref_emb"])
  let matches = Matches(ids: try reference.input("labels"), try reference.input("ref_labels"))
  let total = try objective(graph.leaf("emb"), graph.leaf("ref_emb"), matches).total
  return try graph.gradients(of: total).adding(["loss": total])
}

private let labeledRanks = [2: ["emb", "ref_emb"], 1: ["labels", "ref_labels"]]

enum MultiSimilarityReference: ReferenceComponents {
  static let method = "multi-similarity"
  static let components = ["multi_similarity"]

  static func ranks(of component: String) -> [Int: [String]] {
    labeledRanks
  }

  private enum Mining: String, CaseIterable {
    case none
    case multiSimilarity = "multi_similarity"
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let loss = try MultiSimilarityLoss(
      alpha: reference.number("alpha", or: 2), beta: reference.number("beta", or: 50),
      base: reference.number("base", or: 0.5))
    let miner: any PairMiner =
      switch try reference.choice("mining", or: Mining.none) {
      case .none: AllPairs()
      case .multiSimilarity: MultiSimilarityMiner(epsilon: try reference.number("epsilon", or: 0.1))
      }
    return try labeled(reference, PairObjective(loss, miner: miner))
  }
}

enum CircleReference: ReferenceComponents {
  static let method = "circle"
  static let components = ["circle"]

  static func ranks(of component: String) -> [Int: [String]] {
    labeledRanks
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    try labeled(
      reference,
      PairObjective(
        CircleLoss(margin: reference.number("m", or: 0.4), gamma: reference.number("gamma", or: 80))))
  }
}

enum SupervisedContrastReference: ReferenceComponents {
  static let method = "supcon"
  static let components = ["supcon"]

  static func ranks(of component: String) -> [Int: [String]] {
    labeledRanks
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    try labeled(
      reference, PairObjective(SupervisedContrast(temperature: reference.number("temperature", or: 0.1))))
  }
}

enum TripletMarginReference: ReferenceComponents {
  static let method = "triplet-margin"
  static let components = ["triplet_margin", "triplet_batch_hard"]

  static func ranks(of component: String) -> [Int: [String]] {
    labeledRanks
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let margin = try reference.number("margin")
    let loss =
      try reference.component == "triplet_margin"
      ? TripletMarginLoss(margin: margin, triplets: reference.choice("triplets", or: .all))
      : TripletMarginLoss(
        margin: margin, triplets: .batchHard, reduction: reference.choice("reduction", or: .mean))
    return try labeled(reference, PairObjective(loss))
  }
}

enum CrossBatchMemoryReference: ReferenceComponents {
  static let method = "xbm"
  static let components = ["xbm"]

  static func ranks(of component: String) -> [Int: [String]] {
    [3: ["emb"], 2: ["labels"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["emb"])
    let batches = try graph.leaf("emb")
    let labels = try reference.input("labels")
    let objective = try PairObjective(
      ContrastiveLoss(.linear, margin: 0.8, reduction: .averageNonZero))
    var memory = try CrossBatchMemory(
      capacity: reference.count("memory_size"), size: batches.size(along: 2), dtype: .float64)
    var losses: [Tensor] = []
    for step in 0..<batches.size(along: 0) {
      try memory.append(batches[step], ids: labels[step])
      losses.append(try objective(batches[step], memory.rows(), memory.matches(of: labels[step])).total)
    }
    let all = try Tensor.stacked(losses)
    return try graph.gradients(of: all.sum()).adding([
      "losses": all, "final_memory": memory.storage, "final_labels": memory.ids,
    ])
  }
}
