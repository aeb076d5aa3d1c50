import Torch

/// Cells of items, for methods that attend to parts of a picture: pictures divided into a grid, or given features of
/// cells or objects as they are.
///
/// Pictures are seen whole: they are resized, never cropped. Pixels have mean 0 and deviation 1 over the training part
/// before patches and the small network, torchvision's numbers before ResNet and VGG.
public final class GridEncoder: Module {
  /// Mean and deviation of channels, or of the columns of features.
  let scaling: InputScaling?
  private let conv: PictureEncoder?
  @Named private var network: CNNEncoder?

  /// The sizes of the grid; nil where cells are given.
  public let grid: PictureGrid?
  /// Numbers of a cell.
  public let width: Int
  private let patch: Int?
  private let transform: PictureTransform?
  private let modality: DataDescription.Modality

  /// What pictures are resized to before patches and the small network where nothing is said.
  private static let usualSide = 32

  /// - Parameters:
  ///   - modality: pictures, sets or sequences.
  ///   - hidden: channels of the last maps of the small network.
  ///   - standardize: whether given features are brought to mean 0 and deviation 1.
  /// - Throws: ``ConfigurationError`` for pictures that cannot be divided so.
  public init(
    for modality: DataDescription.Modality, _ kind: GridKind, hidden: Int, pictures: PictureSettings,
    standardize: Bool, using generator: Generator
  ) throws {
    var seen = modality
    var transform: PictureTransform?
    if modality.kind == .images {
      let usual = if case .cnn(let network) = kind { network.usualSide } else { Self.usualSide }
      let isResized = modality.shape == nil || pictures.isSet
      if case .cnn = kind, modality.shape == nil || pictures.isSet {
        transform = pictures.transform(size: usual, crops: false)
      } else if isResized {
        transform = pictures.transform(size: modality.shape?[0] ?? usual, crops: false)
      }
      if let transform { seen.shape = [transform.size, transform.size, modality.shape?[2] ?? 3] }
    }
    self.modality = modality
    self.transform = transform
    guard modality.kind == .images, let shape = seen.shape, shape.count == 3 else {
      (conv, patch, grid) = (nil, nil, nil)
      width = modality.size ?? 0
      scaling = standardize ? try InputScaling(for: modality, keepsFragments: true) : nil
      _network = Named(wrappedValue: nil, "")
      return
    }
    switch kind {
    case .patches(let side):
      guard shape[0] >= side, shape[1] >= side, shape[0] % side == 0, shape[1] % side == 0 else {
        throw ConfigurationError.badValue(
          key: "encoder", value: kind.text,
          expected: "a side that divides pictures of \(shape[0]) by \(shape[1]) (pictures.size resizes them)")
      }
      grid = PictureGrid(
        height: shape[0] / side, width: shape[1] / side, channels: side * side * shape[2])
      (conv, patch) = (nil, side)
      _network = Named(wrappedValue: nil, "")
    case .conv:
      let conv = try PictureEncoder(
        channels: shape[2], height: shape[0], width: shape[1], hidden: hidden, to: nil, using: generator)
      (self.conv, patch, grid) = (conv, nil, conv.grid)
      _network = Named(wrappedValue: nil, "")
    case .cnn(let kind):
      guard min(shape[0], shape[1]) >= kind.smallestSide, shape[2] == 3 || shape[2] == 1 else {
        throw ConfigurationError.badValue(
          key: "encoder", value: kind.rawValue,
          expected:
            "possible: it takes pictures of \(kind.smallestSide) by \(kind.smallestSide) or more with 1 or 3 "
            + "channels, those of \(modality.name) are \(shape[0]) by \(shape[1]) with \(shape[2])")
      }
      let network = try CNNEncoder(
        kind, to: nil, finetunes: pictures.finetune, mode: pictures.mode, weights: pictures.weights,
        using: generator)
      (conv, patch, grid) = (nil, nil, network.grid(height: shape[0], width: shape[1]))
      _network = Named(wrappedValue: network, "")
    }
    width = grid?.channels ?? 0
    if case .cnn = kind {
      scaling = nil
    } else {
      scaling = try InputScaling(for: seen, keepsPictures: true)
    }
  }

  /// The network whose weights may come from a file.
  var pretrained: (any PretrainedEncoder)? { network }

  /// Items that are encoded at a time where no gradient is wanted.
  public var blockSize: Int { network?.blockSize ?? 256 }

  /// Cells of items, top to bottom and left to right: `[n, cells, width]`; of sets and sequences with their lengths.
  ///
  /// - Throws: ``ConfigurationError`` for items of another kind or width than the encoder was made for; ``DataError``
  ///   for a picture that cannot be read.
  public func callAsFunction(_ items: Items, _ pass: Pass) throws -> (cells: Tensor, lengths: [Int]?) {
    let items = try transform?(items, pass) ?? items
    if let network { return (try network.cells(of: items, pass), nil) }
    guard let grid else {
      switch items {
      case .sets(let rows, let lengths), .sequences(let rows, let lengths):
        guard rows.size(along: 2) == width else { throw unsuitable(items, "vectors of width \(width)") }
        return (try scaling?(items) ?? rows, lengths)
      default: throw unsuitable(items, "features of cells")
      }
    }
    guard case .images = items, let pixels = try scaling?(items) else {
      throw unsuitable(items, "pictures")
    }
    if let conv { return (try conv.cells(of: pixels), nil) }
    guard let patch else { throw unsuitable(items, "pictures") }
    let (count, channels) = (pixels.size(along: 0), pixels.size(along: 1))
    return (
      try pixels.reshaped(count, channels, grid.height, patch, grid.width, patch)
        .permuted(0, 2, 4, 3, 5, 1).reshaped(count, grid.cells, grid.channels), nil
    )
  }

  private func unsuitable(_ items: Items, _ expected: String) -> ConfigurationError {
    ConfigurationError.badValue(
      key: modality.name, value: "an item of kind \(items.kind.rawValue)",
      expected: "\(expected), which the method was made for")
  }

  /// First weights anew, but for those that were loaded, and what inputs are scaled by.
  ///
  /// - Parameter side: place of the modality.
  func prepare(on data: some TrainingSet, side: Int, seed: UInt64) throws {
    let generator = try Generator(seed: seed)
    try conv?.reset(using: generator)
    try network?.reset(using: generator)
    // Pictures are decoded as they are walked: each once, and few at a time.
    let isPictures = modality.kind == .images
    try scaling?.fit(
      to: data, side: side, epsilon: 1e-6, places: data.firstPairs(side: side), rows: isPictures ? 256 : 4096
    ) { try transform?($0, .evaluation) ?? $0 }
  }
}
