import Torch

/// Retrieval metrics among the reference cases of `scan` (`scan.md` section 6): official ranks and recalls.
enum ScanMetricsReference: ReferenceComponents {
  static let method = "scan"
  static let components = ["retrieval_metrics"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      2: ["sims"]
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let scores = try reference.input("sims")
    let captions = try reference.count("captions_per_image")
    let metrics = try RetrievalEvaluation(ties: .optimistic).metrics(
      of: ScoreSource(scores),
      truth: .consecutive(captions, first: scores.size(along: 0), second: scores.size(along: 1)))
    var out = try fiveNumbers(metrics)
    for (name, direction) in [("i2t", metrics.forward), ("t2i", metrics.backward)] {
      out[name + "_ranks"] = try Tensor(zeroBasedRanks(direction).map(Float.init))
    }
    return out.mapValues(ReferenceOutput.tensor)
  }
}

/// Retrieval metrics among the reference cases of `vsepp` (`vsepp.md` section 6).
enum VSEppMetricsReference: ReferenceComponents {
  static let method = "vsepp"
  static let components = ["eval", "eval_ties"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["caption_image"],
      2: ["images", "captions", "scores"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "eval": try evaluation(reference).mapValues(ReferenceOutput.tensor)
    case "eval_ties": try ties(reference).mapValues(ReferenceOutput.tensor)
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  private static func evaluation(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let images = try reference.input("images").to(.float64)
    let captions = try reference.input("captions").to(.float64)
    let measure = try reference.setting("measure")
    let source: ScoreSource
    switch measure.string {
    case "cosine":
      source = ScoreSource(try images.matmul(captions.transposed()))
    case "order":
      source = ScoreSource(first: images.size(along: 0), second: captions.size(along: 0)) { rows in
        try OrderSimilarity.scores(images[rows], captions)
      }
    default: throw ReferenceError.badSetting("measure", measure.text(), "cosine or order")
    }
    let metrics = try RetrievalEvaluation().metrics(
      of: source,
      truth: .consecutive(
        reference.count("captions_per_image"), first: images.size(along: 0), second: captions.size(along: 0)))
    var out = try fiveNumbers(metrics)
    for (name, direction) in [("i2t", metrics.forward), ("t2i", metrics.backward)] {
      out[name + "_ranks"] = try Tensor(zeroBasedRanks(direction).map(Int.init))
      out[name + "_top1"] = try Tensor(direction.queries.map { $0.top ?? -1 })
    }
    return out
  }

  private static func ties(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let scores = try reference.input("scores")
    let images = try reference.input("caption_image").values(as: Int.self)
    let truth = try RetrievalTruth(
      first: scores.size(along: 0), second: scores.size(along: 1),
      pairs: images.enumerated().map { ($0.element, $0.offset) })
    let rules = try reference.setting("tie_policy").array?.compactMap(\.string) ?? []
    var out: [String: Tensor] = [:]
    for rule in try rules.map(TieRule.init(named:)) {
      let metrics = try RetrievalEvaluation(ties: rule).metrics(of: ScoreSource(scores), truth: truth)
      for (name, direction) in [("i2t", metrics.forward), ("t2i", metrics.backward)] {
        // Means of ranks may end in a half.
        let ranks = try zeroBasedRanks(direction)
        out["\(name)_ranks_\(rule.rawValue)"] =
          try rule == .mean ? Tensor(ranks) : Tensor(ranks.map(Int.init))
        out["\(name)_recall_\(rule.rawValue)"] = try Tensor(direction.summary.recalls ?? []).to(.float32)
      }
    }
    return out.filter { reference.outputs.isEmpty || reference.outputs.contains($0.key) }
  }
}

/// Ranks from 0, as the official programs have them.
private func zeroBasedRanks(_ direction: DirectionMetrics) throws -> [Double] {
  try direction.queries.map { query in
    guard let rank = query.rank else { throw ReferenceError.noCaption(image: query.row) }
    return rank - 1
  }
}

/// R@1, R@5, R@10, MedR and MeanR of both directions, and rsum.
private func fiveNumbers(_ metrics: RetrievalMetrics) throws -> [String: Tensor] {
  func five(_ summary: RetrievalSummary) throws -> Tensor {
    try Tensor((summary.recalls ?? []) + [summary.medianRank ?? .nan, summary.meanRank ?? .nan]).to(.float32)
  }
  return [
    "i2t": try five(metrics.forward.summary), "t2i": try five(metrics.backward.summary),
    "rsum": try Tensor([metrics.rsum ?? .nan]).to(.float32),
  ]
}
