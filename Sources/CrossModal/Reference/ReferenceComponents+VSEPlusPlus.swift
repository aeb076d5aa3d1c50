import Torch

/// The objective among the reference cases of `vsepp` (`vsepp.md` section 4).
enum VSEppLossReference: ReferenceComponents {
  static let method = "vsepp"
  static let components = ["loss"]

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["im", "s"])
    let (images, captions) = (try graph.leaf("im"), try graph.leaf("s"))
    let loss = try HingeRanking(vsepp: reference)
    let total = try loss(images, captions, Matches(pairs: images.size(along: 0))).total
    return try graph.gradients(of: total).adding(["scores": loss.scores(images, captions), "loss": total])
  }
}

extension HingeRanking {
  /// The objective that a case's settings mean.
  init(vsepp reference: ReferenceCase) throws {
    try self.init(
      margin: reference.number("margin", or: 0.2), measure: reference.choice("measure", or: .cosine),
      negatives: reference.flag("max_violation", or: true) ? .hardest : .sum,
      reduction: reference.choice("reduction", or: .sum))
  }
}
