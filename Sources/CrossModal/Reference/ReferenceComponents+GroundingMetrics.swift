import Torch

/// Metrics of temporal grounding among the reference cases of `locvtp` (`locvtp.md` section 6).
enum GroundingMetricsReference: ReferenceComponents {
  static let method = "locvtp"
  static let components = ["grounding_metrics"]

  static func ranks(of component: String) -> [Int: [String]] {
    [3: ["score2d"], 2: ["moment", "features", "features_short"], 1: ["duration"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let scores = try reference.input("score2d")
    let durations = try reference.input("duration").values(as: Double.self)
    let bounds = try reference.input("moment").values(as: Double.self)
    let clips = try reference.count("num_clips")
    let setting = try reference.setting("nms_thresh")
    guard let threshold = setting.double else {
      throw ReferenceError.badSetting("nms_thresh", setting.text(), "a number")
    }
    let truth = durations.indices.map { ScoredMoment(start: bounds[2 * $0], end: bounds[2 * $0 + 1]) }
    let moments = try durations.enumerated().map { query, duration in
      ScoredMoment.suppressed(
        try ScoredMoment.candidates(scores[query], duration: duration), threshold: threshold)
    }
    let metrics = try GroundingMetrics(
      moments: moments, truth: truth,
      depths: try reference.setting("recall").array?.compactMap(\.int) ?? [],
      thresholds: try reference.setting("iou").array?.compactMap(\.double) ?? [])
    var first: [Double] = []
    for moments in moments {
      for place in 0..<5 {
        first += place < moments.count ? [moments[place].start, moments[place].end] : [0, 0]
      }
    }
    let overlaps = durations.indices.flatMap { truth[$0].overlaps(clips: clips, duration: durations[$0]) }
    let queries = durations.count
    let out: [String: Tensor] = [
      "recall_x_iou": try Tensor(metrics.depths.indices.flatMap { metrics.recalls(at: $0) })
        .reshaped(metrics.depths.count, metrics.thresholds.count),
      "top5_moments": try Tensor(first).reshaped(queries, 5, 2),
      "iou2d": try Tensor(overlaps).reshaped(queries, clips, clips),
      "resampled_4": try reference.input("features").averagedRows(to: 4),
      "resampled_short_5": try reference.input("features_short").averagedRows(to: 5),
    ]
    return try out.mapValues { .tensor(try $0.to(.float32)) }
  }
}
