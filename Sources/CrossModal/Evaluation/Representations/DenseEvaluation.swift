import Torch

/// How well maps of pictures tell classes of pixels apart, and places from each other.
struct DenseEvaluation {
  let method: any DenseRepresenting
  let options: EvaluationOptions

  /// Cells that a linear map is fitted to, and that neighbors are sought among.
  private static let mostFitted = 40_000
  private static let mostNeighbors = 8192
  /// Pictures whose maps are in memory at a time.
  private static let block = 64

  // MARK: - Classes of pixels

  /// What was found of pictures with a class a pixel.
  struct Pixels {
    var probe = SegmentationCounts()
    var neighbors = SegmentationCounts()
    /// The class of most pixels that were learned from, everywhere.
    var commonest = SegmentationCounts()
  }

  /// - Parameters:
  ///   - data: pictures with masks.
  ///   - learned: the same, to fit to.
  /// - Throws: ``EvaluationError`` where masks are missing.
  func pixels(of data: some TrainingSet, fitted learned: any TrainingSet) throws -> Pixels {
    let classes = try self.classes(of: learned)
    let most = max(Self.mostFitted, Self.mostNeighbors)
    var cells: [CellFeatures] = []
    let total = learned.count(side: 0)
    for rows in blocks(total) {
      cells.append(
        try CellFeatures(
          wholeMaps(of: learned, rows: rows), masks(of: learned, rows: rows), classes: classes,
          most: max(rows.count, most * rows.count / total)))
    }
    let features = try Tensor.concatenated(cells.map(\.features))
    let shares = try Tensor.concatenated(cells.map(\.shares))
    let probe = try LinearProbe(features, shares: shares)
    let step = max(1, features.size(along: 0) / Self.mostNeighbors)
    let places = Array(stride(from: step / 2, to: features.size(along: 0), by: step))
    let neighbors = try CellNeighbors(
      CellFeatures(features: features.rows(at: places), shares: shares.rows(at: places)))
    let commonest = try shares.sum(along: 0).argmax(along: 0).item(as: Int.self)

    var found = Pixels()
    for rows in blocks(data.count(side: 0)) {
      let masks = try masks(of: data, rows: rows)
      for (map, mask) in zip(try wholeMaps(of: data, rows: rows), masks) {
        let (height, width) = (mask.classes.size(along: 0), mask.classes.size(along: 1))
        let cells = try map.to(.cpu).flattened(from: 1).transposed()
        func planes(_ scores: Tensor) throws -> Tensor {
          try scores.to(.float32).transposed()
            .reshaped(1, classes, map.size(along: 1), map.size(along: 2))
            .resizedBilinearly(height: height, width: width)[0]
        }
        try found.probe.add(scores: planes(probe.scores(cells)), mask: mask.classes, ignore: mask.ignore)
        try found.neighbors.add(
          scores: planes(neighbors.scores(cells)), mask: mask.classes, ignore: mask.ignore)
        try found.commonest.add(
          scores: Tensor([commonest]).oneHot(classes: classes).to(.float32).reshaped(classes, 1, 1)
            .expanded(to: [classes, height, width]), mask: mask.classes, ignore: mask.ignore)
      }
      options.progress(rows.upperBound, data.count(side: 0))
    }
    return found
  }

  /// One more than the largest class that counts.
  private func classes(of data: any TrainingSet) throws -> Int {
    var largest = 0
    for row in 0..<data.count(side: 0) {
      for mask in try masks(of: data, rows: row..<row + 1) {
        let numbers = try mask.classes.to(.int64).flattened().unique().values.values(as: Int.self)
        largest = max(largest, numbers.filter { $0 != mask.ignore }.max() ?? 0)
      }
    }
    return largest + 1
  }

  private func masks(
    of data: any TrainingSet, rows: Range<Int>
  ) throws -> [(classes: Tensor, ignore: Int?)] {
    try rows.map { row in
      guard let mask = try data.mask(side: 0, row: row) else {
        throw EvaluationError.badValue("\(data.place) has no masks to compare with")
      }
      return mask
    }
  }

  private func wholeMaps(of data: any TrainingSet, rows: Range<Int>) throws -> [Tensor] {
    try withoutGradient { try method.wholeMaps(of: data.items(side: 0, rows: rows)) }
  }

  private func blocks(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: Self.block).map { $0..<min($0 + Self.block, count) }
  }

  // MARK: - Places

  /// Of each picture: cells that two random views of it share, and how many of those have their nearest neighbor in the
  /// other view within a cell of their place.
  struct Places: Equatable {
    var hits: [Double] = []
    var shared: [Double] = []

    var share: Double { 100 * hits.reduce(0, +) / shared.reduce(0, +) }
  }

  /// The two views of a picture depend on its row alone.
  func places(of data: some TrainingSet) throws -> Places {
    var found = Places()
    let (views, network) = (method.cutting, method.pictureNetwork)
    let grid = network.grid(height: views.part.size, width: views.part.size)
    for rows in blocks(data.count(side: 0)) {
      func choices(_ view: UInt64) throws -> [[Double]] {
        try rows.map { row in
          try Tensor.uniform(
            [ViewTransform.choices], .float64, using: Generator(seed: mixed(UInt64(row), view))
          ).values(as: Double.self)
        }
      }
      let numbers = try [choices(0), choices(1)]
      let made = try views(data.items(side: 0, rows: rows), numbers, colors: false)
      let maps = try withoutGradient { try made.map { try method.maps(of: $0.pictures).flattened(from: 2) } }
      let nearest = try CellMatches(maps[0], maps[1]).indices.to(.cpu).values(as: Int.self)
      for place in 0..<rows.count {
        let middles = made[0].parts[place].middles(of: grid, on: made[1].parts[place], grid)
        var (hits, shared) = (0.0, 0.0)
        for (cell, middle) in middles.enumerated() {
          let inside =
            (0..<Double(grid.height)).contains(middle.row) && (0..<Double(grid.width)).contains(middle.column)
          guard inside else { continue }
          shared += 1
          let other = nearest[place * grid.cells + cell]
          let distance = max(
            abs(Double(other / grid.width) + 0.5 - middle.row),
            abs(Double(other % grid.width) + 0.5 - middle.column))
          if distance <= 1 { hits += 1 }
        }
        found.hits.append(hits)
        found.shared.append(shared)
      }
    }
    return found
  }
}
