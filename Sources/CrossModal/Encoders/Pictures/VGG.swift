import Torch

/// VGG-19 (Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015)
/// up to its seventh layer from the top but one ("fc7", rectified), as torchvision has it.
public final class VGG: PictureNetwork {
  @Named var features: Sequential
  let classifier: Sequential

  public let size = 4096
  public static let smallestSide = 32
  public static let lastLayer = ["classifier.6.weight", "classifier.6.bias"]

  /// Whether the last maps are those behind the last pooling.
  private let poolsMaps: Bool

  /// - Parameters:
  ///   - name: of the convolutions in weights files; programs that spread them over devices have `features.module`.
  ///   - poolsMaps: whether the last maps are those behind the last pooling; else they are those of the last
  ///     convolution ("conv5_4"), which have four times as many cells. What ``callAsFunction(_:_:)`` gives is the same.
  public init(
    convolutionsNamed name: String = "features", poolsMaps: Bool = true, using generator: Generator
  ) throws(TorchError) {
    self.poolsMaps = poolsMaps
    var layers: [any Layer] = []
    var channels = 3
    for (outputs, count) in [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)] {
      for _ in 0..<count {
        layers += [
          try Conv2d(from: channels, to: outputs, kernel: 3, padding: 1, using: generator), Activation(.relu),
        ]
        channels = outputs
      }
      layers.append(Pooling(.maximum(size: 2)))
    }
    if !poolsMaps { layers.removeLast() }
    _features = Named(wrappedValue: Sequential(layers), name)
    classifier = Sequential([
      try Linear(from: 512 * 7 * 7, to: 4096, using: generator), Activation(.relu), Dropout(0.5),
      try Linear(from: 4096, to: 4096, using: generator), Activation(.relu), Dropout(0.5),
    ])
  }

  public func maps(of pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try features(pictures, pass)
  }

  public func vectors(ofMaps maps: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    let maps = try poolsMaps ? maps : maps.maximumPooled(size: 2)
    return try classifier(maps.meanPooled(to: [7, 7]).flattened(from: 1), pass)
  }

  /// A cell for every whole 32 by 32 pixels, or 16 by 16 in front of the last pooling.
  public func grid(height: Int, width: Int) -> PictureGrid {
    let pixels = poolsMaps ? 32 : 16
    return PictureGrid(height: height / pixels, width: width / pixels, channels: 512)
  }
}
