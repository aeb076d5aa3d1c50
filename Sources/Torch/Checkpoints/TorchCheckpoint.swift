import Foundation

/// The tensors of a PyTorch `.pt` or `.pth` file, of the zip format and of the one before it, or of a `.safetensors`.
///
/// The file is data to this reader: nothing in it is executed, whatever it names.
public struct TorchCheckpoint {
  /// Tensors by dotted names in the order of the file: `model.0.fc.weight` is entry `fc.weight` of the first
  /// element of the list `model`.
  public let tensors: [(name: String, tensor: Tensor)]
  /// The tensors of the model, by the names that its module has.
  ///
  /// What optimizers keep, and a running mean of the weights beside them, is left out; dictionaries around the weights
  /// (`state_dict`, `model`, …) and what wrappers put before names (``WrapperPrefixes``) are taken off. A list of state dictionaries keeps its
  /// numbers, which tell the parts of a model apart.
  public let weights: [(name: String, tensor: Tensor)]
  /// Numbers and texts by dotted names, such as `epoch` and `opt.margin`.
  public let facts: [(name: String, value: String)]

  /// - Throws: ``CheckpointError`` when the file is no checkpoint or damaged, ``ZipError``, ``FileError``.
  public init(_ path: String) throws {
    let file = try MappedFile(path)
    if path.lowercased().hasSuffix(".safetensors") {
      let contents = try SafeTensors.read(path)
      tensors = contents.tensors
      facts = contents.metadata.sorted { $0.key < $1.key }.filter { !$0.key.hasPrefix("crc32") }
        .map { ($0.key, $0.value) }
      weights = WrapperPrefixes.takenOff(tensors)
      return
    }
    let isZip = withExtendedLifetime(file) { file.bytes.prefix(4).elementsEqual([0x50, 0x4B, 0x03, 0x04]) }
    let source: any StorageSource = isZip ? try ZipStorages(path) : try SequentialStorages(path)
    var collector = TensorCollector(path: path, source: source, fileBytes: file.bytes.count)
    try collector.collect(source.root, name: "", depth: 0)
    tensors = collector.tensors
    facts = collector.facts
    guard !tensors.isEmpty else { throw CheckpointError(path: path, reason: "holds no tensor") }
    weights = Self.weights(tensors, of: source.root)
  }

  /// The model's tensors among all.
  private static func weights(
    _ tensors: [(name: String, tensor: Tensor)], of root: PickleValue
  ) -> [(name: String, tensor: Tensor)] {
    let ofOptimizers = [
      "optimizer", "optim", "optimizer_state_dict", "opt_state", "scheduler", "lr_scheduler",
    ].filter { root[part: $0] != nil }
    let models = ["state_dict", "model_state_dict", "model"]
    // A running mean of the weights beside them is no part of the model.
    let means =
      models.contains { root[part: $0] != nil }
      ? ["model_ema", "ema", "ema_model", "ema_state_dict", "state_dict_ema"].filter { root[part: $0] != nil }
      : []
    var kept = tensors.filter { entry in !(ofOptimizers + means).contains { entry.name.hasPrefix($0 + ".") } }
    if kept.isEmpty { kept = tensors }
    func takeOff(_ name: String) -> Bool {
      guard kept.allSatisfy({ $0.name.hasPrefix(name + ".") }) else { return false }
      kept = kept.map { (String($0.name.dropFirst(name.count + 1)), $0.tensor) }
      return true
    }
    // A module's own name may begin with `model.`, so only dictionaries are taken off.
    let wrappers = ["state_dict", "model_state_dict", "model", "net", "network", "weights", "module"]
    var level = root
    while let wrapper = wrappers.first(where: { level[part: $0] != nil && takeOff($0) }),
      let inner = level[part: wrapper]
    {
      level = inner
    }
    return WrapperPrefixes.takenOff(kept)
  }
}

extension PickleValue {
  /// The list, dictionary or object at a key of a dictionary or an object's state.
  fileprivate subscript(part key: String) -> PickleValue? {
    switch self {
    case .dictionary(let dictionary):
      switch dictionary[key] {
      case .list?, .dictionary?, .object?: dictionary[key]
      default: nil
      }
    case .object(let object): if case .dictionary = object.state { object.state[part: key] } else { nil }
    default: nil
    }
  }
}

/// A checkpoint that cannot be read.
public struct CheckpointError: LocalizedError, Equatable {
  public let path: String
  public let reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  public var errorDescription: String? { "\(path): \(reason)" }
}

// MARK: - Tensors

/// How many values may be visited: more than any file has that does not hold the same lists again and again.
private struct VisitBudget {
  private var left: Int

  init(fileBytes: Int) { left = 1 << 16 + 4 * fileBytes }

