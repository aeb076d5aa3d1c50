/// Which cells of two pictures belong together, of a method that compares pictures place by place.
public struct CellLinks: Sendable, Equatable {
  /// A cell of the first picture and one of the second, each the most similar one of the other.
  public struct Link: Sendable, Equatable {
    /// Numbers of the cells, row by row from the top.
    public let from: Int
    public let to: Int
    /// Cosine of the two.
    public let similarity: Double

    public init(from: Int, to: Int, similarity: Double) {
      self.from = from
      self.to = to
      self.similarity = similarity
    }
  }

  /// Cells of each picture, over the whole of it.
  public let grids: [PictureGrid]
  /// The most similar first.
  public let links: [Link]
  /// Cosine of each cell of each picture with the most similar one of the other.
  public let nearest: [[Double]]

  public init(grids: [PictureGrid], links: [Link], nearest: [[Double]]) {
    self.grids = grids
    self.links = links
    self.nearest = nearest
  }

  /// For programs: the sizes of both grids, and each link with its cells and similarity.
  public var json: JSON {
    [
      "grids": .array(grids.map { ["rows": .int($0.height), "columns": .int($0.width)] }),
      "links": .array(
        links.map { ["from": .int($0.from), "to": .int($0.to), "similarity": .double($0.similarity)] }),
    ]
  }

  /// The links of at least a similarity.
  public func atLeast(_ threshold: Double) -> CellLinks {
    CellLinks(grids: grids, links: links.filter { $0.similarity >= threshold }, nearest: nearest)
  }
}
