import Foundation
import Testing
import Torch

/// What torchvision and Pillow computed, from files that `Tests/Fixtures/make_pictures.py` wrote.
struct RecordedPictures {
  private let tensors: [String: Tensor]

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  init(_ file: String) throws {
    let path = Self.fixtures.appendingPathComponent("pictures/\(file).safetensors").path
    tensors = Dictionary(
      uniqueKeysWithValues: try SafeTensors.read(path).tensors.map { ($0.name, $0.tensor) })
  }

  subscript(_ name: String) -> Tensor {
    get throws { try #require(tensors[name], "nothing was recorded as \(name)") }
  }

  // MARK: - The twin of the script's rules

  private static let length = 1_000_003

  /// Fills every tensor of a state as the script does.
  static func fill(_ module: any Module) throws {
    let sines = try (Tensor.range(0..<length).to(.float64) * 12.9898).sin() * 43758.5453
    let table = try sines - sines.floor()
    for (p, entry) in module.stateEntries.enumerated() where !entry.name.hasSuffix("num_batches_tracked") {
      let shape = entry.tensor.shape
      let start = 7919 * p % length
      let times = (start + entry.tensor.count) / length + 1
      let u: Tensor
      if shape.count > 1 {
        let bound = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
        u = try (table * 2 - 1) * bound
      } else if entry.name.hasSuffix("running_var") {
        u = try table / 2 + 1
      } else if entry.name.hasSuffix("weight") {
        u = try table / 5 + 0.4
      } else {
        u = try (table * 2 - 1) / 10
      }
      // Rounded before it is repeated: the largest layer has a hundred million numbers.
      let repeated = try u.to(.float32).tiled(times)
      entry.tensor = try repeated[start..<start + entry.tensor.count].reshaped(to: shape).contiguous()
    }
  }

  /// The script's pictures, `[count, 3, side, side]`.
  static func pictures(_ count: Int, side: Int) throws -> Tensor {
    let i = try Tensor.range(0..<count * 3 * side * side).to(.float64)
    let sum = try (i * 0.37).sin().to(.float32) + (i * 0.0113).sin().to(.float32)
    return try sum.reshaped(count, 3, side, side)
  }
}
