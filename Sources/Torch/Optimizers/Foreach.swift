/// libtorch's operators on lists of tensors: one call for all parameters instead of one for each.
///
/// Those that end in an imperative write in place, and only the memory of tensors that ``Slot/makeWritable()``
/// made private, or that an optimizer keeps to itself.
enum Foreach {
  static func norm(_ tensors: [Tensor]) throws(TorchError) -> [Tensor] {
    try withoutGradient { () throws(TorchError) in try Op.norm.all(.tensors(tensors)) }
  }

  static func scaled(_ tensors: [Tensor], by factor: Double) throws(TorchError) -> [Tensor] {
    try withoutGradient { () throws(TorchError) in try Op.mul.all(.tensors(tensors), .double(factor)) }
  }

  /// a + scale · b
  static func sum(_ a: [Tensor], _ b: [Tensor], scale: Double = 1) throws(TorchError) -> [Tensor] {
    try Op.add.all(.tensors(a), .tensors(b), .double(scale))
  }

  static func squareRoot(_ tensors: [Tensor]) throws(TorchError) -> [Tensor] {
    try Op.sqrt.all(.tensors(tensors))
  }

  /// a + scale · b · c
  static func addingProduct(_ a: [Tensor], _ b: [Tensor], _ c: [Tensor], scale: Double) throws(TorchError)
    -> [Tensor]
  {
    try Op.addcmul.all(.tensors(a), .tensors(b), .tensors(c), .double(scale))
  }

  /// tensors ← factor · tensors
  static func scale(_ tensors: [Tensor], by factor: Double) throws(TorchError) {
    _ = try Op.mulInPlace.all(.tensors(tensors), .double(factor))
  }

  /// tensors ← tensors + number
  static func add(_ number: Double, to tensors: [Tensor]) throws(TorchError) {
    _ = try Op.addScalarInPlace.all(.tensors(tensors), .double(number))
  }

  /// tensors ← tensors + scale · others
  static func add(_ others: [Tensor], scale: Double, to tensors: [Tensor]) throws(TorchError) {
    _ = try Op.addInPlace.all(.tensors(tensors), .tensors(others), .double(scale))
  }

  /// tensors ← tensors + scale · a · b
  static func addProduct(_ a: [Tensor], _ b: [Tensor], scale: Double, to tensors: [Tensor]) throws(TorchError)
  {
    _ = try Op.addcmulInPlace.all(.tensors(tensors), .tensors(a), .tensors(b), .double(scale))
  }

  /// tensors ← tensors + scale · a / b
  static func addQuotient(_ a: [Tensor], _ b: [Tensor], scale: Double, to tensors: [Tensor])
    throws(TorchError)
  {
    _ = try Op.addcdivInPlace.all(.tensors(tensors), .tensors(a), .tensors(b), .double(scale))
  }

  /// tensors ← tensors + weight · (targets - tensors)
  static func move(_ tensors: [Tensor], towards targets: [Tensor], by weight: Double) throws(TorchError) {
    _ = try Op.lerpInPlace.all(.tensors(tensors), .tensors(targets), .double(weight))
  }

  private enum Op {
    static let norm = Operator("_foreach_norm.Scalar")
    static let mul = Operator("_foreach_mul.Scalar")
    static let add = Operator("_foreach_add.List")
    static let sqrt = Operator("_foreach_sqrt")
    static let addcmul = Operator("_foreach_addcmul.Scalar")
    static let mulInPlace = Operator("_foreach_mul_.Scalar")
    static let addScalarInPlace = Operator("_foreach_add_.Scalar")
    static let addInPlace = Operator("_foreach_add_.List")
    static let addcmulInPlace = Operator("_foreach_addcmul_.Scalar")
    static let addcdivInPlace = Operator("_foreach_addcdiv_.Scalar")
    static let lerpInPlace = Operator("_foreach_lerp_.Scalar")
  }
}
