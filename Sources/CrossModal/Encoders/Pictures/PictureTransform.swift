import Foundation
import Torch

/// Pictures of any size as squares of one size: what torchvision's `RandomResizedCrop`, `RandomHorizontalFlip` and
/// `ColorJitter` do in training and `Resize` with `CenterCrop` in evaluation.
///
/// Every random choice comes from the generator of the pass, a fixed number of choices a picture. Sizes change by
/// antialiased bilinear weights on bytes, within a gray level of Pillow's.
public struct PictureTransform: Sendable {
  /// Side of the squares.
  public var size: Int
  /// Side to which the shorter one is brought before the middle is cut out in evaluation.
  public var resize: Int
  /// Random parts in training and the middle in evaluation; the whole picture, whatever its form, otherwise.
  public var crops: Bool
  /// Share of the area that a random part has.
  public var cropScale: ClosedRange<Double>
  /// Width divided by height of a random part, before it becomes a square.
  public var cropRatio: ClosedRange<Double> = 3.0 / 4...4.0 / 3
  /// Mirror half of the pictures in training.
  public var flips: Bool
  /// Change of colors in training.
  public var jitter: ColorJitter

  /// - Parameter resize: in proportion as 256 to 224 when nil.
  public init(
    size: Int, resize: Int? = nil, crops: Bool = true, flips: Bool = true,
    jitter: ColorJitter = ColorJitter(), cropScale: ClosedRange<Double> = 0.08...1
  ) {
    self.cropScale = cropScale
    self.size = size
    self.resize = resize ?? Int((Double(size) * 256 / 224).rounded())
    self.crops = crops
    self.flips = flips
    self.jitter = jitter
  }

  /// Pictures of one size, `[n, size, size, 3]` (or as many channels as an array has); uint8 unless they come as
  /// other numbers.
  ///
  /// - Throws: ``DataError`` naming the first picture that cannot be read; ``ConfigurationError`` for other items.
  public func callAsFunction(_ items: Items, _ pass: Pass) throws -> Items {
    let count = items.count
    let choices = try pass.choices(count, Self.choicesPerPicture)
    let squares: [Tensor]
    switch items {
    case .pictures(let pictures):
      squares = try Array(zip(pictures, choices)).concurrentMap(threads: Runtime.threads) { picture, own in
        try withoutGradient { try square(picture.decoded(), own) }
      }
    case .images(let rows):
      squares = try (0..<count).map { try square(rows[$0], choices[$0]) }
    default:
      throw ConfigurationError.badValue(
        key: "pictures", value: "an item of kind \(items.kind.rawValue)", expected: "a picture")
    }
    guard !squares.isEmpty else { return try .images(Tensor.zeros([0, size, size, 3], .uint8)) }
    let all = try Tensor.stacked(squares)
    guard pass.isTraining, !jitter.isNone else { return .images(all) }
    return .images(try jitter.applied(to: all, choices.map { Array($0.suffix(ColorJitter.choices)) }))
  }

  // MARK: - One picture

  /// Numbers in 0..<1 that decide over a picture: ten tries of a part (area, form), its place, the mirror, colors.
  private static let tries = 10
  static let choicesOfPart = 2 * tries + 3
  private static let choicesPerPicture = choicesOfPart + ColorJitter.choices

  /// A random part of a picture, resized and perhaps mirrored, and where it lies.
  ///
  /// - Parameters:
  ///   - pixels: `[h, w, c]`.
  ///   - choices: ``choicesOfPart`` numbers in 0..<1.
  func randomPart(of pixels: Tensor, _ choices: [Double]) throws -> (pixels: Tensor, place: PicturePart) {
    let found = part(of: pixels.size(along: 0), pixels.size(along: 1), choices)
    let place = PicturePart(
      top: Double(found.rows.lowerBound), left: Double(found.columns.lowerBound),
      height: Double(found.rows.count), width: Double(found.columns.count),
      isMirrored: flips && choices[2 * Self.tries + 2] < 0.5)
    return (try square(pixels, choices), place)
  }

