// Pictures in another size.

extension Tensor {
  /// Pictures `[n, c, h, w]` in another size, bilinear; a smaller picture is averaged over the area that each
  /// of its pixels covers (antialiased), as Pillow does. Works on uint8 and on floating-point numbers.
  public func resizedBilinearly(height: Int, width: Int) throws(TorchError) -> Tensor {
    try Op.bilinear(.tensor(self), .ints([height, width]), .bool(false))
  }

  private enum Op {
    static let bilinear = Operator("_upsample_bilinear2d_aa")
  }
}
