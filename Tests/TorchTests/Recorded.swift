import Foundation
import Testing
import Torch

/// What PyTorch computed, from files that `Tests/Fixtures/make_torch_fixtures.py` wrote.
struct Recorded {
  private let tensors: [String: Tensor]

  /// The folder of recorded files.
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/torch")

  static func path(_ file: String) -> String { folder.appendingPathComponent(file).path }

  init(_ file: String) throws {
    let contents = try SafeTensors.read(Recorded.path("\(file).safetensors"))
    tensors = Dictionary(uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.tensor) })
  }

  subscript(_ name: String) -> Tensor {
    get throws { try #require(tensors[name], "nothing was recorded as \(name)") }
  }

  /// Everything below a name, by what follows it.
  func all(below name: String) -> [(name: String, tensor: Tensor)] {
    tensors.filter { $0.key.hasPrefix(name + "/") }
      .map { (String($0.key.dropFirst(name.count + 1)), $0.value) }.sorted { $0.0 < $1.0 }
  }

  /// Checks that a tensor equals a recorded one, to 1e-6 unless told otherwise.
  func expect(
    _ tensor: Tensor?, equals name: String, to tolerance: Double = 1e-6,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try self[name]
    guard let tensor else {
      Issue.record("there is no tensor to compare with \(name)", sourceLocation: location)
      return
    }
    #expect(tensor.shape == expected.shape, "\(name)", sourceLocation: location)
    let difference = try (tensor.detached().to(.float64) - expected.to(.float64)).magnitude()
    let largest: Double = try difference.count == 0 ? 0 : difference.max().item()
    #expect(largest <= tolerance, "\(name) differs by \(largest)", sourceLocation: location)
  }
}