  mutating func allowsOneMore() -> Bool {
    left -= 1
    return left >= 0
  }
}

private struct TensorCollector {
  let path: String
  let source: any StorageSource
  var tensors: [(name: String, tensor: Tensor)] = []
  var facts: [(name: String, value: String)] = []
  private var names: Set<String> = []
  private var budget: VisitBudget

  init(path: String, source: any StorageSource, fileBytes: Int) {
    self.path = path
    self.source = source
    budget = VisitBudget(fileBytes: fileBytes)
  }

  mutating func collect(_ value: PickleValue, name: String, depth: Int) throws {
    guard depth < 64 else { throw CheckpointError(path: path, reason: "'\(name)' is nested too deeply") }
    guard budget.allowsOneMore() else {
      throw CheckpointError(path: path, reason: "repeats its values too often")
    }
    let join = { (key: String) in name.isEmpty ? key : "\(name).\(key)" }
    switch value {
    case .tensor(let tensor):
      guard names.insert(name).inserted else {
        throw CheckpointError(path: path, reason: "two tensors are called '\(name)'")
      }
      tensors.append((name, try self.tensor(tensor, name)))
    case .dictionary(let dictionary):
      for (key, value) in dictionary.pairs {
        guard let key = key.string ?? key.int.map(String.init) else { continue }
        try collect(value, name: join(key), depth: depth + 1)
      }
    case .list(let list):
      for (i, element) in list.elements.enumerated() {
        try collect(element, name: join(String(i)), depth: depth + 1)
      }
    case .object(let object):
      // A pickled module or the like: what it carries is still data.
      if case .dictionary = object.state { try collect(object.state, name: name, depth: depth + 1) }
    case .bool(let flag): facts.append((name, "\(flag)"))
    case .int(let number): facts.append((name, "\(number)"))
    case .double(let number): facts.append((name, "\(number)"))
    case .string(let text): facts.append((name, text))
    case .none, .large, .bytes, .global, .storage: break
    }
  }

  private func tensor(_ pickled: PickledTensor, _ name: String) throws -> Tensor {
    let refuse = { (reason: String) in CheckpointError(path: path, reason: "tensor '\(name)' \(reason)") }
    let base: Tensor
    switch pickled.source {
    case .bytes(let bytes, let dtype):
      guard bytes.count.isMultiple(of: dtype.size) else { throw refuse("does not fill its bytes") }
      base = try bytes.withUnsafeBytes {
        try Tensor(bytes: $0, shape: [bytes.count / dtype.size], dtype: dtype)
      }
    case .storage(let storage):
      guard let dtype = storage.dtype else { throw refuse("is of a type that is not read") }
      let bytes = try source.bytes(of: storage)
      let (needed, overflow) = storage.count.multipliedReportingOverflow(by: dtype.size)
      guard !overflow, needed <= bytes.count else {
        throw refuse("needs \(storage.count) numbers, its storage has \(bytes.count / dtype.size)")
      }
      let part = UnsafeRawBufferPointer(rebasing: bytes.buffer.prefix(needed))
      base = try SharedBytes(part, owner: bytes).tensor(shape: [storage.count], dtype: dtype)
    }
    try checkInside(pickled, count: base.count, refuse)
    return try base.strided(pickled.shape, strides: pickled.strides, offset: pickled.offset).contiguous()
  }

  private func checkInside(_ tensor: PickledTensor, count: Int, _ refuse: (String) -> CheckpointError) throws
  {
    guard tensor.offset >= 0, (tensor.shape + tensor.strides).allSatisfy({ $0 >= 0 }) else {
      throw refuse("has a negative size")
    }
    if tensor.shape.contains(0) { return }
    var last = tensor.offset
    var elements = 1
    for (size, stride) in zip(tensor.shape, tensor.strides) {
      let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflows) = last.addingReportingOverflow(step)
      let (product, overflowing) = elements.multipliedReportingOverflow(by: size)
      guard !overflow, !overflows, !overflowing else { throw refuse("has an impossible shape") }
      last = sum
      elements = product
    }
    guard last < count else { throw refuse("reaches beyond its storage of \(count) numbers") }
    // A view may repeat numbers, but no checkpoint blows a few up to very many.
    guard elements <= max(count, 1 << 20) * 64 else { throw refuse("repeats its numbers too often") }
  }
}

extension Tensor {
  /// A view of this contiguous vector with any strides; the caller has checked that it lies inside.
  fileprivate func strided(_ shape: [Int], strides: [Int], offset: Int) throws(TorchError) -> Tensor {
    try StridedOp.asStrided(.tensor(self), .ints(shape), .ints(strides), .int(offset))
  }
}

private enum StridedOp {
  static let asStrided = Operator("as_strided")
}

// MARK: - Storages

