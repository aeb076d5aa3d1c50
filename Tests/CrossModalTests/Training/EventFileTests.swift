import Foundation
import Testing

@testable import CrossModal

@Suite("TensorBoard event file")
struct EventFileTests {
  @Test("the checksum is Castagnoli's, masked as TensorBoard wants it")
  func checksum() {
    // The check value that catalogues of checksums give for it.
    #expect(CRC32C.of(Data("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of(Data()) == 0)
    #expect(CRC32C.masked(Data()) == 0xA282_EAD8)
  }

  @Test("records hold length, payload and both checksums, and a file is continued where it was cut")
  func records() throws {
    let folder = try TemporaryFolder()
    let first = try EventFile(folder.url, length: 0)
    try first.append([("loss", 0.5), ("bad", .nan)], step: 3)
    let kept = try first.flush()
    try first.append([("loss", 0.25)], step: 4)
    _ = try first.flush()
    let second = try EventFile(folder.url, length: kept)
    try second.append([("loss", 0.125)], step: 4)
    _ = try second.flush()
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
    #expect(name.hasPrefix("events.out.tfevents."))
    var rest = try Data(contentsOf: folder.file(name))
    var payloads: [Data] = []
    while !rest.isEmpty {
      let length = rest.prefix(8)
      let count = length.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      let payload = Data(rest.dropFirst(12).prefix(count))
      let sums = [rest.dropFirst(8).prefix(4), rest.dropFirst(12 + count).prefix(4)].map { bytes in
        bytes.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << (8 * $1.offset) }
      }
      #expect(sums == [CRC32C.masked(Data(length)), CRC32C.masked(payload)])
      payloads.append(payload)
      rest = Data(rest.dropFirst(16 + count))
    }
    #expect(payloads.count == 3)
    #expect(String(decoding: payloads[0], as: UTF8.self).contains("brain.Event:2"))
    #expect(String(decoding: payloads[1], as: UTF8.self).contains("loss"))
    #expect(!String(decoding: payloads[1], as: UTF8.self).contains("bad"))
    #expect(payloads[2].suffix(4) == withUnsafeBytes(of: Float(0.125).bitPattern.littleEndian) { Data($0) })
  }
}
