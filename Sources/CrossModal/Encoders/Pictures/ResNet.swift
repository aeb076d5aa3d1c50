import Torch

/// Deep residual networks (He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016) up to
/// their last mean over places ("pool5"), as torchvision has them: the step of two lies in the 3 by 3 convolution.
public final class ResNet: PictureNetwork {
  /// How many layers with weights.
  public enum Depth: Int, Sendable, CaseIterable {
    case layers18 = 18
    case layers50 = 50
    case layers152 = 152

    /// Blocks of each of the four stages.
    var blocks: [Int] {
      switch self {
      case .layers18: [2, 2, 2, 2]
      case .layers50: [3, 4, 6, 3]
      case .layers152: [3, 8, 36, 3]
      }
    }

    /// Whether blocks are of three convolutions rather than two.
    var hasBottlenecks: Bool { self != .layers18 }
  }

  let conv1: Conv2d
  let bn1: BatchNorm
  let layer1: Sequential
  let layer2: Sequential
  let layer3: Sequential
  let layer4: Sequential

  public let size: Int
  public static let smallestSide = 32
  public static let lastLayer = ["fc.weight", "fc.bias"]

  public init(_ depth: Depth, using generator: Generator) throws(TorchError) {
    conv1 = try Conv2d(from: 3, to: 64, kernel: 7, stride: 2, padding: 3, bias: false, using: generator)
    bn1 = try BatchNorm(64)
    var channels = 64
    func stage(_ number: Int) throws(TorchError) -> Sequential {
      var blocks: [any Layer] = []
      for block in 0..<depth.blocks[number] {
        blocks.append(
          try ResidualBlock(
            from: channels, width: 64 << number, stride: number > 0 && block == 0 ? 2 : 1,
            hasBottleneck: depth.hasBottlenecks, using: generator))
        channels = (64 << number) * (depth.hasBottlenecks ? 4 : 1)
      }
      return Sequential(blocks)
    }
    layer1 = try stage(0)
    layer2 = try stage(1)
    layer3 = try stage(2)
    layer4 = try stage(3)
    size = channels
  }

  public func maps(of pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    var maps = try bn1(conv1(pictures), pass).relu().maximumPooled(size: 3, stride: 2, padding: 1)
    for stage in [layer1, layer2, layer3, layer4] { maps = try stage(maps, pass) }
    return maps
  }

  public func vectors(ofMaps maps: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try maps.mean(along: 2, 3)
  }

  /// A cell for every 32 by 32 pixels, or what is left of them.
  public func grid(height: Int, width: Int) -> PictureGrid {
    PictureGrid(height: (height + 31) / 32, width: (width + 31) / 32, channels: size)
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
