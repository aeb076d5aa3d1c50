import Torch

/// Random change of the colors of pictures, as torchvision's `ColorJitter`: brightness, contrast, saturation and
/// hue, in that order unless another is given (torchvision's is random).
public struct ColorJitter: Sendable, Equatable {
  /// Each multiplies by a factor uniform in 1 ± the number, never below 0.
  public var brightness: Double
  public var contrast: Double
  public var saturation: Double
  /// The hue is turned by at most this part of the circle, 0 to 0.5.
  public var hue: Double

  public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  /// Whether it changes nothing.
  public var isNone: Bool { self == ColorJitter() }

  /// Random numbers that it uses for each picture.
  static let choices = 4

  /// What is done to colors, one after the other.
  enum Change: CaseIterable, Sendable { case brightness, contrast, saturation, hue }

  /// The order that a number in 0..<1 stands for: each of the 24 has its share.
  static func order(_ choice: Double) -> [Change] {
    var rest = Change.allCases
    var number = Int(choice * 24)
    return (1...rest.count).reversed().map { count in
      defer { number /= count }
      return rest.remove(at: number % count)
    }
  }

  /// - Parameters:
  ///   - pictures: `[n, h, w, 3]`, uint8 or in 0...1.
  ///   - choices: four numbers in 0..<1 a picture.
  ///   - order: what is done first, second and so on.
  /// - Returns: of the same type.
  func applied(
    to pictures: Tensor, _ choices: [[Double]], order: [Change] = Change.allCases
  ) throws(TorchError) -> Tensor {
    guard pictures.size(along: 3) == 3 else { return pictures }
    let isBytes = pictures.dtype == .uint8
    var colors = isBytes ? try pictures.to(.float32) / 255 : pictures
    func factors(_ number: Int, _ strength: Double) throws(TorchError) -> Tensor {
      let factors = choices.map { max(0, 1 + strength * (2 * $0[number] - 1)) }
      return try Tensor(factors, shape: [factors.count, 1, 1, 1]).to(colors.dtype).to(colors.device)
    }
    func blended(_ other: Tensor, _ factor: Tensor) throws(TorchError) -> Tensor {
      try (other + (colors - other) * factor).clamped(from: 0, to: 1)
    }
    for change in order {
      switch change {
      case .brightness where brightness > 0:
        colors = try (colors * factors(0, brightness)).clamped(from: 0, to: 1)
      case .contrast where contrast > 0:
        colors = try blended(
          colors.grey().mean(along: 1, 2, 3, keepingDimension: true), factors(1, contrast))
      case .saturation where saturation > 0: colors = try blended(colors.grey(), factors(2, saturation))
      case .hue where hue > 0:
        let turns = choices.map { hue * (2 * $0[3] - 1) }
        colors = try colors.turningHue(
          by: Tensor(turns, shape: [turns.count, 1, 1]).to(colors.dtype).to(colors.device))
      default: break
      }
    }
    return isBytes ? try (colors * 255).rounded().to(.uint8) : colors
  }
}

extension Tensor {
  /// Brightness of colors `[…, 3]`, `[…, 1]` (ITU-R 601).
  func grey() throws(TorchError) -> Tensor {
    let weights = try Tensor([0.299, 0.587, 0.114]).to(dtype).to(device)
    return try (self * weights).sum(along: -1, keepingDimension: true)
  }

  /// Colors `[n, h, w, 3]` in 0...1 whose hue is turned by parts of the circle `[n, 1, 1]`, lightness and saturation
  /// (of the HSV space) as they were.
  fileprivate func turningHue(by turns: Tensor) throws(TorchError) -> Tensor {
    let (red, green, blue) = (
      try selected(0, along: 3), try selected(1, along: 3), try selected(2, along: 3)
    )
    let value = try max(along: 3)
    let chroma = try value - min(along: 3)
    let safe = try chroma.clamped(from: 1e-12)
    // The sextant of the largest channel; gray has no hue, and keeps its color because its chroma is 0.
    let ofBlue = try (red - green) / safe + 4
    let ofGreen = try ((blue - red) / safe + 2).chosen(where: green .== value, otherwise: ofBlue)
    let sextant = try ((green - blue) / safe).chosen(where: red .== value, otherwise: ofGreen)
    let turned = try sextant / 6 + turns
    let hue = try (turned - turned.floor()) * 6
    // Channel n is v - c · max(0, min(k, 4 - k, 1)) with k = (n + h) mod 6 for n = 5, 3, 1.
    var channels: [Tensor] = []
    for offset in [5.0, 3.0, 1.0] {
      let shifted = try (hue + offset) / 6
      let k = try (shifted - shifted.floor()) * 6
      let weight = try k.minimum(4 - k).clamped(from: 0, to: 1)
      channels.append(try value - chroma * weight)
    }
    return try Tensor.stacked(channels, along: 3)
  }
}
