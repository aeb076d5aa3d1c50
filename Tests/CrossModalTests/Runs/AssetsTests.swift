import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Files that training begins with")
struct AssetsTests {
  private static func data(_ folder: TemporaryFolder) throws -> DataSet {
    let generator = try Generator(seed: 1)
    for name in ["x", "y"] { try folder.write(Tensor.normal([12, 3], using: generator), to: "\(name).npy") }
    try folder.write(
      """
      modalities:
        x: { file: x.npy, kind: vector }
        y: { file: y.npy, kind: vector }
      splits: { train: "0:8", val: "8:12" }
      """, to: "dataset.yaml")
    return try DataSet(at: folder.path)
  }

  private static func train(
    _ folder: TemporaryFolder, _ out: String, epochs: Int = 2, start: RunStart = .new
  ) throws -> [String: [UInt8]] {
    let settings: JSON = [
      "pairs": .string(folder.file("pairs.txt").path), "embed_size": 4, "hidden": 4, "batch_size": 2,
      "epochs": .int(epochs), "threads": 1,
    ]
    return try bits(
      Run.train(
        Contrastive.self, settings: RunSettings(settings), data: data(folder),
        into: folder.url.appending(path: out), start: start
      ).run.method)
  }

  @Test("pairs of a file are read for a run and for one that is continued, and others learn otherwise")
  func pairs() throws {
    let folder = try TemporaryFolder()
    try folder.write("0 1 similar\n2 3 dissimilar\n4 4 similar\n5 6 dissimilar\n", to: "pairs.txt")
    let whole = try Self.train(folder, "whole")
    #expect(try Self.train(folder, "whole", start: .resuming) == whole)
    try folder.write("0 1 dissimilar\n2 3 similar\n4 4 dissimilar\n5 6 similar\n", to: "pairs.txt")
    #expect(try Self.train(folder, "other") != whole)
  }

  @Test("a file that cannot be used is told before there is a folder, also where a run is continued")
  func refused() throws {
    let folder = try TemporaryFolder()
    try folder.write("0 8 similar\n", to: "pairs.txt")
    let error = #expect(throws: DataError.self) { try Self.train(folder, "run") }
    #expect(error?.errorDescription?.contains("names row 8 of y") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("run").path))
    try folder.write("0 1 similar\n2 3 dissimilar\n", to: "pairs.txt")
    _ = try Self.train(folder, "run")
    try folder.write("0 1 alike\n", to: "pairs.txt")
    #expect(throws: DataError.self) { try Self.train(folder, "run", start: .resuming) }
  }
}
