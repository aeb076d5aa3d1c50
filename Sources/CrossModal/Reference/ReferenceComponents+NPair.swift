import Torch

enum NPairReference: ReferenceComponents {
  static let method = "n-pair"
  static let components = ["mc", "ovo", "tuplet", "pml_labels", "soft_targets", "hard_class_mining"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["labels"],
      2: ["anchors", "positives", "emb", "class_queries", "class_positives"],
      3: ["negatives"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "mc", "ovo": try pairs(reference)
    case "tuplet": try tuplet(reference)
    case "pml_labels": try firstPairs(reference)
    case "soft_targets": try softTargets(reference)
    default: try hardClasses(reference)
    }
  }

  private static func penalty(_ reference: ReferenceCase) throws -> NormPenalty {
    NormPenalty(weight: try reference.number("l2_reg", or: 0.02))
  }

  private static func pairs(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["anchors", "positives"])
    let distance = try reference.flag("normalize", or: false) ? Distance.cosine : .dot
    let (a, p) = (
      try distance.prepared(graph.leaf("anchors")), try distance.prepared(graph.leaf("positives"))
    )
    let scores = try Distance.dot.matrix(a, p)
    let masks = try Matches(pairs: a.size(along: 0)).masks()
    let each =
      try reference.component == "mc"
      ? SoftmaxContrast(targets: .distinct).losses(scores, masks) : NPairOneVersusOne().losses(scores, masks)
    let data = try reference.choice("reduction", or: Reduction.mean) == .sum ? each.sum() : each.mean()
    let norms = try penalty(reference)([a, p])
    let total = try data + norms
    return try graph.gradients(of: total).adding([
      "scores": scores, "per_anchor": each, "data_loss": data, "l2_loss": norms, "loss": total,
    ])
  }

  private static func tuplet(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["anchors", "positives", "negatives"])
    let each = try TupletLoss.losses(
      graph.leaf("anchors"), graph.leaf("positives"), graph.leaf("negatives"))
    let total = try each.mean()
    return try graph.gradients(of: total).adding(["per_anchor": each, "loss": total])
  }

  private static func firstPairs(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["emb"])
    let rows = try graph.leaf("emb")
    let chosen = FirstPairs.of(labels: try reference.input("labels").values(as: Int.self))
    let objective = try PairObjective(SoftmaxContrast(targets: .distinct), distance: .cosine)
    let pairs = chosen.anchors.count
    // Where no label occurs twice, the norms are all there is.
    let data =
      try pairs == 0
      ? rows.sum() * 0
      : objective(rows.rows(at: chosen.anchors), rows.rows(at: chosen.positives), Matches(pairs: pairs)).total
    let norms = try NormPenalty(
      weight: reference.number("embedding_reg_weight", or: 0), convention: .pml)([rows])
    let total = try data + norms
    return try graph.gradients(of: total).adding([
      "anchor_index": Tensor(chosen.anchors), "positive_index": Tensor(chosen.positives), "loss": total,
    ])
  }

  private static func softTargets(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["anchors", "positives"])
    let (a, p) = (try graph.leaf("anchors"), try graph.leaf("positives"))
    let labels = try reference.input("labels")
    let matches = Matches(ids: labels, labels)
    let equal = try matches.masks().positive.to(.float64)
    let data = try PairObjective(SoftmaxContrast())(a, p, matches).total
    let total = try data + penalty(reference)([a, p])
    return try graph.gradients(of: total).adding([
      "targets": equal / equal.sum(along: 1, keepingDimension: true), "data_loss": data, "loss": total,
    ])
  }

  private static func hardClasses(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["class_queries", "class_positives"])
    let chosen = try HardClasses.chosen(
      graph.leaf("class_queries"), graph.leaf("class_positives"),
      count: reference.whole("num_classes_wanted"), first: reference.whole("start_class"))
    return try [:].adding(["selected": Tensor(chosen.classes), "violations": Tensor(chosen.violations)])
  }
}
