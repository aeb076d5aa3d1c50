import CrossModal
import Foundation
import Torch

/// Views that textbook implementations stumble over: what a program finds, not how fast, is compared.
struct DifficultViews {
  /// 500 rows whose columns span sixteen powers of ten.
  let badlyScaled: [Tensor]
  /// The training features of Wikipedia: rows of both sides sum to one, so neither has full rank and there are
  /// nine correlations, not the ten asked for.
  let rankDeficient: [Tensor]

  init() throws {
    let generator = try Generator(seed: 3)
    let shared = try Tensor.normal([500, 3], .float64, using: generator)
    badlyScaled = try [8, 6].map { width in
      let rows =
        try shared.matmul(Tensor.normal([3, width], .float64, using: generator))
        + Tensor.normal([500, width], .float64, using: generator)
      let powers = (0..<width).map { pow(10, -8 + 16 * Double($0) / Double(width - 1)) }
      return try rows * Tensor(powers)
    }
    let train = try DataSet(at: BundledData.folder("wikipedia").path).split("train")
    rankDeficient = try train.all().items.map {
      guard case .vectors(let rows) = $0 else { return try Tensor.zeros([0, 0]) }
      return try rows.to(.float64).contiguous()
    }
  }

  private var named: [(file: String, work: String, views: [Tensor], k: Int)] {
    [
      ("scaled", "CCA, columns from 1e-8 to 1e8, sum of 6", badlyScaled, 6),
      ("deficient", "CCA, Wikipedia (rank-deficient), sum", rankDeficient, 10),
    ]
  }

  /// For the peers: FILE-x.npy and FILE-y.npy.
  func write(to folder: URL) throws {
    for (file, _, views, _) in named {
      for (side, rows) in zip(["x", "y"], views) {
        try NPYWriter.write(rows, to: folder.appending(path: "\(file)-\(side).npy").path)
      }
    }
  }

  func measure() throws {
    for (_, work, views, k) in named {
      try report(work) {
        var joint = try JointCovariance(views: ["x", "y"], widths: views.map { $0.size(along: 1) })
        try joint.add(views)
        return try CanonicalSolver(components: .upTo(k)).solve(joint).correlations
          .values(as: Double.self).prefix(k).reduce(0, +)
      }
    }
  }
}
