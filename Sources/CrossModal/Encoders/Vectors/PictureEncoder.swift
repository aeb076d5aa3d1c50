import Torch

/// Three 3 by 3 convolutions, each rectified and followed by the maximum over 2 by 2, then a linear map, or the cells
/// of the last maps.
///
/// Channels double from a quarter of `hidden` to `hidden`. Pictures of at least 8 by 8.
public final class PictureEncoder: VectorEncoder {
  let conv1: Convolution
  let conv2: Convolution
  let conv3: Convolution
  /// None where cells alone are wanted.
  let fc: LinearEncoder?
  /// The sizes of the last maps.
  public let grid: PictureGrid

  /// Width of the vectors: without a linear map, of all cells one after the other.
  public var size: Int { fc?.size ?? grid.cells * grid.channels }

  /// - Parameter size: width of the vectors; nil for no linear map, where ``cells(of:)`` alone are wanted.
  /// - Throws: ``ConfigurationError`` when pictures are smaller than 8 by 8.
  public init(
    channels: Int, height: Int, width: Int, hidden: Int, to size: Int?, using generator: Generator
  ) throws {
    guard height >= 8, width >= 8 else {
      throw ConfigurationError.badValue(
        key: "encoder", value: "conv for pictures of \(height) by \(width)", expected: "for 8 by 8 or more")
    }
    let first = max(1, hidden / 4)
    let second = max(1, hidden / 2)
    conv1 = try Convolution(from: channels, to: first, kernel: 3, padding: 1, using: generator)
    conv2 = try Convolution(from: first, to: second, kernel: 3, padding: 1, using: generator)
    conv3 = try Convolution(from: second, to: hidden, kernel: 3, padding: 1, using: generator)
    let grid = PictureGrid(height: height / 8, width: width / 8, channels: hidden)
    self.grid = grid
    fc = try size.map {
      try LinearEncoder(from: grid.channels * grid.cells, to: $0, using: generator)
    }
  }

  public func callAsFunction(_ items: Tensor) throws -> Tensor {
    let row = try maps(of: items).flattened(from: 1)
    return try fc?(row) ?? row
  }

  /// The last maps of pictures `[n, channels, height, width]` as a sequence of cells, top to bottom and left to right:
  /// `[n, cells, hidden]`.
  public func cells(of items: Tensor) throws -> Tensor { try maps(of: items).cells() }

  private func maps(of items: Tensor) throws -> Tensor {
    var maps = items
    for layer in [conv1, conv2, conv3] { maps = try layer(maps).relu().maximumPooled(size: 2) }
    return maps
  }

  public func reset(using generator: Generator) throws {
    for layer in [conv1, conv2, conv3] { try layer.reset(using: generator) }
    try fc?.reset(using: generator)
  }
}

/// A convolution with a bias.
final class Convolution: Module {
  /// `[outputs, inputs, kernel, kernel]`.
  @Parameter var weight: Tensor
  /// `[outputs]`.
  @Parameter var bias: Tensor
  private let padding: Int

  init(from inputs: Int, to outputs: Int, kernel: Int, padding: Int = 0, using generator: Generator) throws {
    self.padding = padding
    let count = inputs * kernel * kernel
    weight = try uniformWeights([outputs, inputs, kernel, kernel], inputs: count, using: generator)
    bias = try uniformWeights([outputs], inputs: count, using: generator)
  }

  func callAsFunction(_ maps: Tensor) throws -> Tensor {
    try maps.convolved(weight, bias: bias, padding: padding)
  }

  func reset(using generator: Generator) throws {
    let inputs = weight.shape.dropFirst().reduce(1, *)
    weight = try uniformWeights(like: weight, inputs: inputs, using: generator)
    bias = try uniformWeights(like: bias, inputs: inputs, using: generator)
  }
}
