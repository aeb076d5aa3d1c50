import Torch

extension Run {
  /// Name of the companion of ``cells(of:side:)`` that tells how many rows of cells each picture has.
  public static let gridRows = "rows"

  /// The vectors of the cells of whole pictures, row by row, without padding, with ``gridRows`` beside them.
  ///
  /// - Throws: ``RunError`` for a method that gives no maps of pictures.
  public func cells(of items: Items, side: Int) throws -> Features {
    guard let method = method as? any DenseRepresenting else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "maps of pictures")
    }
    let maps = try withoutGradient { try method.wholeMaps(of: items) }
    guard !maps.isEmpty else { throw FeatureError.nothingToEncode }
    return Features(
      try Tensor.concatenated(maps.map { try $0.flattened(from: 1).transposed().to(.cpu) }),
      lengths: maps.map { $0.size(along: 1) * $0.size(along: 2) },
      companions: [Self.gridRows: try Tensor(maps.map { $0.size(along: 1) })])
  }

  /// The same of all pictures of a split, a block at a time.
  public func cells(of split: Split, side: Int, block: Int = 64) throws -> Features {
    let count = split.count(side: side)
    var (values, lengths, rows): ([Tensor], [Int], [Tensor]) = ([], [], [])
    for start in stride(from: 0, to: count, by: block) {
      let found = try cells(of: split.items(side: side, rows: start..<min(start + block, count)), side: side)
      values.append(found.values)
      lengths += found.lengths ?? []
      if let own = found.companions[Self.gridRows] { rows.append(own) }
    }
    guard !values.isEmpty else { throw FeatureError.nothingToEncode }
    return Features(
      try Tensor.concatenated(values), lengths: lengths,
      companions: [Self.gridRows: try Tensor.concatenated(rows)])
  }
}
