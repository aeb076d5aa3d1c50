import Torch

/// How the vectors of a set or a sequence become one.
public enum FragmentPooling: String, Sendable, Codable, CaseIterable {
  /// Their mean before any network sees them.
  case before
  /// Each goes through the network, then their mean.
  case mean
  /// Each goes through the network, then the largest of each dimension.
  case max
  /// Each goes through the network, then learned weights of the sorted values: ``GeneralizedPooling``.
  case gpo
}

/// Mean, maximum or generalised pooling of the vectors of each row, with its parameters where it has some, which
/// are named `gpool.*`.
public final class FragmentPool: Module {
  /// What it does.
  public let kind: FragmentPooling
  let gpool: GeneralizedPooling?

  /// - Parameter kind: `before` is `mean` here.
  public init(_ kind: FragmentPooling, using generator: Generator) throws {
    self.kind = kind
    gpool = kind == .gpo ? try GeneralizedPooling(using: generator) : nil
  }

  /// One vector a row, `[n, d]`.
  ///
  /// - Parameters:
  ///   - features: `[n, l, d]`.
  ///   - lengths: vectors of each row that count; the rest is padding and has no influence.
  public func callAsFunction(_ features: Tensor, lengths: [Int]) throws(TorchError) -> Tensor {
    if let gpool { return try gpool(features, lengths: lengths) }
    return kind == .max
      ? try features.maximumOfFirst(lengths) : try features.meanOfFirst(lengths)
  }

  /// Draws the parameters anew.
  public func reset(using generator: Generator) throws { try gpool?.reset(using: generator) }
}

extension Tensor {
  /// Mean over the first `lengths[i]` rows of each `[n, l, d]`; a row without any gives 0.
  func meanOfFirst(_ lengths: [Int]) throws(TorchError) -> Tensor {
    let mask = try Tensor.counting(lengths, below: size(along: 1), on: device).to(dtype).unsqueezed(at: 2)
    let counts = try Tensor(lengths).to(device).unsqueezed(at: 1)
    return try (self * mask).sum(along: 1) / counts.to(dtype).clamped(from: 1)
  }

  /// Largest of each dimension over the first `lengths[i]` rows of each `[n, l, d]`; each length is 1 or more.
  func maximumOfFirst(_ lengths: [Int]) throws(TorchError) -> Tensor {
    let isPadding = try Tensor.counting(lengths, below: size(along: 1), on: device).not().unsqueezed(at: 2)
    return try masked(with: isPadding, fill: -.infinity).max(along: 1)
  }

  /// Whether a place counts: `[n, places]`, true below each length.
  static func counting(
    _ lengths: [Int], below places: Int, on device: Device
  ) throws(TorchError) -> Tensor {
    let row = try Tensor.range(0..<places, on: device).unsqueezed(at: 0)
    return try row .< Tensor(lengths).to(device).unsqueezed(at: 1)
  }
}
