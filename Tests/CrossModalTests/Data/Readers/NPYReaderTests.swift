import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Arrays of NumPy")
struct NPYReaderTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func npy(_ header: String, _ body: [UInt8] = [], version: UInt8 = 1) -> Data {
    Data(NPYReader.signature + [version, 0, UInt8(header.utf8.count), 0]) + Data(header.utf8) + Data(body)
  }

  private func says(_ data: Data) throws -> String {
    let url = try folder.write(data, to: "a.npy")
    return message { _ = try NPYReader.open(url, limits: .standard) } ?? "nothing"
  }

  @Test("what is written reads back equal", arguments: DataType.allCases.filter { $0 != .bfloat16 })
  func roundTrip(dtype: DataType) throws {
    let numbers = try Tensor([0, 1, 1, 0, 1, 0], shape: [2, 3]).to(dtype)
    try folder.write(numbers, to: "a.npy")
    let read = try NPYReader.open(folder.file("a.npy"), limits: .standard)
    #expect(read.shape == [2, 3])
    #expect(read.dtype == dtype.nextSigned ?? dtype)
    #expect(try read.all().values(as: Int.self) == [0, 1, 1, 0, 1, 0])
  }

  @Test("Fortran order and the other byte order give the same numbers")
  func orders() throws {
    let url = try folder.write(
      npy(
        "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", [0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 1, 0]),
      to: "a.npy")
    let read = try NPYReader.open(url, limits: .standard)
    #expect(read.shape == [2, 3])
    #expect(try read.all().values(as: Int.self) == [1, 2, 3, 4, 5, 256])
    #expect(try read.rows(at: [1, 0]).values(as: Int.self) == [4, 5, 256, 1, 2, 3])
  }

  @Test("a header that claims four terabytes is refused before anything is allocated")
  func huge() throws {
    #expect(
      try says(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", [0]))
        .contains("takes 4398046511104 bytes, but 1 follow the header; the file is cut short"))
    #expect(
      try says(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }"))
        .contains("impossible shape"))
  }

  @Test(
    "damaged headers are refused by name",
    arguments: [
      ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "holds Python objects"),
      ("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", "holds strings"),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "records of several fields"),
      ("{'descr': '<f4', 'fortran_order': 3, 'shape': (1,), }", "neither True nor False"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "no tuple of sizes"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, }", "no tuple of sizes"),
      ("{'descr': '<f4', 'fortran_order': False, }", "lacks one of"),
      ("{'descr': '<f4', 'descr': '<f4', }", "has the key 'descr' twice"),
      ("{'descr': '<f4', 'other': 1, }", "unknown key 'other'"),
      ("{'descr': '<f4'", "not readable"),
      ("nothing", "does not start with '{'"),
    ])
  func damaged(header: String, expected: String) throws {
    let said = try says(npy(header, [0, 0, 0, 0]))
    #expect(said.contains("a.npy") && said.contains(expected), "said: \(said)")
  }

  @Test("every proper prefix of a file is refused")
  func truncated() throws {
    let url = try folder.write(Tensor([1.0, 2, 3], shape: [3]), to: "whole.npy")
    let data = try Data(contentsOf: url)
    for length in 0..<data.count {
      #expect(try says(data.prefix(length)) != "nothing")
    }
    #expect(try says(data + [0]).contains("25 follow"))
  }
}
