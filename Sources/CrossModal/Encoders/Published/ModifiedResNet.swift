import Torch

/// CLIP's residual network (Radford et al., ICML 2021, section 2.4) with the parameter names of OpenAI's program: three
/// convolutions in front, all shrinking by average pooling, one query that attends to the last maps.
///
/// Batch normalization uses the statistics of the batch in training where the whole network is trained; a frozen one
/// stays in evaluation.
public final class ModifiedResNet: PictureTower {
  public struct Sizes: Sendable, Codable, Equatable {
    /// Channels behind the first convolutions.
    public var width: Int
    /// Blocks of each of the four stages.
    public var layers: [Int]
    public var heads: Int
    /// Side of the pictures that the positions are for.
    public var imageSize: Int
    /// Width of what comes out.
    public var output: Int

    public init(width: Int, layers: [Int], heads: Int, imageSize: Int, output: Int) {
      self.width = width
      self.layers = layers
      self.heads = heads
      self.imageSize = imageSize
      self.output = output
    }
  }

  /// Places that become one on the way to the last maps, along a side.
  static let stride = 32

  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let conv2: Conv2d
  private let bn2: BatchNorm
  private let conv3: Conv2d
  private let bn3: BatchNorm
  private let layer1: [ModifiedResNetBlock]
  private let layer2: [ModifiedResNetBlock]
  private let layer3: [ModifiedResNetBlock]
  private let layer4: [ModifiedResNetBlock]
  @Named private var pooling: AttentionPooling
  public let sizes: Sizes

  public var width: Int { 32 * sizes.width }
  public var size: Int { sizes.output }
  public var depth: Int { sizes.layers.reduce(0, +) }

  /// A network whose numbers come from a file.
  public init(_ sizes: Sizes, using generator: Generator) throws {
    self.sizes = sizes
    func convolution(from inputs: Int, to outputs: Int, stride: Int = 1) throws -> Conv2d {
      try Conv2d(
        from: inputs, to: outputs, kernel: 3, stride: stride, padding: 1, bias: false, using: generator)
    }
    let width = sizes.width
    conv1 = try convolution(from: 3, to: max(1, width / 2), stride: 2)
    bn1 = try BatchNorm(max(1, width / 2))
    conv2 = try convolution(from: max(1, width / 2), to: max(1, width / 2))
    bn2 = try BatchNorm(max(1, width / 2))
    conv3 = try convolution(from: max(1, width / 2), to: width)
    bn3 = try BatchNorm(width)
    var inputs = width
    func stage(_ number: Int) throws -> [ModifiedResNetBlock] {
      let channels = width << number
      return try (0..<sizes.layers[number]).map { place in
        defer { inputs = 4 * channels }
        return try ModifiedResNetBlock(
          from: inputs, channels: channels, stride: place == 0 && number > 0 ? 2 : 1, using: generator)
      }
    }
    layer1 = try stage(0)
    layer2 = try stage(1)
    layer3 = try stage(2)
    layer4 = try stage(3)
    let side = sizes.imageSize / Self.stride
    _pooling = Named(
      wrappedValue: try AttentionPooling(
        width: 32 * width, places: side * side, heads: sizes.heads, to: sizes.output), "attnpool")
  }

  /// What the first three convolutions and their pooling give: `[n, width, height / 4, width / 4]`.
  public func stem(_ pictures: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    var maps = pictures
    for (convolution, norm) in [(conv1, bn1), (conv2, bn2), (conv3, bn3)] {
      maps = try norm(convolution(maps), pass).relu()
    }
    return try maps.meanPooled(size: 2)
  }

  /// The last maps, `[n, 32 · width, height / 32, width / 32]`.
  public func features(ofStem stem: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    var maps = stem
    for block in layer1 + layer2 + layer3 + layer4 { maps = try block(maps, pass) }
    return maps
  }

  /// The last maps as one vector, before the projection.
  public func pooled(ofFeatures features: Tensor) throws -> Tensor {
    guard features.size(along: 2) * features.size(along: 3) == pooling.places else {
      throw PublishedModelError.pictureSize(
        [features.size(along: 0), 3] + features.shape.dropFirst(2).map { $0 * Self.stride },
        patch: Self.stride, rows: pooling.places)
    }
    return try pooling.pooled(features)
  }

  public func pooled(_ pictures: Tensor, _ pass: Pass) throws -> Tensor {
    try pooled(ofFeatures: features(ofStem: stem(pictures, pass), pass))
  }

