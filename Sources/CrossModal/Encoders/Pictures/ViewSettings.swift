/// How views of pictures are made for a method that learns from pictures alone: the settings under `pictures`.
public struct ViewSettings: Sendable, Codable, Equatable {
  /// Side of the squares that the network sees in training; nil for what it was made for, and for the side of pictures
  /// of one size that are smaller.
  public var size: Int?
  /// Shorter side of whole pictures, whose maps are measured, shown and written; nil for 8/7 of ``size``, and for that of
  /// pictures of one size as they are.
  public var whole: Int?
  /// The smallest part that a view takes, as a share of the area.
  public var cropScale = 0.2
  /// Mirror half of the views.
  public var flip = true
  /// How much brightness, contrast and saturation vary, 0 to 1.
  public var jitter = 0.4
  /// How much hue varies, as a part of the circle, 0 to 0.5.
  public var hue = 0.1
  /// Share of the views whose colors vary.
  public var jitterShare = 0.8
  /// Share of the views without colors.
  public var grayShare = 0.2
  /// Share of the views that are blurred.
  public var blurShare = 0.5
  /// Least and most deviation of the blur in pixels.
  public var blur = [0.1, 2.0]
  /// Safetensors file, or run, with weights of the network to begin with; nil for random ones.
  public var weights: String?

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case size, whole, cropScale, flip, jitter, hue, jitterShare, grayShare, blurShare, blur, weights
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "pictures")
    size = try members.decodeIfPresent(Int.self, forKey: .size)
    whole = try members.decodeIfPresent(Int.self, forKey: .whole)
    cropScale = try members.value(.cropScale, or: cropScale)
    flip = try members.value(.flip, or: flip)
    jitter = try members.value(.jitter, or: jitter)
    hue = try members.value(.hue, or: hue)
    jitterShare = try members.value(.jitterShare, or: jitterShare)
    grayShare = try members.value(.grayShare, or: grayShare)
    blurShare = try members.value(.blurShare, or: blurShare)
    blur = try members.value(.blur, or: blur)
    weights = try members.decodeIfPresent(String.self, forKey: .weights)
  }

  /// Every key, with null where the network chooses.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(size, forKey: .size)
    try members.encode(whole, forKey: .whole)
    try members.encode(cropScale, forKey: .cropScale)
    try members.encode(flip, forKey: .flip)
    try members.encode(jitter, forKey: .jitter)
    try members.encode(hue, forKey: .hue)
    try members.encode(jitterShare, forKey: .jitterShare)
    try members.encode(grayShare, forKey: .grayShare)
    try members.encode(blurShare, forKey: .blurShare)
    try members.encode(blur, forKey: .blur)
    try members.encode(weights, forKey: .weights)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "size": .count(8...2048), "whole": .count(8...4096), "crop_scale": .above(0, to: 1), "jitter": .share,
    "hue": .from(0, to: 0.5), "jitter_share": .share, "gray_share": .share, "blur_share": .share,
    "blur": .above(0, to: 64),
  ]

  /// What the key says of itself.
  static let about =
    "how views of pictures are made: size (side of the views; null for what the network was made for), whole (shorter "
    + "side of whole pictures when they are measured; null for 8/7 of size), crop_scale (smallest share of the area), "
    + "flip (mirror half), jitter (of brightness, contrast and saturation), hue, jitter_share (of the views whose "
    + "colors vary), gray_share, blur_share, blur (least and most deviation in pixels), weights (safetensors file or "
    + "run to begin with)"

  /// How views are made of pictures for a network.
  ///
  /// - Parameters:
  ///   - shape: height, width and channels of pictures of one size; nil where they differ.
  ///   - usual: the side of the pictures that the network was made for.
  func transform(_ shape: [Int]?, usual: Int) -> ViewTransform {
    let own = shape.flatMap { $0.prefix(2).min() }
    let side = size ?? min(usual, own ?? usual)
    return ViewTransform(
      part: PictureTransform(size: side, crops: true, flips: flip, cropScale: cropScale...1),
      whole: whole ?? (size == nil ? own : nil) ?? Int((Double(side) * 8 / 7).rounded()),
      jitter: ColorJitter(brightness: jitter, contrast: jitter, saturation: jitter, hue: hue),
      jitterShare: jitterShare, grayShare: grayShare, blurShare: blurShare,
      blur: (blur.first ?? 0.1)...max(blur.first ?? 0.1, blur.last ?? 2))
  }
}
