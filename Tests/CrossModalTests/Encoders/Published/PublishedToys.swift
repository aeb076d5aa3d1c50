import Foundation
import Torch

@testable import CrossModal

/// Published models small enough for tests, with random numbers.
enum PublishedToys {
  /// Pictures of 24 by 24 in patches of 8, texts of at most 10 of 40 pieces, of which the last is the end mark.
  static func clip(
    width: Int = 32, heads: Int = 4, projection: CLIPTextTower.Projection = .matrix, seed: UInt64 = 1
  ) throws -> PublishedModel {
    var architecture = PublishedArchitecture(scheme: .openai)
    let blocks = BlockSizes(width: width, layers: 2, heads: heads, mlpWidth: 48)
    var vision = PublishedTowerSizes()
    vision.vit = VisionTransformer.Sizes(blocks: blocks, patchSize: 8, imageSize: 24, output: 16)
    var text = PublishedTowerSizes()
    var sizes = CLIPTextTower.Sizes(blocks: blocks, contextLength: 10, vocabSize: 40, output: 16)
    sizes.projection = projection
    text.text = sizes
    architecture.vision = vision
    architecture.text = text
    architecture.hasLogitScale = true
    return try random(architecture, seed: seed)
  }

  static func resnet(layers: [Int] = [1, 1, 1, 1], seed: UInt64 = 1) throws -> PublishedModel {
    var architecture = PublishedArchitecture(scheme: .openai)
    var vision = PublishedTowerSizes()
    vision.resnet = ModifiedResNet.Sizes(width: 4, layers: layers, heads: 2, imageSize: 64, output: 12)
    architecture.vision = vision
    return try random(architecture, seed: seed)
  }

  static func siglip(seed: UInt64 = 1) throws -> PublishedModel {
    var architecture = PublishedArchitecture(scheme: .siglip)
    let blocks = BlockSizes(
      width: 32, layers: 2, heads: 4, mlpWidth: 40, activation: .geluByTanh, layerNormEps: 1e-6)
    var vision = PublishedTowerSizes()
    vision.siglip = SigLIPPictureTower.Sizes(blocks: blocks, patchSize: 8, imageSize: 24)
    var text = PublishedTowerSizes()
    text.siglipText = SigLIPTextTower.Sizes(blocks: blocks, contextLength: 9, vocabSize: 30, output: 32)
    architecture.vision = vision
    architecture.text = text
    architecture.hasLogitScale = true
    architecture.hasLogitBias = true
    return try random(architecture, seed: seed)
  }

  private static func random(_ architecture: PublishedArchitecture, seed: UInt64) throws -> PublishedModel {
    let model = try PublishedModel(architecture)
    let generator = try Generator(seed: seed)
    for entry in model.stateEntries where entry.tensor.dtype.isFloatingPoint {
      let drawn = try Tensor.normal(entry.tensor.shape, using: generator)
      let isGain =
        entry.name.hasSuffix("weight") && entry.tensor.rank == 1 || entry.name.hasSuffix("running_var")
      entry.tensor = isGain ? try (drawn * 0.1).exp() : try drawn * 0.2
    }
    return model
  }

  static func pictures(_ count: Int, side: Int = 24, seed: UInt64 = 5) throws -> Tensor {
    try Tensor.normal([count, 3, side, side], using: Generator(seed: seed))
  }

  /// Texts of different lengths behind the start mark 38, each ended by 39 and padded with 0.
  static func tokens(_ lengths: [Int], context: Int = 10) throws -> Tensor {
    var rows: [Int] = []
    for (row, length) in lengths.enumerated() {
      rows.append(38)
      for place in 0..<length { rows.append((7 * row + 3 * place) % 37 + 1) }
      rows.append(39)
      rows += [Int](repeating: 0, count: context - length - 2)
    }
    return try Tensor(rows, shape: [lengths.count, context])
  }

  static func isClose(_ x: Tensor, _ y: Tensor, to tolerance: Double = 1e-5) throws -> Bool {
    guard x.shape == y.shape else { return false }
    return try (x.to(.float32) - y.to(.float32)).magnitude().max().item(as: Double.self) <= tolerance
  }
}
