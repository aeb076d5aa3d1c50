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

  /// A file of the format before PyTorch 1.6, without storages, around the instructions of a pickle.
  private func checkpoint(_ instructions: [UInt8]) throws -> TorchCheckpoint {
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    let head = magic + [0x4D, 0xE9, 0x03, 0x2E] + Array("}.".utf8)
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pt")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(head + instructions + Array(".].".utf8)).write(to: file)
    return try TorchCheckpoint(file.path)
  }

  /// The instructions of a dictionary of values by key.
  private func dictionary(_ members: [(String, [UInt8])]) -> [UInt8] {
    members.reduce([UInt8(ascii: "}")]) { written, member in
      written + [UInt8(ascii: "U"), UInt8(member.0.utf8.count)] + Array(member.0.utf8) + member.1
        + [UInt8(ascii: "s")]
    }
  }

  /// The instructions of NumPy's float32 0.
  private var number: [UInt8] {
    Array("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\u{2}f4tRC\u{4}\0\0\0\0tR".utf8)
  }

  @Test("dictionaries around the weights, and what wrappers put before names, are taken off")
  func wrappers() throws {
    func names(_ members: [(String, [UInt8])]) throws -> [String] {
      try checkpoint(dictionary(members)).weights.map(\.name)
    }
    #expect(
      try names([("net.0.weight", number), ("net.2.weight", number)]) == ["net.0.weight", "net.2.weight"])
    #expect(try names([("state_dict", dictionary([("model.fc.weight", number)]))]) == ["fc.weight"])
    let inner = dictionary([("module.a", number), ("module.b", number)])
    let optimizer = dictionary([("state", dictionary([("exp_avg", number)]))])
    #expect(
      try names([("model", dictionary([("state_dict", inner)])), ("optimizer", optimizer)]) == ["a", "b"])
    #expect(try names([("optimizer.weight", number), ("b", number)]) == ["optimizer.weight", "b"])
  }

  @Test("values inside one another without end, or held again and again, are refused")
  func nesting() throws {
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    func int(_ number: Int) -> [UInt8] { withUnsafeBytes(of: Int32(number).littleEndian, Array.init) }
    let depth = 50_000
    let tuples = bytes(")") + [UInt8](repeating: 0x85, count: depth)
    let upwards = bytes(String(repeating: "]", count: depth) + String(repeating: "a", count: depth - 1))
    // Each list is put into the one before, which is inside others already.
    var downwards = bytes("]r") + int(0)
    for i in 1..<depth { downwards += bytes("j") + int(i - 1) + bytes("]r") + int(i) + bytes("a0") }
    downwards += bytes("j") + int(0)
    let objects =
      bytes("c__main__\nA\n)R") + (0..<depth).flatMap { _ in bytes("c__main__\nA\n)R") }
      + [UInt8](repeating: UInt8(ascii: "b"), count: depth)
    for deep in [tuples, upwards, downwards, objects] {
      #expect(throws: CheckpointError.self) { try checkpoint(deep) }
    }
    var doubled = bytes("]q") + [0]
    for i in 1...40 {
      doubled += bytes("](h") + [UInt8(i - 1)] + bytes("h") + [UInt8(i - 1)] + bytes("eq") + [UInt8(i)]
    }
    let error = #expect(throws: CheckpointError.self) { try checkpoint(doubled) }
    #expect(error?.reason == "repeats its values too often")
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
