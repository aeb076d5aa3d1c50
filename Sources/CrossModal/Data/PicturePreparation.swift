import Foundation
import Torch

/// How a published image encoder wants its pictures: resized, the middle cut out, every channel brought to a mean and a
/// deviation.
///
/// Sizes change exactly as Pillow changes them (``PictureResampling``); the result is that of the program which the
/// encoder was trained with, or one gray level away where a JPEG is decoded by another library.
public struct PicturePreparation: Sendable, Codable, Equatable {
  /// How a picture becomes a square.
  public enum ResizeMode: String, Sendable, Codable, CaseIterable {
    /// The shorter side becomes ``size`` and the middle is cut out: CLIP.
    case shortest
    /// Both sides become ``size``: SigLIP.
    case squash
    /// The longer side becomes ``size`` and the picture lies in the middle of a black square.
    case longest
  }

  /// Where the middle begins when the rest is odd.
  public enum CropRounding: String, Sendable, Codable, CaseIterable {
    /// Half a pixel goes to the even side: torchvision and open_clip.
    case halfEven = "half_even"
    /// Half a pixel goes up or to the left: transformers.
    case floor
  }

  /// Side of the squares.
  public var size: Int
  /// Side that the shorter one, or under ``ResizeMode/squash`` both, become before the middle is cut out; nil for
  /// ``size``.
  public var resize: Int?
  public var resizeMode: ResizeMode
  public var interpolation: PictureResampling
  public var cropRounding: CropRounding
  /// What is taken off each channel after division by 255.
  public var mean: [Double]
  /// What each channel is then divided by.
  public var std: [Double]

  /// What OpenAI's CLIP was trained with.
  public static let clipMean = [0.48145466, 0.4578275, 0.40821073]
  public static let clipDeviation = [0.26862954, 0.26130258, 0.27577711]

  public init(
    size: Int, resize: Int? = nil, resizeMode: ResizeMode = .shortest,
    interpolation: PictureResampling = .bicubic,
    cropRounding: CropRounding = .halfEven, mean: [Double] = clipMean, std: [Double] = clipDeviation
  ) {
    self.size = size
    self.resize = resize
    self.resizeMode = resizeMode
    self.interpolation = interpolation
    self.cropRounding = cropRounding
    self.mean = mean
    self.std = std
  }

  /// What SigLIP's published files say: the whole picture squashed, every channel from -1 to 1.
  public static func sigLIP(size: Int) -> PicturePreparation {
    PicturePreparation(
      size: size, resizeMode: .squash, cropRounding: .floor, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
  }

  // MARK: - Pictures

  /// A picture as the encoder sees it.
  ///
  /// - Parameter pixels: red, green and blue as uint8 `[h, w, 3]`.
  /// - Returns: float32 `[3, size, size]`.
  public func callAsFunction(_ pixels: Tensor) throws -> Tensor {
    try normalized(square(pixels).unsqueezed(at: 0))[0]
  }

  /// Pictures as the encoder sees them, float32 `[n, 3, size, size]`.
  ///
  /// - Throws: ``DataError`` naming the first picture that cannot be read, and for items that are no pictures.
  public func callAsFunction(_ items: Items) throws -> Tensor {
    let squares: [Tensor]
    switch items {
    case .pictures(let pictures):
      squares = try pictures.concurrentMap(threads: Runtime.threads) { picture in
        try withoutGradient { try square(picture.bytes()) }
      }
    case .images(let rows):
      guard rows.dtype == .uint8 else {
        throw DataError.unsupported(
          file: "the pictures", reason: "are \(rows.dtype), not bytes; leave scale out of dataset.yaml")
      }
      squares = try (0..<items.count).map { try square(Picture(.pixels(rows[$0])).bytes()) }
    default:
      throw DataError.unsupported(file: "items", reason: "of kind \(items.kind.rawValue) are no pictures")
    }
    guard !squares.isEmpty else { return try Tensor.zeros([0, 3, size, size]) }
    return try normalized(Tensor.stacked(squares))
  }

  /// The part of a picture that the encoder sees, uint8 `[size, size, 3]`.
  ///
  /// - Parameter pixels: red, green and blue as uint8 `[h, w, 3]`.
  public func square(_ pixels: Tensor) throws -> Tensor {
    let (h, w) = (pixels.size(along: 0), pixels.size(along: 1))
    guard pixels.dtype == .uint8, pixels.rank == 3, pixels.size(along: 2) == 3, h > 0, w > 0 else {
      throw DataError.wrongShape(file: "a picture", shape: pixels.shape, expected: "bytes [h, w, 3]")
    }
    let sides: [Int]
    switch resizeMode {
    case .squash: sides = [resize ?? size, resize ?? size]
    case .shortest:
      // The longer side is cut off to a whole number.
      let (side, shorter) = (resize ?? size, min(h, w))
      sides = [h, w].map { side * $0 / shorter }
    case .longest:
      let ratio = Double(size) / Double(max(h, w))
      sides = [h, w].map { max(1, Int((Double($0) * ratio).rounded(.toNearestOrEven))) }
    }
    let middle = sides.map { side in
      let start = start(side)
      return start..<min(side, start + size)
    }
    let resized = try interpolation.resized(
      pixels, height: sides[0], width: sides[1], rows: middle[0], columns: middle[1])
    let rests = middle.map { size - $0.count }
    guard rests.contains(where: { $0 > 0 }) else { return resized }
    let (top, left) = (rests[0] / 2, rests[1] / 2)
    return try resized.padded([0, 0, left, rests[1] - left, top, rests[0] - top])
  }

  /// Where the middle of a side begins; 0 for one that is shorter.
  private func start(_ side: Int) -> Int {
    let rest = max(0, side - size)
    return cropRounding == .floor ? rest / 2 : Int((Double(rest) / 2).rounded(.toNearestOrEven))
  }

  /// Squares uint8 `[n, size, size, 3]` as float32 `[n, 3, size, size]`.
  public func normalized(_ squares: Tensor) throws -> Tensor {
    let mean = try Tensor(mean.map(Float.init)).reshaped(to: [1, 3, 1, 1])
    let deviation = try Tensor(std.map(Float.init)).reshaped(to: [1, 3, 1, 1])
    let numbers = try squares.permuted(0, 3, 1, 2).contiguous().to(.float32) / 255
    return try (numbers - mean) / deviation
  }
}

extension Picture {
  /// Red, green and blue as bytes, whatever the data set multiplies them with after decoding.
  fileprivate func bytes() throws -> Tensor {
    var plain = self
    plain.scale = nil
    return try plain.decoded()
  }
}
