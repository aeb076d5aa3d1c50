import Foundation
import Torch

/// Networks with published weights: the settings under `published`. What may differ by modality is one value for all, or
/// a list.
public struct PublishedEncoderSettings: Sendable, Codable, Equatable {
  /// What of a published network is trained.
  public enum Trained: Sendable, Equatable {
    /// Nothing: `freeze: all`.
    case nothing
    /// Everything: `freeze: none`.
    case everything
    /// So many blocks from the top, and what follows them.
    case blocks(Int)
  }

  /// What a published network gives.
  public enum Output: String, Sendable, Codable, CaseIterable {
    /// Vectors in the space that its two towers share.
    case projected
    /// What stands before the projection.
    case pooled
  }

  /// A file or folder of weights.
  public var weights = PerView<String?>(nil)
  public var freeze = Trained.nothing
  public var output = Output.projected
  /// A linear map to `embed_size` behind the network.
  public var map = false
  /// Heads of attention.
  public var heads = PerView<Int?>(nil)
  public var activation = PerView<TowerActivation?>(nil)
  /// The number of the piece at which a text is read.
  public var endToken: Int?
  /// Side of the pictures; positions are resampled where the network has others.
  public var imageSize: Int?
  /// How they are resampled; nil for antialias of CLIP's and none of SigLIP's.
  public var antialias: Bool?
  /// A tokenizer's file or folder.
  public var tokenizer: String?
  /// What is done to texts before they are cut into pieces.
  public var clean: TextCleaning?
  /// Most pieces of a text.
  public var contextLength: Int?
  public var cropRounding: PicturePreparation.CropRounding?
  public var resizeMode: PicturePreparation.ResizeMode?
  public var interpolation: PictureResampling?
  /// Multiplies the rate of each block once more the further it is from the top.
  public var layerDecay = 1.0
  /// Share of the published weights in what is kept after training.
  public var average = 0.0
  /// The sizes of each modality's network and how its pictures are brought to it, as the weights say: what a run keeps to
  /// be opened without them. Nothing that a user sets.
  public var towers: [PublishedTower?] = []

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case weights, freeze, output, map, heads, activation, endToken, imageSize, antialias, tokenizer, clean
    case contextLength, cropRounding, resizeMode, interpolation, layerDecay, average, towers
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "published")
    weights = try members.value(.weights, or: weights)
    freeze = try members.value(.freeze, or: freeze)
    output = try members.value(.output, or: output)
    map = try members.value(.map, or: map)
    heads = try members.value(.heads, or: heads)
    activation = try members.value(.activation, or: activation)
    endToken = try members.decodeIfPresent(Int.self, forKey: .endToken)
    imageSize = try members.decodeIfPresent(Int.self, forKey: .imageSize)
    antialias = try members.decodeIfPresent(Bool.self, forKey: .antialias)
    tokenizer = try members.decodeIfPresent(String.self, forKey: .tokenizer)
    clean = try members.decodeIfPresent(TextCleaning.self, forKey: .clean)
    contextLength = try members.decodeIfPresent(Int.self, forKey: .contextLength)
    cropRounding = try members.decodeIfPresent(PicturePreparation.CropRounding.self, forKey: .cropRounding)
    resizeMode = try members.decodeIfPresent(PicturePreparation.ResizeMode.self, forKey: .resizeMode)
    interpolation = try members.decodeIfPresent(PictureResampling.self, forKey: .interpolation)
    layerDecay = try members.value(.layerDecay, or: layerDecay)
    average = try members.value(.average, or: average)
    towers = try members.value(.towers, or: towers)
  }

  /// Every key, with null where the weights decide.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(weights, forKey: .weights)
    try members.encode(freeze, forKey: .freeze)
    try members.encode(output, forKey: .output)
    try members.encode(map, forKey: .map)
    try members.encode(heads, forKey: .heads)
    try members.encode(activation, forKey: .activation)
    try members.encode(endToken, forKey: .endToken)
    try members.encode(imageSize, forKey: .imageSize)
    try members.encode(antialias, forKey: .antialias)
    try members.encode(tokenizer, forKey: .tokenizer)
    try members.encode(clean, forKey: .clean)
    try members.encode(contextLength, forKey: .contextLength)
    try members.encode(cropRounding, forKey: .cropRounding)
    try members.encode(resizeMode, forKey: .resizeMode)
    try members.encode(interpolation, forKey: .interpolation)
    try members.encode(layerDecay, forKey: .layerDecay)
    try members.encode(average, forKey: .average)
    // Where no weights are named there is nothing to keep.
    if !towers.isEmpty { try members.encode(towers, forKey: .towers) }
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "freeze": .count(0...1 << 12), "heads": .count(1...1 << 12), "end_token": .count(0...1 << 24),
    "image_size": .count(1...4096), "context_length": .count(2...1 << 16),
    "layer_decay": .above(0, to: 1), "average": .from(0, to: 1),
  ]

  /// What the key says of itself.
  static let about =
    "networks of encoder published, with weights trained elsewhere (CLIP, SigLIP, sentence encoders): weights (a "
    + "safetensors file or a folder; a list gives each modality its own), freeze (all, none, or how many blocks from the "
    + "top are trained), output (projected, or pooled, before the projection), map (a linear map to embed_size behind "
    + "it), heads, activation (quick_gelu, gelu, gelu_pytorch_tanh) and end_token (null: as the file's configuration or "
    + "the rules say), image_size and antialias (other pictures, with positions resampled), tokenizer (its file, where "
    + "it is not beside the weights), context_length, clean (openai, huggingface, whitespace, canonicalize), "
    + "crop_rounding (half_even, floor), resize_mode (shortest, squash, longest) and interpolation (bilinear, bicubic; "
    + "null: as the files say), layer_decay (of the rate, for each block further from the top), average (share of the "
    + "published weights in what is kept after training)"

  /// What the file does not say and the user does.
  ///
  /// - Parameter side: the modality's place.
  func overrides(side: Int) -> PublishedArchitecture.Overrides {
    var overrides = PublishedArchitecture.Overrides()
    (overrides.visionHeads, overrides.textHeads) = (heads[side], heads[side])
    (overrides.visionActivation, overrides.textActivation) = (activation[side], activation[side])
    overrides.endToken = endToken
    return overrides
  }

  /// Puts what belongs to modalities at other places.
  ///
  /// - Parameter sides: where that of each place stood.
  mutating func reorder(_ sides: [Int]) {
    weights = PerView(sides.map { weights[$0] })
    heads = PerView(sides.map { heads[$0] })
    activation = PerView(sides.map { activation[$0] })
    towers = sides.map { tower(side: $0) }
  }

  /// The network of a modality.
  func tower(side: Int) -> PublishedTower? { towers.indices.contains(side) ? towers[side] : nil }
}

extension PublishedEncoderSettings.Trained: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self), count >= 0 {
      self = count == 0 ? .nothing : .blocks(count)
      return
    }
    switch try container.decode(String.self) {
    case "all": self = .nothing
    case "none": self = .everything
    default:
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "all, none, or how many blocks from the top are trained")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .nothing: try container.encode("all")
    case .everything: try container.encode("none")
    case .blocks(let count): try container.encode(count)
    }
  }
}

/// A published network for the items of one modality: its sizes, and how pictures are brought to it.
public struct PublishedTower: Sendable, Codable, Equatable {
  public var sizes: PublishedTowerSizes
  /// Of pictures.
  public var preparation: PicturePreparation?
  /// Most pieces of a text, where that is fewer than there are positions for.
  public var longest: Int?
  /// What is put in front of every text.
  public var prompt: String?

  public init(_ sizes: PublishedTowerSizes, preparation: PicturePreparation? = nil) {
    self.sizes = sizes
    self.preparation = preparation
  }
}
