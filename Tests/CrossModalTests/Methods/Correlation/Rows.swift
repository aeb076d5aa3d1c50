import CrossModal
import Foundation
import Testing
import Torch

/// Vectors in memory as a training set.
struct Rows: TrainingSet {
  let views: [Tensor]
  let names: [String]
  var labels: [Int]?

  init(_ views: [Tensor], names: [String] = ["image", "text"], labels: [Int]? = nil) {
    self.views = views
    self.names = names
    self.labels = labels
  }

  var description: DataDescription {
    DataDescription(
      name: "rows",
      modalities: zip(names, views).map {
        DataDescription.Modality(name: $0, kind: .vector, size: $1.size(along: 1))
      },
      classes: labels.map { ($0.max() ?? -1) + 1 })
  }
  var count: Int { views[0].size(along: 0) }
  func batch(at places: [Int]) throws -> Batch {
    Batch(
      modalities: names, items: try views.map { .vectors(try $0.rows(at: places)) },
      rows: views.map { _ in places }, labels: labels.map { labels in places.map { labels[$0] } })
  }

  /// A part of the bundled Wikipedia features.
  static func wikipedia(_ split: String) throws -> Rows {
    let folder = try BundledData.folder("wikipedia")
    let views = try ["image", "text"].map {
      try array(folder.appending(path: "\($0)_\(split).npy"), .float32)
    }
    let labels = try array(folder.appending(path: "labels_\(split).npy"), .int64)
    return Rows(views, labels: try labels.values())
  }

  private static func array(_ file: URL, _ dtype: DataType) throws -> Tensor {
    let data = try Data(contentsOf: file)
    let start = 10 + Int(data[8]) + 256 * Int(data[9])
    let header = String(decoding: data[10..<start], as: UTF8.self)
    let shape = try #require(header.firstMatch(of: /\((\d+),\s*(\d*)\)/)).output
    let sizes = [shape.1, shape.2].compactMap { Int($0) }
    let byColumns = header.contains("'fortran_order': True")
    let stored = try data[start...].withUnsafeBytes {
      try Tensor(bytes: $0, shape: byColumns ? sizes.reversed() : sizes, dtype: dtype)
    }
    return byColumns && sizes.count == 2 ? try stored.transposed() : stored
  }
}

/// Two views that share `shared` hidden numbers, in noise.
func correlatedRows(_ n: Int, _ p: Int, _ q: Int, shared: Int = 3, seed: UInt64 = 1) throws -> [Tensor] {
  let generator = try Generator(seed: seed)
  let hidden = try Tensor.normal([n, shared], .float64, using: generator)
  return try [p, q].map { width in
    try hidden.matmul(Tensor.normal([shared, width], .float64, using: generator))
      + Tensor.normal([n, width], .float64, using: generator)
  }
}

extension Tensor {
  /// Largest difference to another tensor of this shape.
  func distance(to other: Tensor) throws -> Double {
    try #require(shape == other.shape)
    return count == 0 ? 0 : try (self - other).magnitude().max().item()
  }
}
