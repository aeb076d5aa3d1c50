import Torch

enum ContrastiveReference: ReferenceComponents {
  static let method = "contrastive"
  static let components = ["pairs", "siamese_conv", "cross_modal_all_pairs", "pair_margin_linear"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["y", "ids", "labels", "ref_labels"],
      2: ["a", "b", "branch_a.weight", "branch_b.weight", "x1", "x2", "emb", "ref_emb"],
      4: ["images1", "images2"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "pairs": try pairs(reference)
    case "siamese_conv": try siamese(reference)
    case "cross_modal_all_pairs": try allPairs(reference)
    default: try linear(reference)
    }
  }

  /// y of a case: 0 similar, 1 dissimilar.
  static func relations(_ reference: ReferenceCase) throws -> [Relation] {
    try reference.input("y").values(as: Int.self).enumerated().map { row, y in
      switch y {
      case 0: .similar
      case 1: .dissimilar
      default: throw ReferenceError.badSetting("y[\(row)]", "\(y)", "0 (similar) or 1 (dissimilar)")
      }
    }
  }

  private static func pairs(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["x1", "x2"])
    let (x1, x2) = (try graph.leaf("x1"), try graph.leaf("x2"))
    let loss = try ContrastiveLoss(margin: reference.number("margin"), reduction: .sum)
    let relations = try relations(reference)
    let distance = try Distance.euclidean.pairwise(x1, x2)
    let similar = try Tensor(relations.map { $0 == .similar })
    let each = try loss.losses(distance, PairMasks(positive: similar, negative: similar.not()))
    let total = try loss.pairs(x1, x2, relations, distance: .euclidean).total
    return try graph.gradients(of: total).adding([
      "distance": distance, "per_pair": each, "loss": total, "loss_mean": total / Double(relations.count),
    ])
  }

  private static func siamese(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: [])
    let images = try ["images1", "images2"].map { try reference.input($0).to(.float64) }
    let pooling = try reference.setting("pool.type")
    guard let kind = pooling.string.flatMap(DrLIMEncoder.Pooling.init) else {
      throw ReferenceError.badSetting("pool.type", pooling.text(), "avg or max")
    }
    let network = try DrLIMEncoder(
      channels: images[0].size(along: 1), height: images[0].size(along: 2), width: images[0].size(along: 3),
      to: reference.count("fc_out"), maps: (reference.count("conv1.out"), reference.count("conv2.out")),
      kernels: (reference.count("conv1.kernel"), reference.count("conv2.kernel")), pooling: kind,
      poolSize: reference.count("pool.size"), using: Generator(seed: 0))
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in network.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let vectors = try images.map { try network($0) }
    let loss = try ContrastiveLoss(
      margin: reference.number("margin"), reduction: reference.choice("reduction", or: .mean))
    let total = try loss.pairs(vectors[0], vectors[1], relations(reference), distance: .euclidean).total
    return try graph.gradients(of: total).adding([
      "emb1": vectors[0], "emb2": vectors[1], "distance": Distance.euclidean.pairwise(vectors[0], vectors[1]),
      "loss": total,
    ])
  }

  private static func allPairs(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["a", "b"])
    func branch(_ side: String) throws -> Tensor {
      try graph.leaf(side).matmul(graph.leaf("branch_\(side).weight").transposed())
        + graph.leaf("branch_\(side).bias")
    }
    let (u, v) = (try branch("a"), try branch("b"))
    let distance = try reference.flag("normalize", or: true) ? Distance.unitEuclidean : .euclidean
    let objective = try PairObjective(
      ContrastiveLoss(margin: reference.number("margin")), distance: distance)
    let ids = try reference.input("ids")
    let value = try objective(u, v, Matches(ids: ids, ids))
    return try graph.gradients(of: value.total).adding([
      "distance": distance.matrix(u, v), "loss": value.total, "pos_loss": value.parts[0].value,
      "neg_loss": value.parts[1].value,
    ])
  }

  private static func linear(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["emb", "ref_emb"])
    let (x, y) = (try graph.leaf("emb"), try graph.leaf("ref_emb"))
    let distance = try reference.flag("normalize", or: true) ? Distance.unitEuclidean : .euclidean
    let matches = Matches(ids: try reference.input("labels"), try reference.input("ref_labels"))
    let loss = try ContrastiveLoss(
      .linear, margin: reference.number("neg_margin"), positiveMargin: reference.number("pos_margin"),
      reduction: .averageNonZero)
    let power = try reference.number("power", or: 1)
    let values = try distance.matrix(x, y)
    let powers = power == 1 ? values : try values.power(power)
    let total = try loss.terms(powers, matches.masks()).map { try $0.value }.reduce(Tensor(0.0)) {
      try $0 + $1
    }
    return try graph.gradients(of: total).adding(["distance": powers, "loss": total])
  }
}
