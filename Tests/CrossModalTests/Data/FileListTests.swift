import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("data sets that are named by their files")
struct FileListTests {
  @Test("two arrays: a modality each, every fifth row held out, opened again by the path")
  func arrays() throws {
    let folder = try TemporaryFolder()
    let numbers = try Tensor((0..<24).map(Double.init), shape: [12, 2])
    try folder.write(numbers, to: "x.npy")
    try folder.write(numbers.squared(), to: "deep.y.npy")
    let data = try DataSet(at: "\(folder.path)/x.npy, \(folder.path)/deep.y.npy")
    #expect(data.description.name == "x-deep.y")
    #expect(data.description.modalities.map(\.name) == ["x", "deep.y"])
    #expect(data.splitNames == ["train", "test"])
    #expect(try data.split("test").items(side: 0).firstNumbers() == [8, 18])
    #expect(try data.split("train").count == 10)
    let again = try DataSet(at: try #require(data.path))
    #expect(try again.fingerprint() == data.fingerprint())
    #expect(data.warnings.isEmpty)
  }

  @Test("tables keep the names of their columns; texts are texts; equal names are told apart")
  func tables() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<10).map { "\($0 % 3).5,\($0 * $0),\(-$0)" }
    try folder.write("a,b b,\"c\"\n" + rows.joined(separator: "\n"), to: "genes.csv")
    try folder.write((0..<10).map { "word\($0)" }.joined(separator: "\n"), to: "other/genes.txt")
    let data = try DataSet(at: "\(folder.path)/genes.csv,\(folder.path)/other/genes.txt")
    #expect(data.description.modalities.map(\.name) == ["genes", "genes-2"])
    #expect(data.description.modalities.map(\.kind) == [.vector, .text])
    #expect(try data.split("test").columnNames(side: 0) == ["a", "b b", "c"])
  }

  @Test("a file that is not there and rows that do not pair are named")
  func refused() throws {
    let folder = try TemporaryFolder()
    try folder.write(Tensor.zeros([12, 2]), to: "x.npy")
    try folder.write(Tensor.zeros([11, 2]), to: "y.npy")
    try folder.write(Tensor.zeros([3, 2]), to: "z.npy")
    #expect(
      message { _ = try DataSet(at: "\(folder.path)/x.npy,\(folder.path)/w.npy") }?.contains("w.npy") == true)
    let unequal = message { _ = try DataSet(at: "\(folder.path)/x.npy,\(folder.path)/y.npy") }
    #expect(unequal?.contains("11") == true && unequal?.contains("12") == true, "\(unequal ?? "")")
    let few = message { _ = try DataSet(at: "\(folder.path)/z.npy,\(folder.path)/z.npy") }
    #expect(few?.contains("too few") == true)
  }
}

extension Items {
  fileprivate func firstNumbers() throws -> [Double] {
    guard case .vectors(let rows) = self else { return [] }
    return try (0..<rows.size(along: 0)).map { try rows[$0][0].item(as: Double.self) }
  }
}