private protocol StorageSource {
  var root: PickleValue { get }
  func bytes(of storage: PickledStorage) throws -> SharedBytes
}

/// The zip format: `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder`.
private struct ZipStorages: StorageSource {
  let archive: ZipArchive
  let root: PickleValue
  private let folder: String
  private let members: [String: ZipArchive.Member]

  init(_ path: String) throws {
    archive = try ZipArchive(path)
    members = Dictionary(uniqueKeysWithValues: archive.members.map { ($0.name, $0) })
    guard
      let pickle = archive.members.first(where: { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") })
    else {
      throw CheckpointError(
        path: path, reason: "is a zip file, but no PyTorch checkpoint: data.pkl is missing")
    }
    folder = String(pickle.name.dropLast("data.pkl".count))
    if let order = members[folder + "byteorder"] {
      let text = try archive.bytes(of: order).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      guard text == "little" else {
        throw CheckpointError(
          path: path, reason: "was written in the byte order '\(text)', only little is read")
      }
    }
    root = try archive.bytes(of: pickle).withUnsafeBytes { bytes in
      var reader = PickleReader(bytes, path: path)
      return try reader.read()
    }
  }

  func bytes(of storage: PickledStorage) throws -> SharedBytes {
    guard let member = members["\(folder)data/\(storage.key)"] else {
      throw CheckpointError(path: archive.path, reason: "storage '\(storage.key)' is missing")
    }
    return try archive.bytes(of: member)
  }
}

/// The format before PyTorch 1.6: five pickles, then each storage as a count and its bytes.
private struct SequentialStorages: StorageSource {
  let root: PickleValue
  private let file: MappedFile
  private let path: String
  private let places: [String: Range<Int>]

  /// What the first pickle of the format holds, in little-endian bytes.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  init(_ path: String) throws {
    let file = try MappedFile(path)
    self.file = file
    self.path = path
    let refuse = { (reason: String) in CheckpointError(path: path, reason: reason) }
    var reader = PickleReader(file.bytes, path: path)
    let first = try? reader.read()
    guard case .large(let number)? = first, number.starts(with: Self.magic) else {
      throw refuse("is no PyTorch checkpoint")
    }
    func next() throws -> PickleValue {
      var following = PickleReader(file.bytes, from: reader.position, path: path)
      defer { reader = following }
      return try following.read()
    }
    guard try next().int == 1001 else { throw refuse("is of an unknown version of the old format") }
    let system = try next()
    if case .dictionary(let facts) = system, case .bool(false)? = facts["little_endian"] {
      throw refuse("was written in big-endian order, only little is read")
    }
    root = try next()
    guard let keys = try next().elements else { throw refuse("has no list of storages") }
    let sizes = StorageSizes(root, fileBytes: file.bytes.count)
    var places: [String: Range<Int>] = [:]
    var at = reader.position
    for key in keys.compactMap(\.string) {
      guard let size = sizes.elementSize[key], at <= file.bytes.count - 8 else {
        throw refuse("ends before storage '\(key)'")
      }
      let count = file.bytes.little(at: at, as: Int64.self)
      let (length, overflow) = Int(count).multipliedReportingOverflow(by: size)
      guard count >= 0, !overflow, length <= file.bytes.count - at - 8 else {
        throw refuse("ends inside storage '\(key)'")
      }
      places[key] = at + 8..<at + 8 + length
      at += 8 + length
    }
    self.places = places
  }

  func bytes(of storage: PickledStorage) throws -> SharedBytes {
    guard let range = places[storage.key] else {
      throw CheckpointError(path: path, reason: "storage '\(storage.key)' is missing")
    }
    return SharedBytes(UnsafeRawBufferPointer(rebasing: file.bytes[range]), owner: file)
  }
}

/// Bytes of an element of each storage that a value refers to: the old format does not repeat them.
private struct StorageSizes {
  var elementSize: [String: Int] = [:]

  private var budget: VisitBudget

  init(_ value: PickleValue, fileBytes: Int) {
    budget = VisitBudget(fileBytes: fileBytes)
    visit(value, depth: 0)
  }

  private mutating func visit(_ value: PickleValue, depth: Int) {
    guard depth < 64, budget.allowsOneMore() else { return }
    switch value {
    case .storage(let storage): elementSize[storage.key] = storage.dtype?.size ?? 1
    case .tensor(let tensor):
      if case .storage(let storage) = tensor.source { elementSize[storage.key] = storage.dtype?.size ?? 1 }
    case .dictionary(let dictionary): for pair in dictionary.pairs { visit(pair.value, depth: depth + 1) }
    case .list(let list): for element in list.elements { visit(element, depth: depth + 1) }
    case .object(let object):
      for argument in object.arguments { visit(argument, depth: depth + 1) }
      visit(object.state, depth: depth + 1)
    default: break
    }
  }
}
