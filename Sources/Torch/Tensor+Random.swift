// Random tensors. Every one takes an explicit generator.

extension Tensor {
  /// Standard normal numbers.
  public static func normal(
    _ shape: [Int], _ dtype: DataType = .float32, using generator: Generator,
    on device: Device = .cpu
  ) throws(TorchError) -> Tensor {
    try Op.normal(
      .ints(shape), .generator(generator), .type(dtype), .none, .string(device.description),
      .bool(false))
  }

  /// Numbers uniform in `range`, the upper bound excluded.
  public static func uniform(
    _ shape: [Int], in range: Range<Double> = 0..<1, _ dtype: DataType = .float32,
    using generator: Generator, on device: Device = .cpu
  ) throws(TorchError) -> Tensor {
    let unit = try Op.uniform(
      .ints(shape), .generator(generator), .type(dtype), .none, .string(device.description),
      .bool(false))
    if range == 0..<1 { return unit }
    return try unit * (range.upperBound - range.lowerBound) + range.lowerBound
  }

  /// Numbers of the gamma distributions of scale 1 whose shapes, above 0, this tensor has.
  public func gamma(using generator: Generator) throws(TorchError) -> Tensor {
    try Op.gamma(.tensor(self), .generator(generator))
  }

  /// The numbers `0 ..< n` in random order, int64.
  public static func permutation(_ n: Int, using generator: Generator) throws(TorchError) -> Tensor {
    try Op.permutation(.int(n), .generator(generator), .type(.int64))
  }

  /// Whole numbers uniform in `range`, int64.
  public static func integers(
    in range: Range<Int>, _ shape: [Int], using generator: Generator
  ) throws(TorchError) -> Tensor {
    try Op.integers(
      .int(range.lowerBound), .int(range.upperBound), .ints(shape), .generator(generator),
      .type(.int64))
  }

  /// 1 with the probability that this tensor's element gives, else 0.
  public func bernoulli(using generator: Generator) throws(TorchError) -> Tensor {
    try Op.bernoulli(.tensor(self), .generator(generator))
  }

  /// `count` indices drawn with the probabilities that the last dimension gives, int64.
  public func multinomial(_ count: Int, replacing: Bool = false, using generator: Generator)
    throws(TorchError) -> Tensor
  { try Op.multinomial(.tensor(self), .int(count), .bool(replacing), .generator(generator)) }

  private enum Op {
    static let normal = Operator("randn.generator")
    static let uniform = Operator("rand.generator")
    static let gamma = Operator("_standard_gamma")
    static let permutation = Operator("randperm.generator")
    static let integers = Operator("randint.low_generator")
    static let bernoulli = Operator("bernoulli")
    static let multinomial = Operator("multinomial")
  }
}
