import Torch

enum TripletCenterReference: ReferenceComponents {
  static let method = "triplet-center"
  static let components = ["loss", "joint", "author_variant"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["labels"],
      2: ["features", "scores", "centers", "classifier.weight"],
      3: ["views"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "loss": try loss(reference)
    case "joint": try joint(reference)
    default: try authorVariant(reference)
    }
  }

  private static func loss(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["features"])
    let (features, centers) = (try graph.leaf("features"), try graph.leaf("centers"))
    let labels = try reference.input("labels")
    let value = try TripletCenterLoss(margin: reference.number("margin"), reduction: .sum)(
      features, labels, centers)
    let change = try TripletCenterLoss.normalizedGradient(
      features, labels, centers, hinges: value.hinges, nearest: value.nearest)
    return try graph.gradients(of: value.total).adding([
      "distance": features.distances(to: centers).squared() * 0.5, "per_sample": value.hinges,
      "nearest_negative": value.nearest, "loss": value.total,
      "loss_mean": value.total / Double(features.size(along: 0)), "center_grad_count_normalised": change,
      "centers_after_count_normalised_step": centers - change * reference.number("center_lr", or: 0.1),
    ])
  }

  private static func joint(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["views"])
    let labels = try reference.input("labels")
    let features = try reference.choice("view_pool", or: ViewPooling.max).pooled(graph.leaf("views"))
    let logits =
      try features.matmul(graph.leaf("classifier.weight").transposed()) + graph.leaf("classifier.bias")
    let softmax = try logits.crossEntropy(labels)
    let center = try TripletCenterLoss(margin: reference.number("margin"))(
      features, labels, graph.leaf("centers")
    ).total
    let total = try softmax + center * reference.number("lambda", or: 0.1)
    let byFeatures = try Tensor.gradients(of: [total], by: [features], retainGraph: true)[0]
    return try graph.gradients(of: total).adding([
      "features": features, "logits": logits, "softmax_loss": softmax, "tcl": center, "loss": total,
      "grad.features": byFeatures ?? features.zerosLike(),
    ])
  }

  private static func authorVariant(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["scores"])
    var outputs: [String: ReferenceOutput] = [:]
    for (suffix, variant) in [("_batch", TripletCenterLoss.Variant.authorBatch), ("_allclass", .authorAll)] {
      let value = try TripletCenterLoss(
        margin: reference.number("margin"), variant: variant,
        reduction: reference.choice("reduction", or: Reduction.mean))(
          graph.leaf("scores"), reference.input("labels"), graph.leaf("centers"))
      outputs = try outputs.merging(graph.gradients(of: value.total, suffix: suffix)) { $1 }
        .adding(["loss" + suffix: value.total, "precision" + suffix: value.precision])
    }
    return outputs
  }
}
