import Torch

/// The network of Hadsell, Chopra and LeCun (CVPR 2006) for small pictures: convolution, tanh, pooling,
/// convolution that leaves one place, tanh, linear map.
///
/// Sizes of its MNIST network by default: 15 maps of 6 by 6, pooling over 3 by 3, 30 maps of 9 by 9, for pictures
/// of 32 by 32. The original's pooling has a gain and a bias for each map; here it is the plain mean (or maximum).
public final class DrLIMEncoder: VectorEncoder {
  /// How neighbouring places become one.
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    case avg
    case max
  }

  let conv1: Convolution
  let conv2: Convolution
  let fc: LinearEncoder
  private let pooling: Pooling
  private let poolSize: Int

  public var size: Int { fc.size }

  /// - Parameters:
  ///   - maps: channels after each convolution.
  ///   - kernels: side of each convolution's window; the second is chosen to leave one place when nil.
  /// - Throws: ``ConfigurationError`` when the convolutions do not end at one place; it names the side that would.
  public init(
    channels: Int, height: Int, width: Int, to size: Int, maps: (Int, Int) = (15, 30),
    kernels: (Int, Int?) = (6, nil), pooling: Pooling = .avg, poolSize: Int = 3, using generator: Generator
  ) throws {
    let rest = (height - kernels.0 + 1) / max(1, poolSize)
    let last = kernels.1 ?? max(1, rest)
    let fitting = kernels.0 - 1 + poolSize * last
    guard height == width, poolSize >= 1, last >= 1, rest == last else {
      throw ConfigurationError.badValue(
        key: "encoder", value: "drlim-conv for pictures of \(height) by \(width)",
        expected: "for pictures of \(fitting) by \(fitting)")
    }
    self.pooling = pooling
    self.poolSize = poolSize
    conv1 = try Convolution(from: channels, to: maps.0, kernel: kernels.0, using: generator)
    conv2 = try Convolution(from: maps.0, to: maps.1, kernel: last, using: generator)
    fc = try LinearEncoder(from: maps.1, to: size, using: generator)
  }

  public func callAsFunction(_ items: Tensor) throws -> Tensor {
    let first = try conv1(items).tanh()
    let pooled =
      try pooling == .avg ? first.meanPooled(size: poolSize) : first.maximumPooled(size: poolSize)
    return try fc(conv2(pooled).tanh().flattened(from: 1))
  }

  public func reset(using generator: Generator) throws {
    try conv1.reset(using: generator)
    try conv2.reset(using: generator)
    try fc.reset(using: generator)
  }
}
