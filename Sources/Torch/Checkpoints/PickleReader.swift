import Foundation

/// Reads a pickle into values and names, and executes nothing.
///
/// Protocols 0 to 5 as far as checkpoints use them. Calls of a few known functions that only describe data
/// (ordered dictionaries, tensors, NumPy arrays and numbers) become that data; every other call becomes a
/// ``PickleObject`` that carries its name.
struct PickleReader {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next opcode is; after ``read()`` the end of the pickle.
  private(set) var position: Int
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private let path: String

  /// Values on the stack, and remembered ones: more means damage.
  private static let limit = 50_000_000

  init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0, path: String) {
    self.bytes = bytes
    self.position = position
    self.path = path
  }

  /// The value of the pickle that starts here.
  ///
  /// - Throws: ``CheckpointError`` when it is damaged or holds what no checkpoint holds.
  mutating func read() throws -> PickleValue {
    while true {
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") { return try pop() }
      try perform(opcode)
      guard stack.count <= Self.limit, memo.count <= Self.limit else { throw damaged("has too many values") }
    }
  }

  private mutating func perform(_ opcode: UInt8) throws {
    switch opcode {
    case 0x80: _ = try byte()  // PROTO
    case 0x95: _ = try take(8)  // FRAME
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try sinceMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"): stack.append(.int(Int(try number(Int32.self))))
    case UInt8(ascii: "K"): stack.append(.int(Int(try byte())))
    case UInt8(ascii: "M"): stack.append(.int(Int(try number(UInt16.self))))
    case UInt8(ascii: "I"): try integerLine()
    case UInt8(ascii: "L"): try integerLine()
    case 0x8A: stack.append(long(try take(Int(try byte()))))
    case 0x8B: stack.append(long(try take(try length(Int32.self))))
    case UInt8(ascii: "F"):
      guard let number = Double(try line()) else { throw damaged("has a number that is none") }
      stack.append(.double(number))
    case UInt8(ascii: "G"): stack.append(.double(Double(bitPattern: try number(UInt64.self).byteSwapped)))
    case UInt8(ascii: "X"): stack.append(.string(text(try take(try length(UInt32.self)))))
    case 0x8C: stack.append(.string(text(try take(Int(try byte())))))
    case 0x8D: stack.append(.string(text(try take(try length(UInt64.self)))))
    case UInt8(ascii: "V"): stack.append(.string(PickleText.unicode(try lineBytes())))
    case UInt8(ascii: "S"): stack.append(legacyText(PickleText.literal(try lineBytes())))
    case UInt8(ascii: "T"): stack.append(legacyText(try take(try length(Int32.self))))
    case UInt8(ascii: "U"): stack.append(legacyText(try take(Int(try byte()))))
    case UInt8(ascii: "B"): stack.append(.bytes(Array(try take(try length(UInt32.self)))))
    case UInt8(ascii: "C"): stack.append(.bytes(Array(try take(Int(try byte())))))
    case 0x8E, 0x96: stack.append(.bytes(Array(try take(try length(UInt64.self)))))
    case UInt8(ascii: "c"): stack.append(.global("\(try line()).\(try line())"))
    case 0x93:
      let (name, module) = (try pop().string ?? "", try pop().string ?? "")
      stack.append(.global("\(module).\(name)"))
    default: try performContainer(opcode)
    }
  }

  private mutating func performContainer(_ opcode: UInt8) throws {
    switch opcode {
    case UInt8(ascii: "}"): stack.append(.dictionary(PickleDictionary()))
    case UInt8(ascii: "]"), 0x8F, UInt8(ascii: ")"): stack.append(.list(of: []))
    case UInt8(ascii: "t"), UInt8(ascii: "l"), 0x91: stack.append(.list(of: try sinceMark()))
    case UInt8(ascii: "d"):
      let dictionary = PickleDictionary()
      try add(try sinceMark(), to: .dictionary(dictionary))
      stack.append(.dictionary(dictionary))
    case 0x85...0x87:
      let count = Int(opcode) - 0x84
      guard stack.count - (marks.last ?? 0) >= count else { throw damaged("ends in the middle of a tuple") }
      let elements = Array(stack.suffix(count))
      stack.removeLast(count)
      stack.append(.list(of: elements))
    case UInt8(ascii: "a"):
      let value = try pop()
      try append([value], to: try top())
    case UInt8(ascii: "e"), 0x90:
      let values = try sinceMark()
      try append(values, to: try top())
    case UInt8(ascii: "s"):
      let (value, key) = (try pop(), try pop())
      try add([key, value], to: try top())
    case UInt8(ascii: "u"):
      let values = try sinceMark()
      try add(values, to: try top())
    case UInt8(ascii: "p"): memo[try lineNumber()] = try top()
    case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
    case UInt8(ascii: "r"): memo[try length(UInt32.self)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "g"): stack.append(try remembered(try lineNumber()))
    case UInt8(ascii: "h"): stack.append(try remembered(Int(try byte())))
    case UInt8(ascii: "j"): stack.append(try remembered(try length(UInt32.self)))
    case UInt8(ascii: "Q"): stack.append(try storage(try pop()))
    case UInt8(ascii: "R"), 0x81:
      let (arguments, callee) = (try pop(), try pop())
      stack.append(try PickleCalls.result(of: callee, arguments.elements ?? []))
    case 0x92:
      let (_, arguments, callee) = (try pop(), try pop(), try pop())
      stack.append(try PickleCalls.result(of: callee, arguments.elements ?? []))
    case UInt8(ascii: "b"):
      let state = try pop()
      let object = try pop()
      stack.append(try PickleCalls.built(object, state))
    case UInt8(ascii: "o"), UInt8(ascii: "i"):
      var values: [PickleValue] = []
      if opcode == UInt8(ascii: "i") { values = [.global("\(try line()).\(try line())")] }
      values += try sinceMark()
      guard let callee = values.first else { throw damaged("makes an object without a class") }
      stack.append(try PickleCalls.result(of: callee, Array(values.dropFirst())))
    default:
      throw damaged("has the unknown instruction \(opcode) at byte \(position - 1)")
    }
  }

  // MARK: - Stack

  private mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw damaged("takes what is not there")
    }
    return value
  }

  private func top() throws -> PickleValue {
    guard let value = stack.last else { throw damaged("takes what is not there") }
    return value
  }

  private mutating func sinceMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw damaged("ends a list that was not begun") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private func remembered(_ index: Int) throws -> PickleValue {
    guard let value = memo[index] else { throw damaged("refers to a value that was not given") }
    return value
  }

  private func append(_ values: [PickleValue], to target: PickleValue) throws {
    switch target {
    case .list(let list): list.elements += values
    case .object: break
    default: throw damaged("adds to what is no list")
    }
  }

  private func add(_ values: [PickleValue], to target: PickleValue) throws {
    guard values.count.isMultiple(of: 2) else { throw damaged("has a key without a value") }
    switch target {
    case .dictionary(let dictionary):
      for i in stride(from: 0, to: values.count, by: 2) {
        dictionary.pairs.append((values[i], values[i + 1]))
      }
    case .object: break
    default: throw damaged("adds to what is no dictionary")
    }
  }

  /// The persistent identifier of a storage: ('storage', type, key, place, count, …).
  private func storage(_ identifier: PickleValue) throws -> PickleValue {
    guard let parts = identifier.elements, parts.count >= 5, parts[0].string == "storage",
      case .global(let type) = parts[1], let key = parts[2].string, let count = parts[4].int, count >= 0
    else { throw damaged("refers to something outside that is no storage") }
    return .storage(PickledStorage(key: key, dtype: PickleCalls.storageTypes[type], count: count))
  }

  // MARK: - Bytes

  private func damaged(_ reason: String) -> CheckpointError {
    CheckpointError(path: path, reason: "the pickle \(reason)")
  }

  private mutating func take(_ count: Int) throws -> Slice<UnsafeRawBufferPointer> {
    guard count >= 0, count <= bytes.count - position else { throw damaged("ends too early") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func byte() throws -> UInt8 {
    let one = try take(1)
    return one[one.startIndex]
  }

  private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
    let at = try take(MemoryLayout<Number>.size).startIndex
    return bytes.little(at: at, as: type)
  }

  private mutating func length<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Int {
    guard let length = Int(exactly: try number(type)), length >= 0 else {
      throw damaged("has an impossible length")
    }
    return length
  }

  private mutating func line() throws -> String { text(try lineBytes()) }

  private mutating func lineBytes() throws -> Slice<UnsafeRawBufferPointer> {
    guard let end = bytes[position...].firstIndex(of: 10) else { throw damaged("ends too early") }
    defer { position = end + 1 }
    return bytes[position..<end]
  }

  private mutating func lineNumber() throws -> Int {
    guard let number = Int(try line()) else { throw damaged("has a number that is none") }
    return number
  }

  private mutating func integerLine() throws {
    let line = try line()
    switch line {
    case "00": stack.append(.bool(false))
    case "01": stack.append(.bool(true))
    default:
      guard let number = Int(line.hasSuffix("L") ? String(line.dropLast()) : line) else {
        throw damaged("has a number that is none")
      }
      stack.append(.int(number))
    }
  }

  private func long(_ bytes: Slice<UnsafeRawBufferPointer>) -> PickleValue {
    guard bytes.count <= 8 else { return .large(Array(bytes)) }
    let negative = (bytes.last ?? 0) & 0x80 != 0
    let value = bytes.reversed().reduce(negative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
    return .int(Int(Int64(bitPattern: value)))
  }

  private func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// Text of Python 2, which may be any bytes.
  private func legacyText(_ bytes: some Sequence<UInt8>) -> PickleValue {
    String(validating: Array(bytes), as: UTF8.self).map(PickleValue.string) ?? .bytes(Array(bytes))
  }
}
