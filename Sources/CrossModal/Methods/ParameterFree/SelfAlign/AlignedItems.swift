import Torch

/// Items of one side with what aligns their fragments with those of partners.
struct AlignedItems {
  /// The vector of each item, `[n, d]`.
  let whole: Tensor
  /// Fragments that are assigned to concepts, of norm 1, `[n, l, size]`; nil where they are not.
  var concepts: PaddedRows?
  /// Nil without a context branch.
  var context: ContextBranch.Output?
  /// Whether the context stands behind the vector, and in which order: of the first side (regions) what is mixed comes
  /// first. Nil where it is for training alone.
  var isFirst: Bool?

  /// What is compared and indexed: `[n, d]`, with a context `[n, 3 d]`.
  func embedding() throws(TorchError) -> Tensor {
    guard let context, let isFirst else { return whole }
    return try Tensor.concatenated([whole, context.embedding(isFirst: isFirst)], along: 1)
  }
}

/// A loss, and its weight in the sum.
struct WeightedLoss {
  let name: String
  let weight: Double
  let value: Tensor
}

extension AlignmentSettings {
  /// The losses of concepts and contexts of a batch; with several processes of the whole of it.
  ///
  /// - Parameters:
  ///   - first: the side whose fragments are assigned to concepts: pictures and their regions.
  ///   - second: the side whose fragments are taught by them: texts and their words.
  ///   - concepts: prototypes of norm 1, `[k, size]`; nil for no loss of concepts.
  ///   - comparesContexts: whether contexts are compared with fragments.
  func losses(
    _ first: AlignedItems, _ second: AlignedItems, concepts: Tensor?, comparesContexts: Bool, _ step: Step
  ) throws -> [WeightedLoss] {
    func gathered(_ rows: PaddedRows) throws -> PaddedRows {
      PaddedRows(try step.gathered(rows.values), lengths: try step.gathered(rows.lengths))
    }
    var all: [WeightedLoss] = []
    if let concepts, let regions = first.concepts, let words = second.concepts {
      let value = try conceptContrast()(
        regions: gathered(regions.with(regions.values.detached())), words: gathered(words),
        prototypes: concepts)
      all.append(WeightedLoss(name: "concept", weight: conceptWeight, value: value))
    }
    if comparesContexts, let seen = first.context, let said = second.context {
      let v2t = try contrastV2t()(step.gathered(said.attended), gathered(seen.parts))
      let t2v = try contrastT2v()(step.gathered(seen.attended), gathered(said.parts))
      all.append(WeightedLoss(name: "context_v2t", weight: contextWeight / 2, value: v2t))
      all.append(WeightedLoss(name: "context_t2v", weight: contextWeight / 2, value: t2v))
    }
    return all
  }
}
