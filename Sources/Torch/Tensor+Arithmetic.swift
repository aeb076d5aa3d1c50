// Element-wise arithmetic with broadcasting, and matrix products.

extension Tensor {
  public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.add(.tensor(a), .tensor(b))
  }
  public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.sub(.tensor(a), .tensor(b))
  }
  public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.mul(.tensor(a), .tensor(b))
  }
  public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
    try Op.div(.tensor(a), .tensor(b))
  }
  public static func + (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.addScalar(.tensor(a), .double(b))
  }
  public static func - (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.addScalar(.tensor(a), .double(-b))
  }
  public static func * (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.mulScalar(.tensor(a), .double(b))
  }
  public static func / (a: Tensor, b: Double) throws(TorchError) -> Tensor {
    try Op.divScalar(.tensor(a), .double(b))
  }
  public static func + (a: Double, b: Tensor) throws(TorchError) -> Tensor { try b + a }
  public static func - (a: Double, b: Tensor) throws(TorchError) -> Tensor {
    try Op.rsub(.tensor(b), .double(a))
  }
  public static func * (a: Double, b: Tensor) throws(TorchError) -> Tensor { try b * a }
  public static func / (a: Double, b: Tensor) throws(TorchError) -> Tensor {
    try b.reciprocal() * a
  }
  public static prefix func - (a: Tensor) throws(TorchError) -> Tensor { try Op.neg(.tensor(a)) }

  public static func += (a: inout Tensor, b: Tensor) throws(TorchError) { a = try a + b }
  public static func -= (a: inout Tensor, b: Tensor) throws(TorchError) { a = try a - b }
  public static func *= (a: inout Tensor, b: Tensor) throws(TorchError) { a = try a * b }
  public static func /= (a: inout Tensor, b: Tensor) throws(TorchError) { a = try a / b }

  /// Product of matrices, batches of matrices, or vectors, as NumPy's `@`.
  public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
    try Op.matmul(.tensor(self), .tensor(other))
  }

  /// `self + scale · a·b`, for `a` `[n, k]` and `b` `[k, m]`, in one pass.
  public func addingProduct(
    _ a: Tensor, _ b: Tensor, scale: Double = 1, keeping: Double = 1
  ) throws(TorchError) -> Tensor {
    try Op.addmm(.tensor(self), .tensor(a), .tensor(b), .double(keeping), .double(scale))
  }

  public func exp() throws(TorchError) -> Tensor { try Op.exp(.tensor(self)) }
  public func log() throws(TorchError) -> Tensor { try Op.log(.tensor(self)) }
  /// log(1 + x), exact for small x.
  public func log1p() throws(TorchError) -> Tensor { try Op.log1p(.tensor(self)) }
  /// exp(x) - 1, exact for small x.
  public func expm1() throws(TorchError) -> Tensor { try Op.expm1(.tensor(self)) }
  public func squareRoot() throws(TorchError) -> Tensor { try Op.sqrt(.tensor(self)) }
  /// 1 / √x.
  public func inverseSquareRoot() throws(TorchError) -> Tensor { try Op.rsqrt(.tensor(self)) }
  public func reciprocal() throws(TorchError) -> Tensor { try Op.reciprocal(.tensor(self)) }
  public func squared() throws(TorchError) -> Tensor { try Op.square(.tensor(self)) }
  /// Absolute values.
  public func magnitude() throws(TorchError) -> Tensor { try Op.abs(.tensor(self)) }
  public func sign() throws(TorchError) -> Tensor { try Op.sign(.tensor(self)) }
  public func rounded() throws(TorchError) -> Tensor { try Op.round(.tensor(self)) }
  public func floor() throws(TorchError) -> Tensor { try Op.floor(.tensor(self)) }
  public func sin() throws(TorchError) -> Tensor { try Op.sin(.tensor(self)) }
  public func cos() throws(TorchError) -> Tensor { try Op.cos(.tensor(self)) }
  public func tanh() throws(TorchError) -> Tensor { try Op.tanh(.tensor(self)) }
  public func sinh() throws(TorchError) -> Tensor { try Op.sinh(.tensor(self)) }
  public func asinh() throws(TorchError) -> Tensor { try Op.asinh(.tensor(self)) }
  public func sigmoid() throws(TorchError) -> Tensor { try Op.sigmoid(.tensor(self)) }
  /// log σ(x).
  public func logSigmoid() throws(TorchError) -> Tensor { try Op.logSigmoid(.tensor(self)) }
  /// max(x, 0).
  public func relu() throws(TorchError) -> Tensor { try Op.relu(.tensor(self)) }
  /// x where positive, `slope`·x elsewhere.
  public func leakyReLU(slope: Double = 0.01) throws(TorchError) -> Tensor {
    try Op.leakyReLU(.tensor(self), .double(slope))
  }
  /// Gaussian error linear unit, exact form.
  public func gelu() throws(TorchError) -> Tensor { try Op.gelu(.tensor(self)) }
  /// Gaussian error linear unit by tanh.
  public func geluByTanh() throws(TorchError) -> Tensor {
    try Op.gelu(.tensor(self), .string("tanh"))
  }
  /// log(1 + exp(x)).
  public func softplus() throws(TorchError) -> Tensor { try Op.softplus(.tensor(self)) }
  public func power(_ exponent: Double) throws(TorchError) -> Tensor {
    try Op.pow(.tensor(self), .double(exponent))
  }

  /// Numbers below `lower` become `lower`, above `upper` become `upper`.
  public func clamped(
    from lower: Double? = nil, to upper: Double? = nil
  ) throws(TorchError) -> Tensor {
    try Op.clamp(.tensor(self), .optional(lower), .optional(upper))
  }

  /// The larger of each pair.
  public func maximum(_ other: Tensor) throws(TorchError) -> Tensor {
    try Op.maximum(.tensor(self), .tensor(other))
  }
  /// The smaller of each pair.
  public func minimum(_ other: Tensor) throws(TorchError) -> Tensor {
    try Op.minimum(.tensor(self), .tensor(other))
  }

  /// exp(x) / Σ exp(x) along a dimension.
  public func softmax(along dimension: Int) throws(TorchError) -> Tensor {
    try Op.softmax(.tensor(self), .int(dimension), .none)
  }
  /// x - log Σ exp(x) along a dimension.
  public func logSoftmax(along dimension: Int) throws(TorchError) -> Tensor {
    try Op.logSoftmax(.tensor(self), .int(dimension), .none)
  }

  private enum Op {
    static let add = Operator("add.Tensor")
    static let sub = Operator("sub.Tensor")
    static let mul = Operator("mul.Tensor")
    static let div = Operator("div.Tensor")
    static let addScalar = Operator("add.Scalar")
    static let mulScalar = Operator("mul.Scalar")
    static let divScalar = Operator("div.Scalar")
    static let rsub = Operator("rsub.Scalar")
    static let neg = Operator("neg")
    static let matmul = Operator("matmul")
    static let addmm = Operator("addmm")
    static let exp = Operator("exp")
    static let log = Operator("log")
    static let log1p = Operator("log1p")
    static let expm1 = Operator("expm1")
    static let sqrt = Operator("sqrt")
    static let rsqrt = Operator("rsqrt")
    static let reciprocal = Operator("reciprocal")
    static let square = Operator("square")
    static let abs = Operator("abs")
    static let sign = Operator("sign")
    static let round = Operator("round")
    static let floor = Operator("floor")
    static let sin = Operator("sin")
    static let cos = Operator("cos")
    static let tanh = Operator("tanh")
    static let sinh = Operator("sinh")
    static let asinh = Operator("asinh")
    static let sigmoid = Operator("sigmoid")
    static let logSigmoid = Operator("log_sigmoid")
    static let relu = Operator("relu")
    static let leakyReLU = Operator("leaky_relu")
    static let gelu = Operator("gelu")
    static let softplus = Operator("softplus")
    static let pow = Operator("pow.Tensor_Scalar")
    static let clamp = Operator("clamp")
    static let maximum = Operator("maximum")
    static let minimum = Operator("minimum")
    static let softmax = Operator("softmax.int")
    static let logSoftmax = Operator("log_softmax.int")
  }
}
