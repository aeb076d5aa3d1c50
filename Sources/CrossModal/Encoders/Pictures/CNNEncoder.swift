import Torch

/// A large convolutional network, its numbers divided by their norm, then a linear map: the image encoder of VSE++
/// (Faghri et al., BMVC 2018) on raw pictures.
public final class CNNEncoder: PretrainedEncoder {
  /// The networks by the names of settings.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case resnet18, resnet50, resnet152, vgg19

    /// The shortest side of pictures that it takes.
    var smallestSide: Int {
      switch self {
      case .resnet18, .resnet50, .resnet152: ResNet.smallestSide
      case .vgg19: VGG.smallestSide
      }
    }

    func network(officialNames: Bool, using generator: Generator) throws -> any PictureNetwork {
      switch self {
      case .resnet18: try ResNet(.layers18, using: generator)
      case .resnet50: try ResNet(.layers50, using: generator)
      case .resnet152: try ResNet(.layers152, using: generator)
      case .vgg19:
        try VGG(convolutionsNamed: officialNames ? "features.module" : "features", using: generator)
      }
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

  /// Takes the weights of the network from a file of torchvision or of VSE++.
  ///
  /// Names may begin with `img_enc.` and `cnn.` and have `module.` anywhere; VGG's `classifier.1` and `.4` of old
  /// checkpoints are `.0` and `.3`. The last layer of torchvision's files is left out.
  /// - Parameters:
  ///   - tensors: names and tensors.
  ///   - source: the file, for messages.
  /// - Throws: ``StateError`` naming every weight that is missing, unknown or of another shape.
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let entries = cnn.stateEntries
    let own = Dictionary(uniqueKeysWithValues: entries.map { (Self.plainName($0.name), $0.name) })
    let isOld = !tensors.contains { Self.plainName($0.name).hasPrefix("classifier.0.") }
    let leftOut = type(of: cnn).lastLayer
    var renamed: [(name: String, tensor: Tensor)] = []
    for (name, tensor) in tensors {
      var plain = Self.plainName(name)
      if isOld {
        for (old, new) in [("classifier.1.", "classifier.0."), ("classifier.4.", "classifier.3.")]
        where plain.hasPrefix(old) { plain = new + plain.dropFirst(old.count) }
      }
      guard own[plain] != nil || !leftOut.contains(plain) else { continue }
      renamed.append((own[plain] ?? name, tensor))
    }
    // Files from before PyTorch 0.4.1 do not count their batches.
    let given = Set(renamed.map(\.name))
    for entry in entries where entry.name.hasSuffix("num_batches_tracked") && !given.contains(entry.name) {
      renamed.append((entry.name, entry.tensor))
    }
    try cnn.load(renamed, from: source)
    isPretrained = true
  }

  public func checkWeights() throws {
    guard !finetunes, !isPretrained else { return }
    throw ConfigurationError.badValue(
      key: weightsKey, value: "nothing",
      expected: "enough for \(kind.rawValue), which is not trained along: give a file of weights "
        + "(crossmodal convert makes it of torchvision's), or set pictures.finetune")
  }

  /// A name without what wraps the network.
  private static func plainName(_ name: String) -> String { name.withoutWrapping("img_enc", "cnn") }
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
