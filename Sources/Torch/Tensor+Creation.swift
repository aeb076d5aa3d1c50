extension Tensor {
  /// A vector of the given elements, or a tensor of `shape` filled with them in row-major order.
  public init<Element: TensorElement>(
    _ elements: [Element], shape: [Int]? = nil
  ) throws(TorchError) {
    let shape = shape ?? [elements.count]
    guard shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, *) == elements.count else {
      throw TorchError(
        operation: "tensor", shapes: [shape], message: "\(elements.count) elements do not fill it")
    }
    var made: Result<Handle, TorchError>?
    elements.withUnsafeBytes { bytes in
      do throws(TorchError) {
        made = .success(try Handle.copying(bytes, shape: shape, dtype: Element.dataType))
      } catch {
        made = .failure(error)
      }
    }
    guard let made else { throw TorchError(operation: "tensor", message: "was not made") }
    self.init(try made.get())
  }

  /// A scalar.
  public init<Element: TensorElement>(_ element: Element) throws(TorchError) {
    try self.init([element], shape: [])
  }

  /// A copy of bytes that hold elements of `dtype` in row-major order and in this machine's byte order.
  public init(
    bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DataType
  ) throws(TorchError) {
    try Tensor.check(bytes.count, fills: shape, of: dtype)
    self.init(try Handle.copying(bytes, shape: shape, dtype: dtype))
  }

  /// A tensor over memory that `owner` keeps alive, such as a mapped file; nothing is copied.
  public init(
    sharing bytes: UnsafeRawBufferPointer, owner: AnyObject, shape: [Int], dtype: DataType
  ) throws(TorchError) {
    try Tensor.check(bytes.count, fills: shape, of: dtype)
    guard let base = bytes.baseAddress, !bytes.isEmpty else {
      self = try Tensor.zeros(shape, dtype)
      return
    }
    self.init(try Handle.wrapping(base, owner: owner, shape: shape, dtype: dtype))
  }

  private static func check(
    _ bytes: Int, fills shape: [Int], of dtype: DataType
  ) throws(TorchError) {
    var needed = dtype.size
    for size in shape {
      let (product, overflow) = needed.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else {
        throw TorchError(operation: "tensor", shapes: [shape], message: "is no possible shape")
      }
      needed = product
    }
    guard needed == bytes else {
      throw TorchError(
        operation: "tensor", shapes: [shape],
        message: "\(bytes) bytes do not fill it with \(dtype): it needs \(needed)")
    }
  }

  /// All zeros.
  public static func zeros(
    _ shape: [Int], _ dtype: DataType = .float32, on device: Device = .cpu
  ) throws(TorchError) -> Tensor { try full(shape, 0, dtype, on: device) }

  /// All ones.
  public static func ones(
    _ shape: [Int], _ dtype: DataType = .float32, on device: Device = .cpu
  ) throws(TorchError) -> Tensor { try full(shape, 1, dtype, on: device) }

  /// One number everywhere.
  public static func full(
    _ shape: [Int], _ number: Double, _ dtype: DataType = .float32, on device: Device = .cpu
  ) throws(TorchError) -> Tensor {
    try Op.full(
      .ints(shape), .double(number), .type(dtype), .none, .string(device.description), .bool(false))
  }

  /// `start`, `start + step`, … below `end`, as int64.
  public static func range(
    _ range: Range<Int>, step: Int = 1, on device: Device = .cpu
  ) throws(TorchError) -> Tensor {
    try Op.arange(
      .int(range.lowerBound), .int(range.upperBound), .int(step), .type(.int64), .none,
      .string(device.description), .bool(false))
  }

  /// The identity matrix, `[n, n]`.
  public static func identity(
    _ n: Int, _ dtype: DataType = .float32, on device: Device = .cpu
  ) throws(TorchError) -> Tensor {
    try Op.eye(.int(n), .type(dtype), .none, .string(device.description), .bool(false))
  }

  /// Zeros of this tensor's shape, type and device.
  public func zerosLike() throws(TorchError) -> Tensor { try Op.zerosLike(.tensor(self)) }

  /// Ones of this tensor's shape, type and device.
  public func onesLike() throws(TorchError) -> Tensor { try Op.onesLike(.tensor(self)) }

  private enum Op {
    static let full = Operator("full")
    static let arange = Operator("arange.start_step")
    static let eye = Operator("eye")
    static let zerosLike = Operator("zeros_like")
    static let onesLike = Operator("ones_like")
  }
}