  /// - Parameters:
  ///   - pixels: `[h, w, c]`.
  ///   - choices: nothing in evaluation.
  private func square(_ pixels: Tensor, _ choices: [Double]) throws -> Tensor {
    let (height, width) = (pixels.size(along: 0), pixels.size(along: 1))
    let isTraining = !choices.isEmpty
    let planes = try pixels.permuted(2, 0, 1).unsqueezed(at: 0)
    var square: Tensor
    if crops, isTraining {
      let part = part(of: height, width, choices)
      square = try planes.narrowed(to: part.rows, along: 2).narrowed(to: part.columns, along: 3)
        .resizedBilinearly(height: size, width: size)
    } else if crops {
      let shorter = min(height, width)
      let seen = try planes.middle(Self.longestForm * shorter, along: 2)
        .middle(Self.longestForm * shorter, along: 3)
      // torchvision cuts the longer side off to a whole number.
      let (h, w) = (seen.size(along: 2) * resize / shorter, seen.size(along: 3) * resize / shorter)
      let (top, left) = (middle(h), middle(w))
      square = try seen.resizedBilinearly(height: h, width: w)
        .narrowed(to: top..<top + size, along: 2).narrowed(to: left..<left + size, along: 3)
    } else {
      square =
        try height == size && width == size ? planes : planes.resizedBilinearly(height: size, width: size)
    }
    if flips, isTraining, choices[2 * Self.tries + 2] < 0.5 { square = try square.reversed(along: 3) }
    return try square[0].permuted(1, 2, 0).contiguous()
  }

  /// How many times as long as wide what is resized may be. Only its middle is kept: what is farther away is not
  /// worth the memory of a long strip.
  private static let longestForm = 8

  private func middle(_ side: Int) -> Int { Int((Double(side - size) / 2).rounded(.toNearestOrEven)) }

  /// The part of a picture that a random crop takes: the first try that lies within it, else its middle with a form
  /// as near as may be.
  func part(of height: Int, _ width: Int, _ choices: [Double]) -> (rows: Range<Int>, columns: Range<Int>) {
    let area = Double(height * width)
    for number in 0..<Self.tries {
      let share =
        cropScale.lowerBound + choices[2 * number] * (cropScale.upperBound - cropScale.lowerBound)
      let (low, high) = (log(cropRatio.lowerBound), log(cropRatio.upperBound))
      let ratio = exp(low + choices[2 * number + 1] * (high - low))
      let w = Int((area * share * ratio).squareRoot().rounded(.toNearestOrEven))
      let h = Int((area * share / ratio).squareRoot().rounded(.toNearestOrEven))
      guard w > 0, h > 0, w <= width, h <= height else { continue }
      let top = min(Int(choices[2 * Self.tries] * Double(height - h + 1)), height - h)
      let left = min(Int(choices[2 * Self.tries + 1] * Double(width - w + 1)), width - w)
      return (top..<top + h, left..<left + w)
    }
    var (h, w) = (height, width)
    let form = Double(width) / Double(height)
    if form < cropRatio.lowerBound {
      h = min(height, Int((Double(width) / cropRatio.lowerBound).rounded(.toNearestOrEven)))
    } else if form > cropRatio.upperBound {
      w = min(width, Int((Double(height) * cropRatio.upperBound).rounded(.toNearestOrEven)))
    }
    let (top, left) = ((height - h) / 2, (width - w) / 2)
    return (top..<top + h, left..<left + w)
  }
}

extension Tensor {
  /// The middle `most` places of an axis, or all where there are not more.
  fileprivate func middle(_ most: Int, along axis: Int) throws(TorchError) -> Tensor {
    let size = size(along: axis)
    guard size > most else { return self }
    let start = (size - most) / 2
    return try narrowed(to: start..<start + most, along: axis)
  }
}

extension Pass {
  /// `each` numbers uniform in 0..<1 for each of `count` items in training; none in evaluation.
  func choices(_ count: Int, _ each: Int) throws(TorchError) -> [[Double]] {
    guard case .training(let generator, _) = self else { return Array(repeating: [], count: count) }
    let numbers = try Tensor.uniform([count, each], using: generator, on: generator.device)
      .values(as: Double.self)
    return (0..<count).map { Array(numbers[$0 * each..<($0 + 1) * each]) }
  }
}
