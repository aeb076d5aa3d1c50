import CrossModal
import Foundation
import Torch

/// Two views of 4,000 rows and 10 columns that share three directions: half to fit, half held out.
///
/// The exact form is what the peers compute too; the others show how near they come in how much less time.
struct KernelViews {
  private let views: [Tensor]
  private let half = 2000

  init() throws {
    let generator = try Generator(seed: 11)
    let hidden = try Tensor.normal([4000, 3], .float64, using: generator)
    views = try (0..<2).map { _ in
      let mixing = try Tensor.normal([3, 10], .float64, using: generator)
      return try hidden.matmul(mixing) + Tensor.normal([4000, 10], .float64, using: generator)
    }
  }

  /// For the peers.
  func write(to folder: URL) throws {
    for (name, view) in zip(["x", "y"], views) {
      try NPYWriter.write(view, to: folder.appending(path: "kernel-\(name).npy").path)
    }
  }

  func measure() throws {
    let work = "KCCA, rbf, 2000 rows of 10 and 10, 5 kept"
    let forms: [(name: String?, settings: JSON)] = [
      (nil, ["solver": "exact"]),
      ("CrossModal, pgso 100", ["solver": "pgso", "max_rank": 100]),
      ("CrossModal, pgso 300", ["solver": "pgso", "max_rank": 300]),
      ("CrossModal, nystrom 300", ["solver": "nystrom", "landmarks": 300]),
      ("CrossModal, rff 1000", ["solver": "rff", "features": 1000]),
    ]
    for form in forms { try report(work, as: form.name) { try heldOutTotal(form.settings) } }
  }

  /// Total correlation of the held-out half after a fit on the other.
  private func heldOutTotal(_ form: JSON) throws -> Double {
    var settings = form
    (settings["k"], settings["gamma"], settings["value"]) = (5, 0.005, 0.01)
    let data = Pairs(views: try views.map { try $0[0..<half] })
    let method = try KCCA(KCCA.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data, seed: 1)
    let scores = try views.enumerated().map {
      try method.encode(.vectors($1[half..<(2 * half)]), side: $0)
    }
    return try method.correlations(scores[0], scores[1]).reduce(0, +)
  }

  /// Rows in memory as pairs to learn from.
  private struct Pairs: TrainingSet {
    let views: [Tensor]
    var labels: [Int]? { nil }
    var count: Int { views[0].size(along: 0) }
    var description: DataDescription {
      DataDescription(
        name: "bench",
        modalities: zip(["x", "y"], views).map { .init(name: $0, kind: .vector, size: $1.size(along: 1)) })
    }

    func batch(at places: [Int]) throws -> Batch {
      Batch(
        modalities: ["x", "y"], items: try views.map { .vectors(try $0.rows(at: places)) },
        rows: [places, places])
    }
  }
}
