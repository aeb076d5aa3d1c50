import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("tables of a run")
struct TableTests {
  /// Rows of a `.csv` that was written.
  private static func rows(_ folder: URL, _ name: String) throws -> [[String]] {
    let table = try DelimitedTable(folder.appendingPathComponent(name), hasHeader: false)
    return try (0..<table.count).map { try table.fields(at: $0) }
  }

  @Test("hold what was found, by the names of the columns")
  func contents() throws {
    let folder = try TemporaryFolder()
    let lines = (0..<30).map { row in
      "\(Double(row * 7 % 30)),\(Double(row * row % 11)),\(Double(row * 7 % 30) + Double(row % 3))"
    }
    try folder.write("height,\"weight, kg\",age\n" + lines.joined(separator: "\n"), to: "a.csv")
    let other = try Tensor.normal([30, 2], using: Generator(seed: 1))
    try folder.write(other, to: "b.npy")
    let data = try DataSet(at: "\(folder.path)/a.csv,\(folder.path)/b.npy")
    let run = try Run.learn(CCA.self, from: data.split("train")) { $0.k = .fixed(2) }
    let out = folder.file("tables")
    try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
    let files = try run.writeTables(of: [data.split("train"), data.split("test")], to: out)
    #expect(
      Set(files) == [
        "correlations.csv", "weights-a.csv", "weights-b.csv", "loadings-a.csv", "loadings-b.csv",
        "variates-a.csv", "variates-b.csv",
      ])
    let loadings = try Self.rows(out, "loadings-a.csv")
    #expect(loadings.map { $0[0] } == ["column", "height", "weight, kg", "age"])
    let method = try #require(run.method as? CCA)
    #expect(Double(loadings[1][1]) == (try method.loadingsX[0][0].item(as: Double.self)))
    #expect(try Self.rows(out, "weights-b.csv").map { $0[0] } == ["column", "0", "1"])
    let correlations = try Self.rows(out, "correlations.csv")
    #expect(correlations[0] == ["component", "learned", "train", "test"] && correlations.count == 3)
    let variates = try Self.rows(out, "variates-a.csv")
    #expect(variates.count == 31 && variates[0] == ["split", "row", "id", "1", "2"])
    let expected = try run.encode(data.split("test").items(side: 0), side: 0).values[3][1].item(
      as: Double.self)
    #expect(Double(variates[1 + 24 + 3][4]) == expected && variates[28].prefix(2) == ["test", "3"])
  }

  @Test("are refused for a method without components")
  func refused() throws {
    let folder = try TemporaryFolder()
    let data = try DataSet(at: BundledData.folder("digits-halves").path)
    let run = try Run.learn(CLIP.self, from: data.split("train", rows: Array(0..<60))) {
      $0.embedSize = 8
    } training: {
      $0.epochs = 1
    }
    let said = message { _ = try run.writeTables(of: [data.split("test")], to: folder.url) }
    #expect(said?.contains("canonical components") == true)
  }
}
