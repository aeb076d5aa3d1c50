/// The way of a pair through layers of cells: how much of what each cell gives goes to each cell of the next layer.
public struct CellWays: Sendable, Equatable {
  /// Names of the cells of a layer.
  public let cells: [String]
  /// By layer, by what it gives to (the cells of the next layer; at last the score alone), and by cell; 0 for a cell that
  /// gives nothing.
  public let weights: [[[Double]]]

  public init(cells: [String], weights: [[[Double]]]) {
    self.cells = cells
    self.weights = weights
  }
}
