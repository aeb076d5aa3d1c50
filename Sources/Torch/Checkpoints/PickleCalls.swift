/// The calls of a pickle that only describe data, by name. No other name means anything here.
enum PickleCalls {
  /// Types of storages by the name of their class; others are bytes without a type.
  static let storageTypes: [String: DataType] = [
    "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
  ]

  /// What a call gives.
  static func result(of callee: PickleValue, _ arguments: [PickleValue]) throws -> PickleValue {
    guard case .global(let name) = callee else {
      return .object(PickleObject("a call of a value", arguments))
    }
    switch name {
    case "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict":
      return .dictionary(dictionary(of: arguments))
    case "argparse.Namespace", "types.SimpleNamespace":
      return .dictionary(PickleDictionary())
    case "builtins.set", "__builtin__.set", "builtins.frozenset", "builtins.list", "builtins.tuple",
      "torch.Size":
      return .list(of: arguments.first?.elements ?? [])
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
      return tensor(arguments) ?? .object(PickleObject(name, arguments))
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
      "torch.nn.parameter.Parameter":
      return arguments.first ?? .object(PickleObject(name))
    case "_codecs.encode":
      // Python 3 writes bytes for older readers as text in Latin-1.
      guard let text = arguments.first?.string else { return .object(PickleObject(name, arguments)) }
      return .bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar":
      return numpyScalar(arguments) ?? .object(PickleObject(name, arguments))
    case "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer":
      // (bytes, dtype, shape, order), as protocol 5 has arrays.
      guard arguments.count == 4 else { return .object(PickleObject(name, arguments)) }
      let isFortran = PickleValue.int(arguments[3].string == "F" ? 1 : 0)
      let state = PickleValue.list(of: [.int(1), arguments[2], arguments[1], isFortran, arguments[0]])
      return numpyArray(state) ?? .object(PickleObject(name, arguments))
    default:
      return .object(PickleObject(name, arguments))
    }
  }

  /// What an object becomes when it is given its state.
  static func built(_ value: PickleValue, _ state: PickleValue) throws -> PickleValue {
    switch value {
    case .dictionary(let dictionary):
      // A namespace's members; what an ordered dictionary carries beside its pairs is of no use.
      if case .dictionary(let members) = state, dictionary.pairs.isEmpty { dictionary.pairs = members.pairs }
      return value
    case .object(let object):
      object.state = state
      let isArray = object.name.hasSuffix("multiarray._reconstruct") && object.name.hasPrefix("numpy.")
      return isArray ? numpyArray(state) ?? value : value
    default:
      return value
    }
  }

  private static func dictionary(of arguments: [PickleValue]) -> PickleDictionary {
    let dictionary = PickleDictionary()
    for pair in arguments.last?.elements ?? [] {
      if let parts = pair.elements, parts.count == 2 { dictionary.pairs.append((parts[0], parts[1])) }
    }
    return dictionary
  }

  private static func tensor(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], let offset = arguments[1].int,
      let shape = numbers(arguments[2]), let strides = numbers(arguments[3]), shape.count == strides.count
    else { return nil }
    return .tensor(PickledTensor(source: .storage(storage), offset: offset, shape: shape, strides: strides))
  }

  private static func numbers(_ value: PickleValue) -> [Int]? {
    guard let elements = value.elements else { return nil }
    let numbers = elements.compactMap(\.int)
    return numbers.count == elements.count ? numbers : nil
  }

  // MARK: - NumPy

  /// (version, shape, dtype, Fortran order, bytes), as `ndarray.__setstate__` takes it.
  private static func numpyArray(_ state: PickleValue) -> PickleValue? {
    guard let parts = state.elements, parts.count == 5, let shape = numbers(parts[1]),
      let dtype = numpyType(parts[2]), let fortran = parts[3].int, let data = rawBytes(parts[4])
    else { return nil }
    var strides = [Int](repeating: 1, count: shape.count)
    let order = fortran == 1 ? Array(shape.indices) : Array(shape.indices.reversed())
    for (before, dimension) in zip(order, order.dropFirst()) {
      let (stride, overflow) = strides[before].multipliedReportingOverflow(by: max(1, shape[before]))
      guard !overflow else { return nil }
      strides[dimension] = stride
    }
    return .tensor(PickledTensor(source: .bytes(data, dtype), offset: 0, shape: shape, strides: strides))
  }

  private static func numpyScalar(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count == 2, let dtype = numpyType(arguments[0]), let data = rawBytes(arguments[1]),
      data.count == dtype.size
    else { return nil }
    return .tensor(PickledTensor(source: .bytes(data, dtype), offset: 0, shape: [], strides: []))
  }

  /// Types without a byte order of their own, or little-endian.
  private static func numpyType(_ value: PickleValue) -> DataType? {
    guard case .object(let object) = value, object.name == "numpy.dtype",
      let code = object.arguments.first?.string
    else { return nil }
    if let order = object.state.elements?.dropFirst().first?.string, order == ">" { return nil }
    let types: [String: DataType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
      "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
    ]
    return types[code]
  }

  private static func rawBytes(_ value: PickleValue) -> [UInt8]? {
    switch value {
    case .bytes(let bytes): bytes
    case .string(let text): text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    default: nil
    }
  }
}
