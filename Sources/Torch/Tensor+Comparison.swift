// Comparisons give bool tensors; logic on them; choice by mask.

extension Tensor {
  public static func .== (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.eq(.tensor(a), .tensor(b))
  }
  public static func .!= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.ne(.tensor(a), .tensor(b))
  }
  public static func .> (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.gt(.tensor(a), .tensor(b))
  }
  public static func .>= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.ge(.tensor(a), .tensor(b))
  }
  public static func .< (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.lt(.tensor(a), .tensor(b))
  }
  public static func .<= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.le(.tensor(a), .tensor(b))
  }
  public static func .== (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.eqScalar(.tensor(a), .double(b))
  }
  public static func .!= (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.neScalar(.tensor(a), .double(b))
  }
  public static func .> (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.gtScalar(.tensor(a), .double(b))
  }
  public static func .>= (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.geScalar(.tensor(a), .double(b))
  }
  public static func .< (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.ltScalar(.tensor(a), .double(b))
  }
  public static func .<= (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.leScalar(.tensor(a), .double(b))
  }

  /// Element-wise and of bool tensors.
  public func and(_ other: Tensor) throws(TorchError) -> Tensor {
    try Op.and(.tensor(self), .tensor(other))
  }
  /// Element-wise or of bool tensors.
  public func or(_ other: Tensor) throws(TorchError) -> Tensor {
    try Op.or(.tensor(self), .tensor(other))
  }
  /// Element-wise not of a bool tensor.
  public func not() throws(TorchError) -> Tensor { try Op.not(.tensor(self)) }

  /// Where the number is neither NaN nor infinite.
  public func isFinite() throws(TorchError) -> Tensor { try Op.isFinite(.tensor(self)) }

  /// Where the number is NaN.
  public func isNaN() throws(TorchError) -> Tensor { try Op.isNaN(.tensor(self)) }

  /// Whether any element is true (or not zero).
  public func any() throws(TorchError) -> Bool { try Op.any(.tensor(self)).item(as: Bool.self) }
  /// Whether all elements are true (or not zero).
  public func all() throws(TorchError) -> Bool { try Op.all(.tensor(self)).item(as: Bool.self) }
  /// Whether any element is true along a dimension.
  public func any(along dimension: Int) throws(TorchError) -> Tensor {
    try Op.anyAlong(.tensor(self), .int(dimension))
  }

  /// Whether every element differs by at most `absolute + relative · |other|`; NaN equals nothing.
  public func isClose(to other: Tensor, relative: Double = 0, absolute: Double = 0)
    throws(TorchError) -> Bool
  { try Op.isClose(.tensor(self), .tensor(other), .double(relative), .double(absolute)).all() }

  /// `number` where `mask` is true, this tensor's element elsewhere.
  public func masked(with mask: Tensor, fill number: Double) throws(TorchError) -> Tensor {
    try Op.maskedFill(.tensor(self), .tensor(mask), .double(number))
  }

  /// This tensor's element where `condition` is true, `other`'s elsewhere.
  public func chosen(where condition: Tensor, otherwise other: Tensor) throws(TorchError) -> Tensor {
    try Op.choose(.tensor(condition), .tensor(self), .tensor(other))
  }

  private enum Op {
    static let eq = Operator("eq.Tensor")
    static let ne = Operator("ne.Tensor")
    static let gt = Operator("gt.Tensor")
    static let ge = Operator("ge.Tensor")
    static let lt = Operator("lt.Tensor")
    static let le = Operator("le.Tensor")
    static let eqScalar = Operator("eq.Scalar")
    static let neScalar = Operator("ne.Scalar")
    static let gtScalar = Operator("gt.Scalar")
    static let geScalar = Operator("ge.Scalar")
    static let ltScalar = Operator("lt.Scalar")
    static let leScalar = Operator("le.Scalar")
    static let and = Operator("logical_and")
    static let or = Operator("logical_or")
    static let not = Operator("logical_not")
    static let isFinite = Operator("isfinite")
    static let isNaN = Operator("isnan")
    static let any = Operator("any")
    static let all = Operator("all")
    static let anyAlong = Operator("any.dim")
    static let isClose = Operator("isclose")
    static let maskedFill = Operator("masked_fill.Scalar")
    static let choose = Operator("where.self")
  }
}
