import CTorch

/// Owns one tensor of libtorch. The only file that sees the raw pointer.
///
/// Swift may release an object right after its last use, before the C call that got its pointer has
/// run: every function here keeps its operands alive with `withExtendedLifetime` until C has returned.
///
/// `@unchecked Sendable`: a tensor's reference count is atomic and no public operation writes to its
/// memory; in-place work exists only inside `Torch` on tensors that their owner alone holds (parameters
/// in an optimizer step).
final class Handle: @unchecked Sendable {
  fileprivate let pointer: ct_tensor

  fileprivate init(_ pointer: ct_tensor) { self.pointer = pointer }

  deinit { ct_tensor_free(pointer) }
}

/// What libtorch said of this thread's last failure.
func lastError(_ operation: String, _ tensors: [Tensor] = []) -> TorchError {
  TorchError(
    operation: operation, shapes: tensors.map(\.shape), message: String(cString: ct_last_error()))
}

// MARK: - Operators

/// Calls an operator of libtorch and returns the tensors among its results.
func invoke(_ op: Operator, _ arguments: [Value]) throws(TorchError) -> [Tensor] {
  guard let pointer = op.pointer else {
    throw TorchError(operation: op.name, message: "this libtorch has no such operator")
  }
  var pools = Pools()
  let values = arguments.map { pools.value(of: $0) }
  let count = withExtendedLifetime(arguments) {
    values.withUnsafeBufferPointer { values in
      pools.withPointers { ct_call(pointer, values.baseAddress, Int64(values.count), $0) }
    }
  }
  guard count >= 0 else {
    let operands = arguments.flatMap { argument -> [Tensor] in
      switch argument {
      case .tensor(let tensor): [tensor]
      case .tensors(let tensors): tensors.compactMap { $0 }
      default: []
      }
    }
    throw lastError(op.name, operands)
  }
  guard count > 0, let results = ct_results() else { return [] }
  var tensors: [Tensor] = []
  tensors.reserveCapacity(Int(count))
  for result in UnsafeBufferPointer(start: results, count: Int(count)) where result.tag == Int32(CT_TENSOR) {
    tensors.append(Tensor(Handle(ct_tensor(result.pointer))))
  }
  return tensors
}

/// The lists among the arguments of one call, each kind end to end.
private struct Pools {
  var ints: [Int64] = []
  var tensors: [ct_tensor?] = []
  var bytes: [CChar] = []

  mutating func value(of argument: Value) -> ct_value {
    var value = ct_value()
    switch argument {
    case .none:
      value.tag = Int32(CT_NONE)
    case .tensor(let tensor):
      value.tag = Int32(CT_TENSOR)
      value.pointer = UnsafeMutableRawPointer(tensor.handle.pointer)
    case .int(let number):
      value.tag = Int32(CT_INT)
      value.integer = Int64(number)
    case .double(let number):
      value.tag = Int32(CT_DOUBLE)
      value.number = number
    case .bool(let flag):
      value.tag = Int32(CT_BOOL)
      value.integer = flag ? 1 : 0
    case .string(let text):
      value = list(CT_STRING, at: bytes.count, count: text.utf8.count)
      bytes.append(contentsOf: text.utf8.map { CChar(bitPattern: $0) })
    case .ints(let numbers):
      value = list(CT_INTS, at: ints.count, count: numbers.count)
      ints.append(contentsOf: numbers.lazy.map(Int64.init))
    case .tensors(let list):
      value = self.list(CT_TENSORS, at: tensors.count, count: list.count)
      tensors.append(contentsOf: list.lazy.map { $0?.handle.pointer })
    case .generator(let generator):
      value.tag = Int32(CT_GENERATOR)
      value.pointer = UnsafeMutableRawPointer(generator.pointer)
    }
    return value
  }

  private func list(_ tag: Int, at start: Int, count: Int) -> ct_value {
    var value = ct_value()
    value.tag = Int32(tag)
    value.integer = Int64(start)
    value.count = Int64(count)
    return value
  }

  func withPointers(_ body: (ct_pools) -> Int64) -> Int64 {
    ints.withUnsafeBufferPointer { ints in
      tensors.withUnsafeBufferPointer { tensors in
        bytes.withUnsafeBufferPointer { bytes in
          body(ct_pools(ints: ints.baseAddress, tensors: tensors.baseAddress, bytes: bytes.baseAddress))
        }
      }
    }
  }
}

// MARK: - Making and reading

extension Handle {
  /// A copy of memory.
  static func copying(
    _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DataType
  ) throws(TorchError) -> Handle {
    let sizes = shape.map(Int64.init)
    let made = ct_tensor_copy(bytes.baseAddress, sizes, Int64(sizes.count), dtype.rawValue)
    guard let made else { throw lastError("tensor") }
    return Handle(made)
  }

  /// A view of memory that `owner` keeps alive.
  static func wrapping(
    _ bytes: UnsafeRawPointer, owner: AnyObject, shape: [Int], dtype: DataType
  ) throws(TorchError) -> Handle {
    let sizes = shape.map(Int64.init)
    let context = Unmanaged.passRetained(owner).toOpaque()
    let made = ct_tensor_wrap(
      bytes, sizes, Int64(sizes.count), dtype.rawValue,
      { context in if let context { Unmanaged<AnyObject>.fromOpaque(context).release() } }, context)
    guard let made else { throw lastError("tensor") }
    return Handle(made)
  }

  var info: ct_info { withExtendedLifetime(self) { ct_tensor_info(pointer) } }

