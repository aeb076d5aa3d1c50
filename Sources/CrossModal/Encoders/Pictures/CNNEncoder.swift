import Torch

/// A large convolutional network, its numbers divided by their norm, then a linear map: the image encoder of VSE++
/// (Faghri et al., BMVC 2018) on raw pictures.
public final class CNNEncoder: PretrainedEncoder {
  /// The networks by the names of settings.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case resnet18, resnet34, resnet50, resnet101, resnet152, vgg19
    /// Six blocks of 24 to 96 channels and a cell for every 8 by 8 pixels, for small pictures and one core.
    case smallResnet = "resnet-small"
    /// The blocks of ResNet-18 behind windows of 3 by 3, a cell for every 8 by 8 pixels, for pictures of 32 by 32.
    case cifarResnet = "resnet-cifar"

    /// The sizes of a residual network; nil for another one.
    public var residualForm: ResNet.Form? {
      switch self {
      case .resnet18: ResNet.Depth.layers18.form
      case .resnet34: ResNet.Depth.layers34.form
      case .resnet50: ResNet.Depth.layers50.form
      case .resnet101: ResNet.Depth.layers101.form
      case .resnet152: ResNet.Depth.layers152.form
      case .smallResnet: ResNet.Form(blocks: [2, 2, 2], hasBottlenecks: false, width: 24, stem: .half)
      case .cifarResnet: ResNet.Form(blocks: [2, 2, 2, 2], hasBottlenecks: false, stem: .whole)
      case .vgg19: nil
      }
    }

    /// The shortest side of pictures that it takes.
    var smallestSide: Int {
      guard let form = residualForm else { return VGG.smallestSide }
      return form.stem == .quarter ? ResNet.smallestSide : form.stride
    }

    /// The side of the pictures that it was made for.
    var usualSide: Int {
      switch self {
      case .smallResnet: 64
      case .cifarResnet: 32
      default: 224
      }
    }

    func network(officialNames: Bool, using generator: Generator) throws -> any PictureNetwork {
      if let form = residualForm { return try ResNet(form, using: generator) }
      return try VGG(convolutionsNamed: officialNames ? "features.module" : "features", using: generator)
    }
  }

  /// How a network that is trained along normalizes and drops.
  public enum Mode: String, Sendable, Codable, CaseIterable {
    /// By the statistics of the batch, with dropout.
    case train
    /// By fixed statistics, without dropout: what the released program does after its first validation.
    case eval
  }

  @Named var cnn: any PictureNetwork
  /// None where cells alone are wanted.
  let fc: LinearEncoder?
  public let weightsFile: String?
  public let weightsKey = "pictures.weights"
  public let pretrainedPart = "cnn"
  private let kind: Kind
  private let finetunes: Bool
  private let mode: Mode
  private var isPretrained = false

  /// Width of the vectors: without a linear map, what the network gives.
  public var size: Int { fc?.size ?? cnn.size }
  public var blockSize: Int { 64 }

  /// - Parameters:
  ///   - size: width of the vectors; nil for no linear map, where ``cells(of:_:)`` alone are wanted.
  ///   - finetunes: whether the network is trained along; else it is frozen and in evaluation always.
  ///   - mode: of a network that is trained along.
  ///   - weights: the file that holds the network's weights; see ``loadWeights(_:from:)``.
  ///   - officialNames: parameters of the network are named as in VSE++'s checkpoints (`cnn.module.*`, of VGG
  ///     `cnn.features.module.*`), not as in torchvision (`cnn.*`).
  public init(
    _ kind: Kind, to size: Int?, finetunes: Bool = false, mode: Mode = .train, weights: String? = nil,
    officialNames: Bool = false, using generator: Generator
  ) throws {
    self.kind = kind
    weightsFile = weights
    let network = try kind.network(officialNames: officialNames, using: generator)
    self.finetunes = finetunes
    self.mode = mode
    _cnn = Named(wrappedValue: network, officialNames && kind != .vgg19 ? "cnn.module" : "cnn")
    fc = try size.map { try LinearEncoder(from: network.size, to: $0, using: generator) }
    if !finetunes { for entry in network.parameters { try entry.freeze() } }
  }

  /// What the network gives for pictures of one size before it is mapped, each row of norm 1: `[n, …]`.
  ///
  /// - Parameter items: pictures `[n, h, w, 3]` or `[n, h, w, 1]`, bytes, or numbers in 0...1.
  public func features(of items: Items, _ pass: Pass) throws -> Tensor {
    try cnn(inputs(items), own(pass)).normalized(along: 1)
  }

  /// The last maps of the network as a sequence of cells, top to bottom and left to right: `[n, cells, channels]`.
  ///
  /// - Parameter items: pictures `[n, h, w, 3]` or `[n, h, w, 1]`, bytes, or numbers in 0...1.
  public func cells(of items: Items, _ pass: Pass) throws -> Tensor {
    try cnn.cells(of: inputs(items), own(pass))
  }

  /// The sizes of ``cells(of:_:)`` for pictures of one size.
  public func grid(height: Int, width: Int) -> PictureGrid { cnn.grid(height: height, width: width) }

  private func inputs(_ items: Items) throws -> Tensor {
    guard case .images(let pictures) = items else {
      throw unsuitable(items, expected: "a picture of one size")
    }
    let weight = fc?.weight ?? cnn.stateEntries[0].tensor
    return try pictures.to(weight.device).normalizedPictures(weight.dtype)
  }

  /// The pass of the network, which may stay in evaluation while the rest is trained.
  private func own(_ pass: Pass) -> Pass { finetunes && mode == .train ? pass : .evaluation }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    let features = try features(of: items, pass)
    return try fc?(features) ?? features
  }

  /// A network whose weights were loaded keeps them.
  public func reset(using generator: Generator) throws {
    if !isPretrained { try cnn.reset(using: generator) }
    try fc?.reset(using: generator)
  }

  /// Takes the weights of the network from a file of torchvision, of VSE++ or of a program that trained the network by
  /// itself (``PictureNetwork/takeWeights(_:from:)``).
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    try cnn.takeWeights(tensors, from: source)
    isPretrained = true
  }

  public func checkWeights() throws {
    guard !finetunes, !isPretrained else { return }
    throw ConfigurationError.badValue(
      key: weightsKey, value: "nothing",
      expected: "enough for \(kind.rawValue), which is not trained along: give a file of weights "
        + "(crossmodal convert makes it of torchvision's), or set pictures.finetune")
  }
}

extension Tensor {
  /// Pictures `[n, h, w, 3]` or `[n, h, w, 1]`, bytes or numbers in 0...1, with the mean and deviation of ImageNet in
  /// each channel as torchvision's networks expect: `[n, 3, h, w]`.
  func normalizedPictures(_ dtype: DataType) throws(TorchError) -> Tensor {
    let isBytes = self.dtype == .uint8
    var colors = try to(dtype)
    if isBytes { colors = try colors / 255 }
    let mean = try Tensor([0.485, 0.456, 0.406]).to(dtype).to(device)
    let deviation = try Tensor([0.229, 0.224, 0.225]).to(dtype).to(device)
    return try ((colors - mean) / deviation).permuted(0, 3, 1, 2).contiguous()
  }
}
