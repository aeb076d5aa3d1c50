import Foundation
import Torch

/// Random views of pictures, of which it is known where they lie: the augmentation of MoCo-v2 (Chen et al., 2020), which
/// DenseCL shares. In this order: a part is cut out and resized, colors vary, some views lose their colors, some are
/// blurred; mirrored is with the cut, which changes nothing of the rest.
///
/// Every random choice comes with the call, so that a view is a function of a picture and of numbers. Colors are numbers
/// in 0...1 throughout, where the original rounds to gray levels between the steps; the blur is a Gaussian, of which
/// Pillow's is an approximation.
public struct ViewTransform: Sendable {
  /// The part that is cut out.
  public var part: PictureTransform
  /// Shorter side of ``wholePictures(_:)`` pictures.
  public var whole: Int
  public var jitter: ColorJitter
  public var jitterShare: Double
  public var grayShare: Double
  public var blurShare: Double
  /// Deviation of the blur in pixels.
  public var blur: ClosedRange<Double>

  /// Numbers in 0..<1 that decide over a view.
  static let choices = PictureTransform.choicesOfPart + ColorJitter.choices + 5

  /// Views of pictures with where they lie.
  public struct Views {
    /// `[n, size, size, channels]`, numbers in 0...1.
    public let pictures: Tensor
    public let parts: [PicturePart]
  }

  /// Several views of each picture, which is decoded once.
  ///
  /// - Parameters:
  ///   - items: pictures.
  ///   - choices: for each view of each picture its numbers, `[view][picture]`.
  ///   - colors: whether colors vary and views are blurred; else they are only cut out.
  /// - Throws: ``DataError`` naming the first picture that cannot be read; ``ConfigurationError`` for other items.
  public func callAsFunction(_ items: Items, _ choices: [[[Double]]], colors: Bool = true) throws -> [Views] {
    let sources = try Source.all(items)
    let found = try Array(sources.indices).concurrentMap(threads: Runtime.threads) { place -> [View] in
      try withoutGradient { () throws -> [View] in
        let pixels = try sources[place].pixels()
        return try choices.map { try view(of: pixels, $0[place], colors: colors) }
      }
    }
    return try choices.indices.map { number in
      Views(
        pictures: try Tensor.stacked(found.map { $0[number].pixels }), parts: found.map { $0[number].part })
    }
  }

  /// Whole pictures, resized to one shorter side: `[h, w, channels]` each, numbers in 0...1.
  public func wholePictures(_ items: Items) throws -> [Tensor] {
    try Source.all(items).concurrentMap(threads: Runtime.threads) { source -> Tensor in
      try withoutGradient { () throws -> Tensor in
        let pixels = try source.pixels().fractions()
        let sides = [pixels.size(along: 0), pixels.size(along: 1)]
        let shorter = min(sides[0], sides[1])
        guard shorter != whole else { return pixels }
        let size = sides.map { (side: Int) -> Int in
          let own = Int((Double(side) * Double(whole) / Double(shorter)).rounded())
          return min(max(1, own), Self.longestForm * whole)
        }
        let planes = try pixels.permuted(2, 0, 1).unsqueezed(at: 0)
        return try planes.resizedBilinearly(height: size[0], width: size[1])[0].permuted(1, 2, 0).contiguous()
      }
    }
  }

  /// How many times as long as wide a whole picture may stay.
  private static let longestForm = 8

  /// Where the pixels of a picture come from.
  private enum Source: Sendable {
    case picture(Picture)
    case row(Tensor)

    func pixels() throws -> Tensor {
      switch self {
      case .picture(let picture): try picture.decoded()
      case .row(let pixels): pixels
      }
    }

    static func all(_ items: Items) throws -> [Source] {
      switch items {
      case .pictures(let pictures): return pictures.map { .picture($0) }
      case .images(let rows): return try (0..<items.count).map { .row(try rows[$0]) }
      default:
        throw ConfigurationError.badValue(
          key: "pictures", value: "an item of kind \(items.kind.rawValue)", expected: "a picture")
      }
    }
  }

  /// A view of a picture.
  private struct View: Sendable {
    let pixels: Tensor
    let part: PicturePart
  }

  private func view(
    of pixels: Tensor, _ choices: [Double], colors: Bool
  ) throws -> View {
    let (cut, place) = try part.randomPart(of: pixels, choices)
    var view = try cut.fractions()
    guard colors else { return View(pixels: view, part: place) }
    let own = Array(choices[PictureTransform.choicesOfPart...])
    let last = ColorJitter.choices
    if own[last] < jitterShare, !jitter.isNone {
      view = try jitter.applied(
        to: view.unsqueezed(at: 0), [Array(own[..<last])], order: ColorJitter.order(own[last + 1]))[0]
    }
    if own[last + 2] < grayShare, view.size(along: 2) == 3 {
      view = try view.grey().expanded(to: view.shape).contiguous()
    }
    if own[last + 3] < blurShare {
      view = try view.blurred(by: blur.lowerBound + own[last + 4] * (blur.upperBound - blur.lowerBound))
    }
    return View(pixels: view, part: place)
  }
}

extension Tensor {
  /// Bytes as numbers in 0...1; other numbers as they are, in float32.
  fileprivate func fractions() throws(TorchError) -> Tensor {
    dtype == .uint8 ? try to(.float32) / 255 : try to(.float32)
  }

  /// A picture `[h, w, c]` blurred by a Gaussian of a deviation in pixels; what lies outside is as its edge.
  func blurred(by deviation: Double) throws(TorchError) -> Tensor {
    let reach = Swift.max(1, Int((3 * deviation).rounded(.up)))
    let kernel: [Double] = (-reach...reach).map { (place: Int) -> Double in
      let distance = Double(place) / deviation
      return Foundation.exp(-distance * distance / 2)
    }
    let sum = kernel.reduce(0, +)
    let channels = size(along: 2)
    func places(_ size: Int) -> [Int] {
      (-reach..<size + reach).map { (place: Int) -> Int in Swift.min(Swift.max(place, 0), size - 1) }
    }
    let shares: [Double] = kernel.map { $0 / sum }
    let weights = try Tensor(shares).to(dtype).to(device).reshaped(1, 1, -1, 1).repeated(channels, along: 0)
    let padded = try rows(at: places(size(along: 0))).rows(at: places(size(along: 1)), along: 1)
      .permuted(2, 0, 1).unsqueezed(at: 0)
    return try padded.convolved(weights, groups: channels)
      .convolved(weights.transposed(2, 3), groups: channels)[0].permuted(1, 2, 0).contiguous()
  }
}
