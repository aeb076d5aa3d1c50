// Pictures in another size.

extension Tensor {
  /// Pictures `[n, c, h, w]` in another size, bilinear; a smaller picture is averaged over the area that each
  /// of its pixels covers (antialiased), as Pillow does. Works on uint8 and on floating-point numbers.
  public func resizedBilinearly(height: Int, width: Int) throws(TorchError) -> Tensor {
    try Op.bilinear(.tensor(self), .ints([height, width]), .bool(false))
  }

  /// Numbers `[n, c, h, w]` in another size, bicubic.
  ///
  /// - Parameter antialias: smaller sizes average over the area that each place covers, with the cubic's a = -0.5 and
  ///   weights that add up to 1; else a = -0.75 and the four nearest places, those beyond an edge taken from it.
  public func resizedBicubically(
    height: Int, width: Int, antialias: Bool
  ) throws(TorchError) -> Tensor {
    try (antialias ? Op.bicubicAveraged : Op.bicubic)(
      .tensor(self), .ints([height, width]), .bool(false), .none, .none)
  }

  /// Numbers `[n, c, l]` in another length, linear between the two nearest places.
  public func resizedLinearly(length: Int) throws(TorchError) -> Tensor {
    try Op.linear(.tensor(self), .ints([length]), .bool(false), .none)
  }

  private enum Op {
    static let bicubic = Operator("upsample_bicubic2d")
    static let bicubicAveraged = Operator("_upsample_bicubic2d_aa")
    static let linear = Operator("upsample_linear1d")
    static let bilinear = Operator("_upsample_bilinear2d_aa")
  }
}
