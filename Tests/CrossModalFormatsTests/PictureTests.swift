import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Pictures")
struct PictureTests {
  private func picture(_ name: String) -> Picture {
    Picture(.file(Fixtures.folder.appendingPathComponent(name)))
  }

  private func bytes(_ name: String) throws -> (values: [UInt8], shape: [Int]) {
    let expected = try #require(Fixtures.expected[name])
    let digits = Array(expected.bytes.utf8)
    let values = stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
    return (values, expected.shape)
  }

  /// The largest difference of two pictures of one shape.
  private func difference(_ found: Tensor, _ name: String) throws -> Int {
    let expected = try bytes(name)
    #expect(found.shape == expected.shape)
    return try zip(found.values(as: UInt8.self), expected.values).map { abs(Int($0) - Int($1)) }.max() ?? 0
  }

  @Test("PNG decodes as Pillow does", arguments: ["colour", "alpha", "grey", "palette"])
  func png(name: String) throws {
    #expect(try difference(picture("\(name).png").decoded(), "\(name).png") == 0)
  }

  @Test("JPEG decodes as Pillow does but for rounding", arguments: ["colour", "progressive", "grey", "ink"])
  func jpeg(name: String) throws {
    #expect(try difference(picture("\(name).jpg").decoded(), "\(name).jpg") <= 2)
  }

  @Test("grey levels and palette places are the stored numbers", arguments: ["grey", "palette"])
  func indices(name: String) throws {
    #expect(try difference(picture("\(name).png").indices(), "\(name).png#indices") == 0)
  }

  @Test("resizing is Pillow's bilinear within a grey level", arguments: [[7, 9], [24, 13], [50, 60]])
  func resized(size: [Int]) throws {
    let found = try picture("noise.png").resized(height: size[0], width: size[1])
    #expect(try difference(found, "noise.png#\(size[0])x\(size[1])") <= 1)
  }

  @Test("the size comes from the header, and a scale multiplies what is decoded")
  func size() throws {
    #expect(try picture("colour.jpg").size() == (24, 40))
    var scaled = picture("colour.png")
    scaled.scale = 0.5
    let (whole, half) = try (picture("colour.png").decoded(), scaled.decoded())
    #expect(half.dtype == .float32)
    #expect(try half.values(as: Float.self) == (whole.to(.float32) * 0.5).values(as: Float.self))
  }

  @Test("what is no picture, is cut short, or is in colour where numbers are wanted, is refused in words")
  func wrong() throws {
    func says(_ body: () throws -> Void) -> String {
      do { try body() } catch { return error.localizedDescription }
      return "nothing"
    }
    #expect(
      says { _ = try picture("lines.txt").decoded() }.hasSuffix(
        "lines.txt: is neither a JPEG, a PNG nor a WebP picture"))
    let data = try Data(contentsOf: Fixtures.folder.appendingPathComponent("colour.jpg"))
    let cut = Picture(.bytes(data.prefix(data.count / 2), name: "cut.jpg"))
    #expect(says { _ = try cut.decoded() }.hasPrefix("cut.jpg: the JPEG data are damaged or cut short"))
    #expect(says { _ = try picture("colour.png").indices() }.contains("is in colour"))
    #expect(says { _ = try picture("colour.jpg").indices() }.contains("is a JPEG picture"))
  }

  @Test("WebP decodes as Pillow does, and is held to the same limits")
  func webp() throws {
    let found = try picture("two.webp").decoded()
    let row =
      [UInt8](Array(repeating: [200, 30, 30], count: 4).joined())
      + Array(repeating: [20, 40, 220], count: 4).joined()
    #expect(found.shape == [6, 8, 3])
    #expect(try found.values(as: UInt8.self) == Array(Array(repeating: row, count: 6).joined()))
    #expect(try picture("two.webp").size() == (6, 8))
    var limits = Limits.standard
    limits.pixels = 47
    let data = try Data(contentsOf: Fixtures.folder.appendingPathComponent("two.webp"))
    #expect(throws: DataError.self) { try Picture(.bytes(data, name: "a"), limits: limits).decoded() }
    #expect(throws: DataError.self) { try Picture(.bytes(data.dropLast(9), name: "a")).decoded() }
  }

  @Test(
    "other pictures are named for what they are, with how to convert them",
    arguments: [
      (Array("GIF89a".utf8), "GIF"), (Array("BM".utf8) + [9, 0, 0, 0, 0, 0, 0, 0, 54, 0], "BMP"),
      ([0x49, 0x49, 0x2A, 0, 8, 0], "TIFF"), ([0x4D, 0x4D, 0, 0x2A, 0, 8], "TIFF"),
      ([0, 0, 0, 24] + Array("ftypheic".utf8), "HEIC"), ([0, 0, 0, 24] + Array("ftypavif".utf8), "AVIF"),
    ] as [([UInt8], String)])
  func others(bytes: [UInt8], name: String) {
    let error = #expect(throws: DataError.self) {
      try Picture(.bytes(Data(bytes + [0, 0, 0, 0]), name: "p.jpg")).decoded()
    }
    #expect(
      error?.description.hasPrefix("p.jpg: is a \(name) picture; JPEG, PNG and WebP are read (") == true)
    #expect(error?.description.hasSuffix("makes a PNG)") == true)
  }

  @Test("a JPEG with bytes that mean nothing, or without its last mark, is whole")
  func harmless() throws {
    let data = try Data(contentsOf: Fixtures.folder.appendingPathComponent("colour.jpg"))
    let wanted = try picture("colour.jpg").decoded().values(as: UInt8.self)
    let wholes: [Data] = [
      data.dropLast(2), data + Data(count: 300),
      data.dropLast(2) + Data([0, 1, 2, 3, 4, 5, 0xFF, 0xD9]),
    ]
    for whole in wholes {
      #expect(try Picture(.bytes(whole, name: "a.jpg")).decoded().values(as: UInt8.self) == wanted)
    }
    for cut in [data.count * 2 / 3, data.count * 9 / 10, data.count - 12] {
      #expect(throws: DataError.self) { try Picture(.bytes(data.prefix(cut), name: "a.jpg")).decoded() }
      #expect(throws: DataError.self) {
        try Picture(.bytes(data.prefix(cut) + Data([0xFF, 0xD9]), name: "a.jpg")).decoded()
      }
    }
  }
}
