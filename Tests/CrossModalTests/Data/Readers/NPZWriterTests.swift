import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("NPZ writer")
struct NPZWriterTests {
  @Test("what is written is read again, and twice the same bytes")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let values = try Tensor.normal([7, 5], using: Generator(seed: 1))
    let offsets = try Tensor([0, 3, 7])
    for name in ["a.npz", "b.npz"] {
      try NPZWriter.write([("values", values), ("offsets", offsets)], to: folder.file(name).path)
    }
    let file = folder.file("a.npz").path
    #expect(
      try Data(contentsOf: URL(filePath: file)) == Data(contentsOf: URL(filePath: folder.file("b.npz").path)))
    func read(_ name: String, _ rows: Int) throws -> Tensor {
      try NPZReader.open(URL(filePath: file), name, limits: .standard).rows(in: 0..<rows)
    }
    #expect(try read("values", 7).values(as: Float.self) == values.values(as: Float.self))
    #expect(try read("offsets", 3).values(as: Int.self) == [0, 3, 7])
  }

  @Test("a type that NumPy lacks is named, and nothing is left behind")
  func unknownType() throws {
    let folder = try TemporaryFolder()
    #expect(throws: DataError.self) {
      try NPZWriter.write([("x", Tensor.zeros([2], .bfloat16))], to: folder.file("c.npz").path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
