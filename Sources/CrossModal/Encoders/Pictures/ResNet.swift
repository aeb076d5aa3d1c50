import Torch

/// Deep residual networks (He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016) up to
/// their last mean over places ("pool5"), as torchvision has them: the step of two lies in the 3 by 3 convolution.
public final class ResNet: PictureNetwork {
  /// How many layers with weights.
  public enum Depth: Int, Sendable, CaseIterable {
    case layers18 = 18
    case layers34 = 34
    case layers50 = 50
    case layers101 = 101
    case layers152 = 152

    /// The published network of that depth.
    public var form: Form {
      switch self {
      case .layers18: Form(blocks: [2, 2, 2, 2], hasBottlenecks: false)
      case .layers34: Form(blocks: [3, 4, 6, 3], hasBottlenecks: false)
      case .layers50: Form(blocks: [3, 4, 6, 3], hasBottlenecks: true)
      case .layers101: Form(blocks: [3, 4, 23, 3], hasBottlenecks: true)
      case .layers152: Form(blocks: [3, 8, 36, 3], hasBottlenecks: true)
      }
    }
  }

  /// What comes before the first block.
  public enum Stem: Sendable, Equatable {
    /// Windows of 7 by 7 with steps of two, then the largest of 3 by 3 with steps of two: a quarter of the places.
    case quarter
    /// Windows of 3 by 3 with steps of two: half of the places a side, for small pictures.
    case half
    /// Windows of 3 by 3: every place, for pictures of 32 by 32.
    case whole

    /// Pixels a side of what becomes one place.
    var stride: Int {
      switch self {
      case .quarter: 4
      case .half: 2
      case .whole: 1
      }
    }
  }

  /// The sizes of a network.
  public struct Form: Sendable, Equatable {
    /// Blocks of each stage, one to four; each stage after the first has half of the places a side.
    public var blocks: [Int]
    /// Whether blocks are of three convolutions rather than two.
    public var hasBottlenecks: Bool
    /// Channels of the first stage; each further one has twice as many.
    public var width: Int
    public var stem: Stem

    public init(blocks: [Int], hasBottlenecks: Bool, width: Int = 64, stem: Stem = .quarter) {
      self.blocks = blocks
      self.hasBottlenecks = hasBottlenecks
      self.width = width
      self.stem = stem
    }

    /// Pixels a side of what becomes one cell of the last maps.
    public var stride: Int { stem.stride << max(0, blocks.count - 1) }

    /// Channels of the last maps.
    public var channels: Int { (width << max(0, blocks.count - 1)) * (hasBottlenecks ? 4 : 1) }
  }

  let conv1: Conv2d
  let bn1: BatchNorm
  let layer1: Sequential
  let layer2: Sequential?
  let layer3: Sequential?
  let layer4: Sequential?

  public let form: Form
  public var size: Int { form.channels }
  public static let smallestSide = 32
  public static let lastLayer = ["fc.weight", "fc.bias"]

  public convenience init(_ depth: Depth, using generator: Generator) throws(TorchError) {
    try self.init(depth.form, using: generator)
  }

  /// - Parameter form: of one to four stages.
  public init(_ form: Form, using generator: Generator) throws(TorchError) {
    self.form = form
    conv1 =
      form.stem == .quarter
      ? try Conv2d(
        from: 3, to: form.width, kernel: 7, stride: 2, padding: 3, bias: false, using: generator)
      : try Conv2d(
        from: 3, to: form.width, kernel: 3, stride: form.stem.stride, padding: 1, bias: false,
        using: generator)
    bn1 = try BatchNorm(form.width)
    var channels = form.width
    func stage(_ number: Int) throws(TorchError) -> Sequential {
      var blocks: [any Layer] = []
      let width = form.width << number
      for block in 0..<form.blocks[number] {
        blocks.append(
          try ResidualBlock(
            from: channels, width: width, stride: number > 0 && block == 0 ? 2 : 1,
            hasBottleneck: form.hasBottlenecks, using: generator))
        channels = width * (form.hasBottlenecks ? 4 : 1)
      }
      return Sequential(blocks)
    }
    layer1 = try stage(0)
    layer2 = form.blocks.count > 1 ? try stage(1) : nil
    layer3 = form.blocks.count > 2 ? try stage(2) : nil
    layer4 = form.blocks.count > 3 ? try stage(3) : nil
  }

  public func maps(of pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    var maps = try bn1(conv1(pictures), pass).relu()
    if form.stem == .quarter { maps = try maps.maximumPooled(size: 3, stride: 2, padding: 1) }
    for stage in [layer1, layer2, layer3, layer4] { maps = try stage?(maps, pass) ?? maps }
    return maps
  }

  public func vectors(ofMaps maps: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try maps.mean(along: 2, 3)
  }

  /// A cell for every 32 by 32 pixels (fewer in networks for small pictures), or what is left of them.
  public func grid(height: Int, width: Int) -> PictureGrid {
    let pixels = form.stride
    return PictureGrid(
      height: (height + pixels - 1) / pixels, width: (width + pixels - 1) / pixels, channels: size)
  }
}

/// Two or three convolutions beside a shortcut.
final class ResidualBlock: Layer {
  let conv1: Conv2d
  let bn1: BatchNorm
  let conv2: Conv2d
  let bn2: BatchNorm
  let conv3: Conv2d?
  let bn3: BatchNorm?
  /// The shortcut where the shape changes.
  let downsample: Sequential?

  /// - Parameters:
  ///   - width: channels of the inner convolutions; the block gives four times as many with a bottleneck.
  init(
    from inputs: Int, width: Int, stride: Int, hasBottleneck: Bool, using generator: Generator
  ) throws(TorchError) {
    func convolution(
      _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1
    ) throws(TorchError) -> Conv2d {
      try Conv2d(
        from: inputs, to: outputs, kernel: kernel, stride: stride, padding: kernel / 2, bias: false,
        using: generator)
    }
    let outputs = hasBottleneck ? 4 * width : width
    conv1 = try convolution(
      inputs, width, kernel: hasBottleneck ? 1 : 3, stride: hasBottleneck ? 1 : stride)
    bn1 = try BatchNorm(width)
    conv2 = try convolution(width, width, kernel: 3, stride: hasBottleneck ? stride : 1)
    bn2 = try BatchNorm(width)
    conv3 = hasBottleneck ? try convolution(width, outputs, kernel: 1) : nil
    bn3 = hasBottleneck ? try BatchNorm(outputs) : nil
    downsample =
      stride != 1 || inputs != outputs
      ? Sequential([try convolution(inputs, outputs, kernel: 1, stride: stride), try BatchNorm(outputs)])
      : nil
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    var maps = try bn2(conv2(bn1(conv1(x), pass).relu()), pass)
    if let conv3, let bn3 { maps = try bn3(conv3(maps.relu()), pass) }
    return try (maps + (downsample?(x, pass) ?? x)).relu()
  }
}
