import Foundation
import Testing
import Torch

@Suite("PyTorch checkpoints")
struct TorchCheckpointTests {
  private func path(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fixtures/checkpoints/\(name)")
      .standardizedFileURL.path
  }

  private func eighths(_ count: Int) -> [Double] { (0..<count).map { Double($0) / 8 } }

  @Test(
    "a state dictionary comes with its names in order, in every format",
    arguments: ["state_dict.pt", "protocol4.pt", "old_format.pt"])
  func stateDictionary(name: String) throws {
    let weights = try TorchCheckpoint(path(name)).weights
    #expect(weights.map(\.name) == ["fc.weight", "fc.bias"])
    #expect(weights.map(\.tensor.shape) == [[3, 4], [3]])
    #expect(try weights[0].tensor.values() == eighths(12))
    #expect(weights[0].tensor.dtype == .float32)
  }

  @Test("a list of state dictionaries keeps its numbers; settings beside them are facts")
  func nested() throws {
    let checkpoint = try TorchCheckpoint(path("nested.pt"))
    #expect(checkpoint.weights.map(\.name) == ["0.fc.weight", "0.fc.bias", "1.embed.weight"])
    let facts = Dictionary(uniqueKeysWithValues: checkpoint.facts.map { ($0.name, $0.value) })
    #expect(facts["epoch"] == "7")
    #expect(facts["best_rsum"] == "402.5")
    #expect(facts["opt.margin"] == "0.2")
    #expect(facts["opt.max_violation"] == "true")
    #expect(facts["opt.data_name"] == "f30k_precomp")
  }

  @Test("the wrapper, the names of data-parallel training and the optimiser's tensors are taken off")
  func parallel() throws {
    #expect(try TorchCheckpoint(path("parallel.pt")).weights.map(\.name) == ["fc.weight", "fc.bias"])
  }

  @Test("every type of number, views, parameters, NumPy arrays and numbers are read")
  func types() throws {
    let tensors = Dictionary(
      uniqueKeysWithValues: try TorchCheckpoint(path("types.pt")).tensors.map { ($0.name, $0.tensor) })
    let dtypes: [String: DataType] = [
      "half": .float16, "bfloat": .bfloat16, "double": .float64, "long": .int64, "bool": .bool,
      "byte": .uint8,
    ]
    for (name, dtype) in dtypes { #expect(tensors[name]?.dtype == dtype, "\(name)") }
    for name in ["half", "bfloat", "double"] { #expect(try tensors[name]?.values() == eighths(4), "\(name)") }
    #expect(try tensors["long"]?.values() == [0, 1, 2, 3])
    #expect(try tensors["bool"]?.values() == [true, false])
    #expect(try tensors["transposed"]?.transposed().contiguous().values() == eighths(12))
    #expect(tensors["transposed"]?.shape == [4, 3])
    #expect(try tensors["view"]?.values() == [0.25, 0.5, 0.75])
    #expect(try tensors["scalar"]?.item() == 2.5)
    #expect(tensors["empty"]?.shape == [0, 3])
    #expect(try tensors["parameter"]?.values() == eighths(4))
    #expect(try tensors["array"]?.values() == eighths(6))
    #expect(try tensors["fortran"]?.values() == eighths(6))
    #expect(tensors["fortran"]?.shape == [2, 3])
    #expect(try tensors["number"]?.item() == 1.5)
    let newest = try TorchCheckpoint(path("protocol5.pt")).tensors
    #expect(newest.map(\.name) == ["array", "fortran"])
    for (name, tensor) in newest {
      #expect(try tensor.values() == eighths(6), "\(name)")
      #expect(tensor.shape == [2, 3], "\(name)")
    }
    let old = try TorchCheckpoint(path("old_types.pt")).weights
    #expect(old.map(\.name) == ["first", "same"])
    #expect(try old[1].tensor.values() == [0.5, 0.625, 0.75, 0.875])
  }

  @Test("what a pickle names is never executed")
  func neverExecuted() throws {
    let checkpoint = try TorchCheckpoint(path("callable.pt"))
    #expect(checkpoint.tensors.map(\.name) == ["good"])
    #expect(!FileManager.default.fileExists(atPath: "EXECUTED"))
  }

  @Test(
    "a damaged file is an error or a checkpoint, never a crash",
    arguments: ["nested.pt", "old_format.pt", "types.pt"])
  func damaged(name: String) throws {
    let whole = try Data(contentsOf: URL(filePath: path(name)))
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pt")
    defer { try? FileManager.default.removeItem(at: file) }
    var random = SplitMix(state: 7)
    for round in 0..<400 {
      var bytes = whole
      if round % 4 == 0 {
        bytes = bytes.prefix(Int(random.next() % UInt64(whole.count)))
      } else {
        for _ in 0..<(1 + round % 5) {
          bytes[Int(random.next() % UInt64(whole.count))] = UInt8(truncatingIfNeeded: random.next())
        }
      }
      try bytes.write(to: file)
      do {
        _ = try TorchCheckpoint(file.path).weights
      } catch let error as any LocalizedError {
        #expect(error.errorDescription?.contains(file.lastPathComponent) == true)
      }
    }
  }

  @Test("a file that is something else is named")
  func foreign() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pt")
    defer { try? FileManager.default.removeItem(at: file) }
    for text in ["", "PK\u{3}\u{4}", "weights"] {
      try Data(text.utf8).write(to: file)
      #expect(throws: (any Error).self) { try TorchCheckpoint(file.path) }
    }
  }
}

/// Numbers that a seed fixes.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
