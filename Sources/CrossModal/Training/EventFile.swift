import Foundation

/// A TensorBoard event file: scalars over steps.
///
/// A record is the length of its payload, a checksum of the length, the payload, a checksum of the payload;
/// the payload is a protobuf message `Event`.
final class EventFile {
  private let file: AppendedFile
  private static let prefix = "events.out.tfevents."

  /// - Parameters:
  ///   - folder: of the run; a file that is there is continued.
  ///   - length: bytes that belong to the run so far.
  init(_ folder: URL, length: Int) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    // The name is fixed by the format only as far as its beginning.
    let name = names.filter { $0.hasPrefix(Self.prefix) }.sorted().first ?? Self.prefix + "crossmodal"
    file = try AppendedFile(folder.appendingPathComponent(name), length: length)
    if length == 0 {
      var event = ProtobufMessage()
      event.add(Date().timeIntervalSince1970, field: 1)
      event.add("brain.Event:2", field: 3)
      try append(event.data)
    }
  }

  /// Adds numbers of one step; those that are not finite are left out.
  func append(_ scalars: [(tag: String, value: Double)], step: Int) throws {
    var summary = ProtobufMessage()
    for (tag, value) in scalars where value.isFinite {
      var scalar = ProtobufMessage()
      scalar.add(tag, field: 1)
      scalar.add(Float(value), field: 2)
      summary.add(scalar.data, field: 1)
    }
    guard !summary.data.isEmpty else { return }
    var event = ProtobufMessage()
    event.add(Date().timeIntervalSince1970, field: 1)
    event.add(step, field: 2)
    event.add(summary.data, field: 5)
    try append(event.data)
  }

  /// Bytes so far, which are on the disk when this returns.
  func flush() throws -> Int { try file.flush() }

  private func append(_ payload: Data) throws {
    let length = withUnsafeBytes(of: UInt64(payload.count).littleEndian) { Data($0) }
    var record = length
    record.append(Self.checksum(length))
    record.append(payload)
    record.append(Self.checksum(payload))
    try file.append(record)
  }

  private static func checksum(_ data: Data) -> Data {
    withUnsafeBytes(of: CRC32C.masked(data).littleEndian) { Data($0) }
  }
}

/// The checksum of Castagnoli's polynomial, which event files carry.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? (rest >> 1) ^ 0x82F6_3B78 : rest >> 1 }
  }

  static func of(_ data: Data) -> UInt32 {
    ~data.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
  }

  /// Turned and shifted, so that a checksum of data that holds checksums stays a good one.
  static func masked(_ data: Data) -> UInt32 {
    let sum = of(data)
    return ((sum >> 15) | (sum << 17)) &+ 0xA282_EAD8
  }
}

/// The few kinds of field that event files need.
struct ProtobufMessage {
  private(set) var data = Data()

  mutating func add(_ number: Double, field: Int) {
    key(field, wire: 1)
    withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
  }

  mutating func add(_ number: Float, field: Int) {
    key(field, wire: 5)
    withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
  }

  mutating func add(_ number: Int, field: Int) {
    key(field, wire: 0)
    varint(UInt64(bitPattern: Int64(number)))
  }

  mutating func add(_ text: String, field: Int) { add(Data(text.utf8), field: field) }

  mutating func add(_ bytes: Data, field: Int) {
    key(field, wire: 2)
    varint(UInt64(bytes.count))
    data.append(bytes)
  }

  private mutating func key(_ field: Int, wire: Int) { varint(UInt64(field << 3 | wire)) }

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      data.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    data.append(UInt8(rest))
  }
}
