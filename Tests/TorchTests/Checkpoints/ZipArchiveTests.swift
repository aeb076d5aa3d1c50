import CZlib
import Foundation
import Testing

@testable import Torch

@Suite("Zip archives")
struct ZipArchiveTests {
  private let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).zip")

  /// An archive of one member, with whatever its headers claim.
  private func write(
    _ content: Data, packed: Data? = nil, method: UInt16 = 0, claiming size: UInt32? = nil,
    checksum: UInt32? = nil,
    flags: UInt16 = 0
  ) throws {
    let packed = packed ?? content
    let sum =
      checksum
      ?? content.withUnsafeBytes { UInt32(crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)) }
    let name = Data("member".utf8)
    var shared = Data()
    shared.append(little: [20, flags, method, 0, 0])
    shared.append(little: [sum, UInt32(packed.count), size ?? UInt32(content.count)])
    shared.append(little: [UInt16(name.count), 0])
    var data = Data([0x50, 0x4B, 3, 4]) + shared + name + packed
    let start = data.count
    data += Data([0x50, 0x4B, 1, 2, 20, 0]) + shared + Data(count: 14) + name
    let length = data.count - start
    data += Data([0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0])
    data.append(little: [UInt32(length), UInt32(start)])
    try (data + Data(count: 2)).write(to: file)
  }

  private func deflated(_ content: Data) throws -> Data {
    var stream = z_stream()
    try #require(
      deflateInit2_(
        &stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        == Z_OK)
    defer { deflateEnd(&stream) }
    var content = Array(content)
    var out = [UInt8](repeating: 0, count: content.count + 1024)
    content.withUnsafeMutableBufferPointer { input in
      out.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        _ = deflate(&stream, Z_FINISH)
      }
    }
    return Data(out.prefix(out.count - Int(stream.avail_out)))
  }

  @Test("stored and deflated members come out as they went in")
  func roundTrip() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    let content = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) })
    for (packed, method) in [(content, UInt16(0)), (try deflated(content), 8)] {
      try write(content, packed: packed, method: method)
      let archive = try ZipArchive(file.path)
      let member = try #require(archive["member"])
      #expect(member.size == 5000)
      #expect(try archive.bytes(of: member).withUnsafeBytes { Data($0) } == content)
    }
  }

  @Test("a small file that promises very much is refused by its header")
  func bomb() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    try write(Data(), packed: Data(count: 1 << 20), method: 8, claiming: 1 << 30)
    let error = try #require(throws: ZipError.self) { try ZipArchive(file.path) }
    #expect(error.member == "member")
    #expect(error.reason.contains("1073741824"))
  }

  @Test("a member that is not what its header says is named")
  func damaged() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    let content = Data("some words".utf8)
    try write(content, checksum: 1)
    let archive = try ZipArchive(file.path)
    #expect(throws: ZipError.self) { try archive.bytes(of: archive.members[0]) }
    try write(content, packed: deflated(content), method: 8, claiming: 9)
    let short = try ZipArchive(file.path)
    #expect(throws: ZipError.self) { try short.bytes(of: short.members[0]) }
    try write(content, method: 12)
    #expect(throws: ZipError.self) { try ZipArchive(file.path) }
    try write(content, flags: 1)
    #expect(throws: ZipError.self) { try ZipArchive(file.path) }
  }

  @Test("every truncation is an error")
  func truncations() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    try write(Data("some words".utf8))
    let whole = try Data(contentsOf: file)
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: file)
      #expect(throws: (any Error).self) { try ZipArchive(file.path) }
    }
  }
}

extension Data {
  fileprivate mutating func append<Number: FixedWidthInteger>(little numbers: [Number]) {
    for number in numbers { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
  }
}
