import Torch

extension DenseCL: Explaining {
  /// Parts do not attend to parts here: what there is to see are ``links(_:)``.
  public func evidence(_ items: [Items]) throws -> [Evidence] { [] }

  /// Cells of the maps of two whole pictures that are each the most similar one of the other, as the authors show their
  /// matches.
  public func links(_ items: [Items]) throws -> CellLinks? {
    let maps = try items.map { try wholeMaps(of: $0)[0] }
    let cells = try maps.map { try $0.flattened(from: 1).unsqueezed(at: 0) }
    let (there, back) = try (CellMatches(cells[0], cells[1]), CellMatches(cells[1], cells[0]))
    func read(_ found: CellMatches) throws -> (places: [Int], values: [Double]) {
      (
        try found.indices.to(.cpu).values(as: Int.self),
        try found.similarities.to(.cpu).flattened().values(as: Double.self)
      )
    }
    let (first, second) = try (read(there), read(back))
    let links = first.places.indices.filter { second.places[first.places[$0]] == $0 }
      .map { CellLinks.Link(from: $0, to: first.places[$0], similarity: first.values[$0]) }
      .sorted { ($1.similarity, $0.from) < ($0.similarity, $1.from) }
    return CellLinks(
      grids: maps.map {
        PictureGrid(
          height: $0.size(along: 1), width: $0.size(along: 2), channels: $0.size(along: 0))
      }, links: links, nearest: [first.values, second.values])
  }
}
