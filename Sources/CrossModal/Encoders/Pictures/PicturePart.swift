/// Where a view of a picture was cut from: a rectangle of it in pixels, mirrored or not.
public struct PicturePart: Sendable, Equatable {
  public var top: Double
  public var left: Double
  public var height: Double
  public var width: Double
  /// Whether left and right are exchanged.
  public var isMirrored: Bool

  public init(top: Double, left: Double, height: Double, width: Double, isMirrored: Bool = false) {
    self.top = top
    self.left = left
    self.height = height
    self.width = width
    self.isMirrored = isMirrored
  }

  /// Where the middle of each cell of this view lies on the grid of another view of the same picture, in cells of that
  /// one: the middle of its first cell is (0.5, 0.5). Top to bottom and left to right.
  public func middles(
    of grid: PictureGrid, on other: PicturePart, _ otherGrid: PictureGrid
  ) -> [(row: Double, column: Double)] {
    (0..<grid.cells).map { cell in
      var across = (Double(cell % grid.width) + 0.5) / Double(grid.width)
      if isMirrored { across = 1 - across }
      let y = top + (Double(cell / grid.width) + 0.5) / Double(grid.height) * height
      var u = (left + across * width - other.left) / other.width
      if other.isMirrored { u = 1 - u }
      return ((y - other.top) / other.height * Double(otherGrid.height), u * Double(otherGrid.width))
    }
  }

  /// The cell of another view in which the middle of each cell of this one lies; nil for one that lies outside.
  public func cells(of grid: PictureGrid, on other: PicturePart, _ otherGrid: PictureGrid) -> [Int?] {
    middles(of: grid, on: other, otherGrid).map { place in
      let (row, column) = (Int(place.row.rounded(.down)), Int(place.column.rounded(.down)))
      guard (0..<otherGrid.height).contains(row), (0..<otherGrid.width).contains(column) else { return nil }
      return row * otherGrid.width + column
    }
  }
}
