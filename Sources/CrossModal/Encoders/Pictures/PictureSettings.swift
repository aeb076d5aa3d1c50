/// How pictures are brought to a network: the settings under `pictures`.
public struct PictureSettings: Sendable, Codable, Equatable {
  /// Side of the squares that the network sees; nil for 224 before ResNet and VGG and, where pictures have sizes of
  /// their own, 32 before other networks.
  public var size: Int?
  /// Train on random parts of the pictures and evaluate on their middle; nil for ResNet and VGG only.
  public var crop: Bool?
  /// The smallest part that a random crop takes, as a share of the area.
  public var cropScale = 0.08
  /// Mirror half of the pictures in training; nil where they are cropped.
  public var flip: Bool?
  /// How much brightness, contrast and saturation vary in training, 0 to 1.
  public var jitter = 0.0
  /// How much hue varies in training, as a part of the circle, 0 to 0.5.
  public var hue = 0.0
  /// Safetensors file with weights of ResNet or VGG, or a run that learned such a network; nil for random ones, which must
  /// be trained along.
  public var weights: String?
  /// Train ResNet or VGG along.
  public var finetune = false
  /// How it then normalizes and drops.
  public var mode = CNNEncoder.Mode.train

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case size, crop, cropScale, flip, jitter, hue, weights, finetune, mode
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "pictures")
    size = try members.decodeIfPresent(Int.self, forKey: .size)
    crop = try members.decodeIfPresent(Bool.self, forKey: .crop)
    cropScale = try members.value(.cropScale, or: cropScale)
    flip = try members.decodeIfPresent(Bool.self, forKey: .flip)
    jitter = try members.value(.jitter, or: jitter)
    hue = try members.value(.hue, or: hue)
    weights = try members.decodeIfPresent(String.self, forKey: .weights)
    finetune = try members.value(.finetune, or: finetune)
    mode = try members.value(.mode, or: mode)
  }

  /// Every key, with null where the network chooses.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(size, forKey: .size)
    try members.encode(crop, forKey: .crop)
    try members.encode(cropScale, forKey: .cropScale)
    try members.encode(flip, forKey: .flip)
    try members.encode(jitter, forKey: .jitter)
    try members.encode(hue, forKey: .hue)
    try members.encode(weights, forKey: .weights)
    try members.encode(finetune, forKey: .finetune)
    try members.encode(mode, forKey: .mode)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "size": .count(8...2048), "crop_scale": .above(0, to: 1), "jitter": .share, "hue": .from(0, to: 0.5),
  ]

  /// What the key says of itself.
  static let about =
    "how pictures are brought to the network: size (side; null for 224 before resnet and vgg, else 32), crop (random "
    + "parts in training, the middle in evaluation; null for resnet and vgg only), crop_scale (smallest share of the "
    + "area), flip (mirror half in training; null as crop), jitter (of brightness, contrast and saturation), hue, weights (safetensors file for resnet or vgg, or a run of densecl), finetune (train "
    + "it along), mode (train; eval for fixed statistics and no dropout in finetuning)"

  /// Whether anything is said that changes pictures which have one size already.
  var isSet: Bool { size != nil || crop == true || flip == true || jitter > 0 || hue > 0 }

  /// What is done to pictures before a network.
  ///
  /// - Parameters:
  ///   - size: where the settings say nothing.
  ///   - crops: where the settings say nothing.
  func transform(size: Int, crops: Bool) -> PictureTransform {
    let crops = crop ?? crops
    var transform = PictureTransform(
      size: self.size ?? size, crops: crops, flips: flip ?? crops,
      jitter: ColorJitter(brightness: jitter, contrast: jitter, saturation: jitter, hue: hue))
    transform.cropScale = cropScale...1
    return transform
  }

}
