import CTorch

/// An array of numbers of any shape, on the cpu or an accelerator.
///
/// A value: no operation changes the elements of an existing tensor. Operations that libtorch can refuse
/// throw ``TorchError``; one `try` covers a whole expression: `try x.matmul(w).softmax(along: -1)`.
/// Dimensions may be counted from the end (`-1` is the last).
public struct Tensor: Sendable {
  var handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  /// Sizes of the dimensions; empty for a scalar.
  public var shape: [Int] { handle.shape }
  /// Elements between neighbors along each dimension.
  public var strides: [Int] { handle.strides }
  /// Number of dimensions.
  public var rank: Int { Int(handle.info.dimensions) }
  /// Number of elements.
  public var count: Int { Int(handle.info.count) }
  /// Type of the elements.
  public var dtype: DataType { DataType(rawValue: handle.info.dtype) ?? .float32 }
  /// Where the elements are.
  public var device: Device {
    let info = handle.info
    return Device(
      kind: Device.Kind(rawValue: info.device_type) ?? .cpu,
      index: info.device_index < 0 ? nil : Int(info.device_index))
  }
  /// Whether elements lie in row-major order without gaps.
  public var isContiguous: Bool { handle.info.contiguous }

  /// Size along one dimension.
  public func size(along dimension: Int) -> Int {
    let shape = shape
    return shape[dimension < 0 ? shape.count + dimension : dimension]
  }

  /// Tensors that exist now in the process: returns to its start value when nothing leaks.
  public static var liveCount: Int { Int(ct_live_count()) }
}

// MARK: - Reading

extension Tensor {
  /// All elements in row-major order, converted to `Element`.
  public func values<Element: TensorElement>(
    as type: Element.Type = Element.self
  ) throws(TorchError) -> [Element] {
    let source = dtype == Element.dataType ? self : try to(Element.dataType)
    let wanted = source.count
    var failed = false
    let result = [Element](unsafeUninitializedCapacity: wanted) { buffer, initialized in
      failed = !source.handle.read(
        into: UnsafeMutableRawBufferPointer(
          start: buffer.baseAddress, count: wanted * Element.dataType.size))
      if failed { buffer.initialize(repeating: .zero) }
      initialized = wanted
    }
    if failed { throw lastError("values", [self]) }
    return result
  }

  /// The only element.
  public func item<Element: TensorElement>(
    as type: Element.Type = Double.self
  ) throws(TorchError) -> Element {
    let all = try values(as: type)
    guard all.count == 1 else {
      throw TorchError(
        operation: "item", shapes: [shape], message: "expected one element, found \(all.count)")
    }
    return all[0]
  }

  /// The elements as bytes in row-major order, as files hold them.
  public func bytes() throws(TorchError) -> [UInt8] {
    let wanted = count * dtype.size
    var failed = false
    let result = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
      failed = !handle.read(into: UnsafeMutableRawBufferPointer(buffer))
      initialized = wanted
    }
    if failed { throw lastError("bytes", [self]) }
    return result
  }

  /// The memory of a contiguous tensor on the cpu, without a copy, while `body` runs.
  ///
  /// - Throws: ``TorchError`` when the tensor is elsewhere or has gaps; whatever `body` throws.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    // One without elements has no memory.
    if count == 0 { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return try handle.withData { pointer in
      guard let pointer, isContiguous else {
        throw TorchError(
          operation: "bytes", shapes: [shape], message: "needs a contiguous tensor on the cpu")
      }
      return try body(UnsafeRawBufferPointer(start: pointer, count: count * dtype.size))
    }
  }
}

// MARK: - Conversion

extension Tensor {
  /// The same numbers as another type; the tensor itself when it has that type.
  public func to(_ dtype: DataType) throws(TorchError) -> Tensor {
    dtype == self.dtype ? self : Tensor(try handle.to(device, dtype))
  }

  /// The same numbers on another device; the tensor itself when it is there.
  public func to(_ device: Device) throws(TorchError) -> Tensor {
    device == self.device ? self : Tensor(try handle.to(device, dtype))
  }

  /// Row-major without gaps; the tensor itself when it is so.
  public func contiguous() throws(TorchError) -> Tensor {
    isContiguous ? self : try Op.contiguous(.tensor(self))
  }

  /// The same elements in memory of their own.
  public func copied() throws(TorchError) -> Tensor { try Op.clone(.tensor(self)) }

  private enum Op {
    static let contiguous = Operator("contiguous")
    static let clone = Operator("clone")
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    let shown = (try? Array(self.flattened().values(as: Double.self).prefix(8))) ?? []
    let numbers = shown.map { "\($0)" }.joined(separator: ", ")
    return "\(dtype)\(shape) [\(numbers)\(count > shown.count ? ", …" : "")]"
  }
}
