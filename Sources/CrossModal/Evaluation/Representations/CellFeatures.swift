import Torch

/// Cells of whole pictures with how much of each is of each class.
struct CellFeatures {
  /// `[cells, channels]`.
  let features: Tensor
  /// `[cells, classes]`; a row sums to the share of the cell that counts.
  let shares: Tensor
}

extension CellFeatures {
  /// Cells of pictures that have masks, at most about `most`, evenly over the pictures.
  ///
  /// - Parameters:
  ///   - classes: how many there are.
  ///   - maps: of each picture, `[channels, rows, columns]`.
  init(_ maps: [Tensor], _ masks: [(classes: Tensor, ignore: Int?)], classes: Int, most: Int) throws {
    var (features, shares): ([Tensor], [Tensor]) = ([], [])
    let each = max(1, most / max(1, maps.count))
    for (map, mask) in zip(maps, masks) {
      let own = try map.to(.cpu).flattened(from: 1).transposed()
      let parts = try Self.shares(
        mask.classes, ignore: mask.ignore, classes: classes, rows: map.size(along: 1),
        columns: map.size(along: 2))
      let cells = own.size(along: 0)
      let places = cells <= each ? Array(0..<cells) : (0..<each).map { ($0 * 2 + 1) * cells / (2 * each) }
      features.append(try own.rows(at: places))
      shares.append(try parts.rows(at: places))
    }
    self.init(features: try Tensor.concatenated(features), shares: try Tensor.concatenated(shares))
  }

  /// How much of each cell of a grid over a mask `[h, w]` is of each class: `[cells, classes]`.
  static func shares(
    _ mask: Tensor, ignore: Int?, classes: Int, rows: Int, columns: Int
  ) throws -> Tensor {
    let numbers = try mask.to(.int64)
    var counted = try numbers .< Double(classes)
    if let ignore { counted = try counted.and(numbers .!= Double(ignore)) }
    let planes =
      try numbers.clamped(from: 0, to: Double(classes - 1)).to(.int64).oneHot(classes: classes)
      .to(.float32).permuted(2, 0, 1) * counted.to(.float32)
    return try planes.unsqueezed(at: 0).meanPooled(to: [rows, columns])[0].flattened(from: 1).transposed()
  }
}

/// Classes of cells by their nearest cells among those that were learned from.
struct CellNeighbors {
  /// `[bank, channels]`, of norm 1.
  private let bank: Tensor
  private let shares: Tensor
  private let neighbors: Int

  /// How sharply nearer ones count more (Wu et al., "Unsupervised feature learning via non-parametric instance
  /// discrimination", CVPR 2018).
  private static let temperature = 0.07

  init(_ cells: CellFeatures, neighbors: Int = 20) throws {
    bank = try cells.features.to(.float32).normalized(along: 1)
    shares = try cells.shares.to(.float32)
    self.neighbors = min(neighbors, bank.size(along: 0))
  }

  /// Scores of cells `[cells, channels]`: `[cells, classes]`.
  func scores(_ cells: Tensor) throws -> Tensor {
    let near = try cells.to(.float32).normalized(along: 1).matmul(bank.transposed()).top(neighbors)
    let weights = try (near.values / Self.temperature).softmax(along: 1).unsqueezed(at: 2)
    let (rows, classes) = (cells.size(along: 0), shares.size(along: 1))
    let found = try shares.rows(at: near.indices.flattened()).reshaped(rows, neighbors, classes)
    return try (found * weights).sum(along: 1)
  }
}