  public func projected(_ pooled: Tensor) throws -> Tensor { try pooling.projected(pooled) }

  public func distance(of name: String) -> Int {
    let parts = name.split(separator: ".")
    guard let stage = parts.first, stage.hasPrefix("layer"), let number = stage.last?.wholeNumberValue,
      (1...sizes.layers.count).contains(number), parts.count > 1, let place = Int(parts[1])
    else { return name.hasPrefix("attnpool.") && name != "attnpool.positional_embedding" ? 0 : depth }
    return depth - 1 - place - sizes.layers.prefix(number - 1).reduce(0, +)
  }
}

/// 1 by 1, 3 by 3 and 1 by 1 convolutions beside a shortcut; where it shrinks, it does so by average pooling.
final class ModifiedResNetBlock: Module {
  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let conv2: Conv2d
  private let bn2: BatchNorm
  private let conv3: Conv2d
  private let bn3: BatchNorm
  @Named private var shortcut: Conv2d?
  @Named private var shortcutNorm: BatchNorm?
  private let stride: Int

  init(from inputs: Int, channels: Int, stride: Int, using generator: Generator) throws {
    func convolution(from inputs: Int, to outputs: Int, kernel: Int = 1) throws -> Conv2d {
      try Conv2d(
        from: inputs, to: outputs, kernel: kernel, padding: kernel / 2, bias: false, using: generator)
    }
    conv1 = try convolution(from: inputs, to: channels)
    bn1 = try BatchNorm(channels)
    conv2 = try convolution(from: channels, to: channels, kernel: 3)
    bn2 = try BatchNorm(channels)
    conv3 = try convolution(from: channels, to: 4 * channels)
    bn3 = try BatchNorm(4 * channels)
    let isPlain = stride == 1 && inputs == 4 * channels
    _shortcut = Named(
      wrappedValue: isPlain ? nil : try convolution(from: inputs, to: 4 * channels), "downsample.0")
    _shortcutNorm = Named(wrappedValue: isPlain ? nil : try BatchNorm(4 * channels), "downsample.1")
    self.stride = stride
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) throws -> Tensor {
    var maps = try bn1(conv1(x), pass).relu()
    maps = try bn2(conv2(maps), pass).relu()
    if stride > 1 { maps = try maps.meanPooled(size: stride) }
    maps = try bn3(conv3(maps), pass)
    var past = x
    if let shortcut, let shortcutNorm {
      if stride > 1 { past = try past.meanPooled(size: stride) }
      past = try shortcutNorm(shortcut(past), pass)
    }
    return try (maps + past).relu()
  }
}

/// The mean of all places attends to all places.
final class AttentionPooling: Module {
  @Parameter private var positions: Tensor
  @Named private var keys: Linear
  @Named private var queries: Linear
  @Named private var values: Linear
  @Named private var output: Linear
  private let heads: Int
  /// Places of a map.
  let places: Int

  init(width: Int, places: Int, heads: Int, to size: Int) throws(TorchError) {
    self.heads = heads
    self.places = places
    _positions = Parameter(wrappedValue: try Tensor.zeros([1 + places, width]), "positional_embedding")
    _keys = Named(wrappedValue: try blankLinear(from: width, to: width), "k_proj")
    _queries = Named(wrappedValue: try blankLinear(from: width, to: width), "q_proj")
    _values = Named(wrappedValue: try blankLinear(from: width, to: width), "v_proj")
    _output = Named(wrappedValue: try blankLinear(from: width, to: size), "c_proj")
  }

  /// - Parameter maps: `[n, width, rows, columns]`.
  /// - Returns: `[n, width]`.
  func pooled(_ maps: Tensor) throws(TorchError) -> Tensor {
    let cells = try maps.cells()
    let mean = try cells.mean(along: 1, keepingDimension: true)
    let rows = try Tensor.concatenated([mean, cells], along: 1) + positions
    let first = try rows.narrowed(to: 0..<1, along: 1)
    let attended = try separated(queries(first)).attending(to: separated(keys(rows)), separated(values(rows)))
    return try attended.transposed(1, 2).reshaped(rows.size(along: 0), rows.size(along: 2))
  }

  func projected(_ pooled: Tensor) throws(TorchError) -> Tensor { try output(pooled) }

  private func separated(_ x: Tensor) throws(TorchError) -> Tensor {
    let shape = x.shape
    return try x.reshaped(to: [shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
  }
}
