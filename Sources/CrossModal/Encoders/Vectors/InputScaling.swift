import Torch

/// Items as a network wants them: a fixed function of each number, then mean 0 and deviation 1 over the training
/// part. Vectors are scaled by column, pictures by channel.
public final class InputScaling: Module {
  /// What is done to each number first.
  public enum Transform: String, Sendable, Codable, CaseIterable {
    case none
    /// √x: for counts and histograms.
    case sqrt
    /// log x: for shares and probabilities. Numbers below 1e-12 count as 1e-12.
    case log
  }

  /// Mean of each column or channel.
  @Buffer public private(set) var mean: Tensor
  /// What each is multiplied with.
  @Buffer public private(set) var scale: Tensor

  private let transform: Transform
  private let keepsPictures: Bool
  private let modality: DataDescription.Modality

  /// - Parameters:
  ///   - modality: vectors, sets, sequences, or pictures of one size.
  ///   - keepsPictures: give pictures `[n, channels, height, width]`, not a row of numbers each.
  public init(
    for modality: DataDescription.Modality, transform: Transform = .none, keepsPictures: Bool = false
  ) throws {
    self.modality = modality
    self.transform = transform
    self.keepsPictures = keepsPictures
    let shape = modality.shape ?? modality.size.map { [$0] } ?? []
    let columns = keepsPictures ? shape.last ?? 1 : shape.reduce(1, *)
    _mean = Buffer(wrappedValue: try Tensor.zeros([columns]))
    _scale = Buffer(wrappedValue: try Tensor.ones([columns]))
  }

  /// Learns mean and deviation from the training part, in two walks over it.
  ///
  /// - Parameters:
  ///   - side: place of the modality.
  ///   - epsilon: added to the deviation, so that constant columns stay finite.
  public func fit(to data: some TrainingSet, side: Int, epsilon: Double) throws {
    let columns = mean.size(along: 0)
    var sum = try Tensor.zeros([columns], .float64)
    var count = 0.0
    try data.forEachChunk(rows: 4096) { batch in
      let rows = try columned(batch.items[side])
      sum = try sum + rows.sum(along: 0)
      count += Double(rows.size(along: 0))
    }
    let center = try sum / max(1, count)
    var squares = try Tensor.zeros([columns], .float64)
    try data.forEachChunk(rows: 4096) { batch in
      squares = try squares + (columned(batch.items[side]) - center).squared().sum(along: 0)
    }
    let deviation = try (squares / max(1, count)).squareRoot() + epsilon
    mean = try center.to(mean.dtype).to(mean.device)
    scale = try deviation.reciprocal().to(scale.dtype).to(scale.device)
  }

  /// Items as the network takes them, float32: `[n, d]`, or `[n, channels, height, width]`.
  ///
  /// - Throws: ``ConfigurationError`` for items of another kind or width than the method was made for.
  public func callAsFunction(_ items: Items) throws -> Tensor {
    let rows = try (transformed(numbers(items)).to(mean.dtype).to(mean.device) - mean) * scale
    return keepsPictures ? try rows.permuted(0, 3, 1, 2).contiguous() : rows
  }

  /// One row for each number of a column, float64.
  private func columned(_ items: Items) throws -> Tensor {
    try transformed(numbers(items).to(.float64)).reshaped(-1, mean.size(along: 0))
  }

  private func transformed(_ rows: Tensor) throws(TorchError) -> Tensor {
    switch transform {
    case .none: rows
    case .sqrt: try rows.clamped(from: 0).squareRoot()
    case .log: try rows.clamped(from: 1e-12).log()
    }
  }

  /// `[n, d]`, or pictures `[n, height, width, channels]`.
  private func numbers(_ items: Items) throws -> Tensor {
    let rows: Tensor
    switch items {
    case .vectors(let vectors): rows = vectors
    case .sets(let parts, let lengths), .sequences(let parts, let lengths):
      rows = try parts.to(.float64).meanOfFirst(lengths)
    case .images(let pictures): rows = keepsPictures ? pictures : try pictures.flattened(from: 1)
    case .pictures(let pictures):
      guard let shape = modality.shape, shape.count == 3 else { throw wrongKind(items) }
      let pixels = try Items.pictures(pictures).pixels(height: shape[0], width: shape[1])
      rows = keepsPictures ? pixels : try pixels.flattened(from: 1)
    case .texts, .tokens: throw wrongKind(items)
    }
    guard rows.rank == (keepsPictures ? 4 : 2), rows.size(along: -1) == mean.size(along: 0) else {
      throw ConfigurationError.badValue(
        key: modality.name, value: "a row of shape \(rows.shape.dropFirst())",
        expected: "of width \(mean.size(along: 0)), which the method was made for")
    }
    return rows.dtype == .float64 ? rows : try rows.to(.float32)
  }

  private func wrongKind(_ items: Items) -> ConfigurationError {
    ConfigurationError.badValue(
      key: modality.name, value: "an item of kind \(items.kind.rawValue)",
      expected: "of kind \(modality.kind.rawValue), which the method was made for")
  }
}

extension Tensor {
  /// Mean over the first `lengths[i]` rows of each `[n, l, d]`; a row without any gives 0.
  func meanOfFirst(_ lengths: [Int]) throws(TorchError) -> Tensor {
    let places = try Tensor.range(0..<size(along: 1), on: device).unsqueezed(at: 0)
    let counts = try Tensor(lengths).to(device).unsqueezed(at: 1)
    let mask = try (places .< counts).to(dtype).unsqueezed(at: 2)
    return try (self * mask).sum(along: 1) / counts.to(dtype).clamped(from: 1)
  }
}
