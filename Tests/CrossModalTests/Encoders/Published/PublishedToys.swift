import Foundation
import Torch

@testable import CrossModal

/// Published models small enough for tests, with random numbers.
enum PublishedToys {
  /// Pictures of 24 by 24 in patches of 8, texts of at most 10 of 40 pieces, of which the last is the end mark.
  static func clip(
    width: Int = 32, heads: Int = 4, projection: CLIPTextTower.Projection = .matrix, context: Int = 10,
    pieces: Int = 40, output: Int = 16, seed: UInt64 = 1
  ) throws -> PublishedModel {
    var architecture = PublishedArchitecture(scheme: .openai)
    let blocks = BlockSizes(width: width, layers: 2, heads: heads, mlpWidth: 48)
    var vision = PublishedTowerSizes()
    vision.vit = VisionTransformer.Sizes(blocks: blocks, patchSize: 8, imageSize: 24, output: output)
    var text = PublishedTowerSizes()
    var sizes = CLIPTextTower.Sizes(
      blocks: blocks, contextLength: context, vocabSize: pieces, output: output)
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

  // MARK: - Files

  /// Byte pairs enough to write any text, with a few words of their own; 518 of them, the end mark last.
  static func writeTokenizer(to folder: TemporaryFolder) throws {
    var signs: [String] = []
    let own = Array(33...126) + Array(161...172) + Array(174...255)
    for byte in own { signs.append(String(UnicodeScalar(byte).map(Character.init) ?? " ")) }
    for place in 0..<(256 - own.count) {
      signs.append(String(UnicodeScalar(256 + place).map(Character.init) ?? " "))
    }
    let merges = [("r", "e"), ("re", "d</w>"), ("c", "a"), ("ca", "t</w>")]
    let all =
      signs + signs.map { $0 + "</w>" } + merges.map { $0 + $1 } + ["<|startoftext|>", "<|endoftext|>"]
    let vocabulary = JSON.object(all.enumerated().map { JSON.Member($1, .int($0)) })
    try folder.write(vocabulary.text(), to: "vocab.json")
    let lines = ["#version: 0.2"] + merges.map { "\($0) \($1)" }
    try folder.write(lines.joined(separator: "\n") + "\n", to: "merges.txt")
  }

  /// A folder as Hugging Face's of CLIP: weights, configuration, settings of pictures, tokenizer.
  @discardableResult
  static func writeFolder(_ folder: TemporaryFolder, seed: UInt64 = 1) throws -> PublishedModel {
    let model = try clip(context: 12, pieces: 520, output: 8, seed: seed)
    try SafeTensors.write(
      HuggingFaceNames.huggingface(of: model.state), to: folder.file("model.safetensors").path)
    let tower: JSON = ["num_attention_heads": 4, "hidden_act": "quick_gelu", "hidden_size": 32]
    var text = tower
    text["eos_token_id"] = 2
    try folder.write(
      (["model_type": "clip", "vision_config": tower, "text_config": text] as JSON).text(), to: "config.json")
    let pictures: JSON = [
      "size": ["shortest_edge": 24], "crop_size": ["height": 24, "width": 24], "do_center_crop": true,
      "resample": 3,
    ]
    try folder.write(pictures.text(), to: "preprocessor_config.json")
    try writeTokenizer(to: folder)
    return model
  }

  /// Such a folder for all tests of a process, which goes away with it.
  static let folder: TemporaryFolder? = {
    guard let folder = try? TemporaryFolder(), (try? writeFolder(folder)) != nil else { return nil }
    atexit { try? FileManager.default.removeItem(atPath: PublishedToys.folder?.path ?? "") }
    return folder
  }()

  /// Pictures of one color and what they are called, half of them to learn from.
  static func data(
    _ names: (pictures: String, texts: String) = ("photo", "caption"), swapped: Bool = false
  ) throws -> DataSet {
    let colors = [
      ("red", [200, 20, 20]), ("cat", [30, 180, 40]), ("blue", [20, 30, 210]), ("white", [240, 240, 240]),
    ]
    var pictures: [Picture] = []
    var texts: [String] = []
    for round in 0..<4 {
      for (name, color) in colors {
        var pixels: [UInt8] = []
        for place in 0..<(20 * (24 + round)) { pixels += color.map { UInt8(min(255, $0 + place % 7)) } }
        pictures.append(Picture(.pixels(try Tensor(pixels, shape: [20, 24 + round, 3]))))
        texts.append("a \(name) one, number \(round)")
      }
    }
    let (x, y) = (
      DataSet.Modality(names.pictures, .pictures(pictures)), DataSet.Modality(names.texts, .texts(texts))
    )
    return try DataSet(
      name: "colors", swapped ? [y, x] : [x, y], splits: ["train": Array(0..<8), "test": Array(8..<16)])
  }
}
