import Torch

/// How the vectors of a set or a sequence become one.
public enum FragmentPooling: Sendable, Codable, Hashable {
  /// Their mean before any network sees them.
  case before
  /// Each goes through the network, then their mean.
  case mean
  /// Each goes through the network, then the largest of each dimension.
  case max
  /// Each goes through the network, then the mean of the so many largest of each dimension.
  case largest(Int)
  /// Each goes through the network, then learned weights of the sorted values: ``GeneralizedPooling``.
  case gpo
}

extension FragmentPooling: RawRepresentable {
  /// How many of `k_max` where no number is said.
  private static let fewest = 10

  /// A name of settings: `before`, `mean`, `max`, `gpo`, or `k_max` with a number in brackets behind it or none.
  public init?(rawValue: String) {
    switch rawValue {
    case "before": self = .before
    case "mean": self = .mean
    case "max": self = .max
    case "k_max": self = .largest(Self.fewest)
    case "gpo": self = .gpo
    default:
      guard let count = rawValue.argument(of: "k_max").flatMap(Int.init), count >= 1 else { return nil }
      self = .largest(count)
    }
  }

  public var rawValue: String {
    switch self {
    case .before: "before"
    case .mean: "mean"
    case .max: "max"
    case .largest(let count): "k_max(\(count))"
    case .gpo: "gpo"
    }
  }
}

/// Mean, maximum or generalized pooling of the vectors of each row, with its parameters where it has some, which
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
    switch kind {
    case .max: return try features.maximumOfFirst(lengths)
    case .largest(let count): return try features.meanOfLargest(count, ofFirst: lengths)
    case .before, .mean, .gpo: return try features.meanOfFirst(lengths)
    }
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

  /// Mean of the `count` largest of each dimension over the first `lengths[i]` rows of each `[n, l, d]`, of all of them
  /// where there are fewer; each length is 1 or more.
  func meanOfLargest(_ count: Int, ofFirst lengths: [Int]) throws(TorchError) -> Tensor {
    let isPadding = try Tensor.counting(lengths, below: size(along: 1), on: device).not().unsqueezed(at: 2)
    let most = Swift.min(count, size(along: 1))
    let largest = try masked(with: isPadding, fill: -.infinity).top(most, along: 1).values
    let counts = lengths.map { Swift.min(count, $0) }
    let isMissing = try Tensor.counting(counts, below: most, on: device).not().unsqueezed(at: 2)
    return try largest.masked(with: isMissing, fill: 0).meanOfFirst(counts)
  }

  /// Whether a place counts: `[n, places]`, true below each length.
  static func counting(
    _ lengths: [Int], below places: Int, on device: Device
  ) throws(TorchError) -> Tensor {
    let row = try Tensor.range(0..<places, on: device).unsqueezed(at: 0)
    return try row .< Tensor(lengths).to(device).unsqueezed(at: 1)
  }
}
