import Torch

/// Positions of a published network for pictures and texts of other sizes than it was trained on.
public enum PositionInterpolation {
  /// Positions of a grid of patches for another grid, bicubic along both axes; rows in front that are no patch stay.
  ///
  /// open_clip resamples with antialias, Hugging Face without.
  /// - Parameters:
  ///   - positions: `[prefix + side², width]`.
  ///   - prefix: rows in front that are no patch.
  ///   - grid: patches one above the other, and side by side.
  /// - Returns: `[prefix + height · width, width]`.
  /// - Throws: ``PublishedModelError`` where the patches fill no square.
  public static func resized(
    _ positions: Tensor, prefix: Int, to grid: (height: Int, width: Int), antialias: Bool
  ) throws -> Tensor {
    let count = positions.size(along: 0) - prefix
    guard count > 0, let side = squareRoot(of: count) else { throw PublishedModelError.grid(rows: count) }
    guard grid.height != side || grid.width != side else { return positions }
    let patches = try positions.narrowed(to: prefix..<prefix + count, along: 0)
      .reshaped(1, side, side, -1).permuted(0, 3, 1, 2)
    let resized = try patches.resizedBicubically(
      height: grid.height, width: grid.width, antialias: antialias
    ).permuted(0, 2, 3, 1).reshaped(grid.height * grid.width, -1)
    guard prefix > 0 else { return try resized.contiguous() }
    return try Tensor.concatenated([positions[0..<prefix], resized])
  }

  /// Positions of places in a text for another number of them, linear.
  ///
  /// - Parameter positions: `[l, width]`.
  /// - Returns: `[length, width]`.
  public static func resized(_ positions: Tensor, toLength length: Int) throws(TorchError) -> Tensor {
    guard positions.size(along: 0) != length else { return positions }
    return try positions.transposed().unsqueezed(at: 0).resizedLinearly(length: length).squeezed(at: 0)
      .transposed().contiguous()
  }

  /// The side of a square of so many places; nil where there is none.
  static func squareRoot(of count: Int) -> Int? {
    let side = Int(Double(count).squareRoot().rounded())
    return side * side == count ? side : nil
  }
}