  var shape: [Int] { sizes(ct_tensor_sizes) }
  var strides: [Int] { sizes(ct_tensor_strides) }

  private func sizes(_ read: (ct_tensor, UnsafeMutablePointer<Int64>) -> Void) -> [Int] {
    let count = Int(info.dimensions)
    guard count > 0 else { return [] }
    return withExtendedLifetime(self) {
      withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { sizes in
        sizes.initialize(repeating: 0)
        if let base = sizes.baseAddress { read(pointer, base) }
        return sizes.map(Int.init)
      }
    }
  }

  func read(into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    withExtendedLifetime(self) { ct_tensor_read(pointer, bytes.baseAddress, Int64(bytes.count)) }
  }

  /// The memory of a contiguous tensor on the cpu, for as long as `body` runs.
  func withData<Result>(_ body: (UnsafeRawPointer?) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(ct_tensor_data(pointer)) }
  }

  /// The raw pointer for a C call that takes no part in operators.
  func withPointer<Result>(_ body: (ct_tensor) -> Result) -> Result {
    withExtendedLifetime(self) { body(pointer) }
  }

  /// The raw pointers of several tensors, likewise.
  static func withPointers<Result>(_ handles: [Handle], _ body: ([ct_tensor?]) -> Result) -> Result {
    withExtendedLifetime(handles) { body(handles.map { $0.pointer }) }
  }

  /// The tensor that a typed C function makes of others.
  static func made(
    _ operation: String, _ tensors: [Tensor], _ body: ([ct_tensor?]) -> ct_tensor?
  ) throws(TorchError) -> Handle {
    guard let made = withPointers(tensors.map(\.handle), body) else { throw lastError(operation, tensors) }
    return Handle(made)
  }

  func to(_ device: Device, _ dtype: DataType) throws(TorchError) -> Handle {
    let moved = withExtendedLifetime(self) {
      ct_tensor_to(pointer, device.kind.rawValue, Int32(device.index ?? -1), dtype.rawValue)
    }
    guard let moved else { throw lastError("to") }
    return Handle(moved)
  }

  /// Whether no other tensor shares the memory and nobody else gave it, so that it may be written to.
  var ownsMemory: Bool { withExtendedLifetime(self) { ct_tensor_owns_memory(pointer) } }

  /// Replaces the elements in place, outside of any graph.
  func assign(_ source: Handle) throws(TorchError) {
    let done = withExtendedLifetime((self, source)) { ct_assign(pointer, source.pointer) }
    guard done else { throw lastError("assign") }
  }
}

// MARK: - Gradients

extension Handle {
  func setRequiresGradient(_ on: Bool) throws(TorchError) {
    let done = withExtendedLifetime(self) { ct_set_requires_grad(pointer, on) }
    guard done else { throw lastError("requires gradient") }
  }

  var gradient: Handle? { withExtendedLifetime(self) { ct_grad(pointer) }.map(Handle.init) }

  func setGradient(_ gradient: Handle?) throws(TorchError) {
    let done = withExtendedLifetime((self, gradient)) { ct_set_grad(pointer, gradient?.pointer) }
    guard done else { throw lastError("gradient") }
  }

  func backward(_ gradient: Handle?, retainGraph: Bool, createGraph: Bool) throws(TorchError) {
    let done = withExtendedLifetime((self, gradient)) {
      ct_backward(pointer, gradient?.pointer, retainGraph, createGraph)
    }
    guard done else { throw lastError("backward") }
  }

  static func gradients(
    of outputs: [Handle], weights: [Handle]?, by inputs: [Handle], retainGraph: Bool,
    createGraph: Bool
  ) throws(TorchError) -> [Handle?] {
    var found = [ct_tensor?](repeating: nil, count: inputs.count)
    let done = withExtendedLifetime((outputs, weights, inputs)) {
      ct_gradients(
        outputs.map { $0.pointer }, weights.map { $0.map { $0.pointer } }, Int64(outputs.count),
        inputs.map { $0.pointer }, Int64(inputs.count), retainGraph, createGraph, &found)
    }
    guard done else { throw lastError("gradients") }
    return found.map { $0.map(Handle.init) }
  }
}

// MARK: - Random state

/// A stream of random numbers, fixed by its seed.
///
/// Every random choice of this library takes one; there is no hidden global state.
/// `@unchecked Sendable`: libtorch locks a generator while it draws.
public final class Generator: @unchecked Sendable {
  fileprivate let pointer: ct_generator
  /// Where the tensors are that it fills.
  public let device: Device

  /// A generator for tensors on `device`.
  public init(seed: UInt64, device: Device = .cpu) throws(TorchError) {
    guard let made = ct_generator_new(device.kind.rawValue, Int32(device.index ?? -1), seed) else {
      throw lastError("generator")
    }
    pointer = made
    self.device = device
  }

  deinit { ct_generator_free(pointer) }

  /// Where in its stream the generator is: uint8, written to checkpoints.
  public var state: Tensor {
    get throws(TorchError) {
      guard let state = withExtendedLifetime(self, { ct_generator_state(pointer) }) else {
        throw lastError("generator state")
      }
      return Tensor(Handle(state))
    }
  }

  /// Continues the stream at a state that ``state`` gave.
  public func restore(_ state: Tensor) throws(TorchError) {
    let done = withExtendedLifetime((self, state)) {
      ct_generator_set_state(pointer, state.handle.pointer)
    }
    guard done else { throw lastError("generator state") }
  }
}
