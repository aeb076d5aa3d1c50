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
  private let keepsFragments: Bool
  private let modality: DataDescription.Modality

  /// - Parameters:
  ///   - modality: vectors, sets, sequences, or pictures of one size.
  ///   - keepsPictures: give pictures `[n, channels, height, width]`, not a row of numbers each.
  ///   - keepsFragments: give sets and sequences `[n, l, d]`, not the mean of each.
  public init(
    for modality: DataDescription.Modality, transform: Transform = .none, keepsPictures: Bool = false,
    keepsFragments: Bool = false
  ) throws {
    self.modality = modality
    self.transform = transform
    self.keepsPictures = keepsPictures
    self.keepsFragments = keepsFragments && (modality.kind == .set || modality.kind == .sequence)
    let shape = modality.shape ?? modality.size.map { [$0] } ?? []
    let columns = keepsPictures ? shape.last ?? 1 : shape.reduce(1, *)
    _mean = Buffer(wrappedValue: try Tensor.zeros([columns]))
    _scale = Buffer(wrappedValue: try Tensor.ones([columns]))
  }

  /// Learns mean and deviation from the training part, in one walk over it.
  ///
  /// - Parameters:
  ///   - side: place of the modality.
  ///   - epsilon: added to the deviation, so that constant columns stay finite.
  ///   - places: the pairs to walk; all when nil.
  ///   - rows: pairs in memory at a time.
  ///   - transform: what is done to items before.
  public func fit(
    to data: some TrainingSet, side: Int, epsilon: Double, places: [Int]? = nil, rows: Int = 4096,
    after transform: (Items) throws -> Items = { $0 }
  ) throws {
    let places = places ?? Array(0..<data.count)
    var moments = try ColumnMoments(mean.size(along: 0))
    for start in stride(from: 0, to: places.count, by: rows) {
      let batch = try data.batch(at: Array(places[start..<min(start + rows, places.count)]))
      try moments.add(columned(transform(batch.items[side])))
    }
    let deviation = try moments.deviation(correction: 0) + epsilon
    mean = try moments.mean.to(mean.dtype).to(mean.device)
    scale = try deviation.reciprocal().to(scale.dtype).to(scale.device)
  }

  /// Items as the network takes them, float32: `[n, d]`, `[n, channels, height, width]`, or `[n, l, d]`.
  ///
  /// - Throws: ``ConfigurationError`` for items of another kind or width than the method was made for.
  public func callAsFunction(_ items: Items) throws -> Tensor {
    let rows = try scaledNumbers(items)
    return keepsPictures ? try rows.permuted(0, 3, 1, 2).contiguous() : rows
  }

  /// The same as items: vectors, pictures of one size, or sets and sequences where these are kept.
  ///
  /// - Throws: ``ConfigurationError`` for items of another kind or width than the method was made for.
  public func scaled(_ items: Items) throws -> Items {
    let rows = try scaledNumbers(items)
    switch items {
    case .sets(_, let lengths) where keepsFragments: return .sets(rows, lengths: lengths)
    case .sequences(_, let lengths) where keepsFragments: return .sequences(rows, lengths: lengths)
    default: return keepsPictures ? .images(rows) : .vectors(rows)
    }
  }

  /// Scaled numbers in the places where ``numbers(_:)`` has them.
  private func scaledNumbers(_ items: Items) throws -> Tensor {
    try (transformed(numbers(items)).to(mean.dtype).to(mean.device) - mean) * scale
  }

  /// One row for each number of a column, float64; padding left out.
  private func columned(_ items: Items) throws -> Tensor {
    let rows = try transformed(numbers(items).to(.float64)).reshaped(-1, mean.size(along: 0))
    guard keepsFragments, let lengths = items.lengths, let longest = items.tensor?.size(along: 1) else {
      return rows
    }
    return try rows.rows(
      at: lengths.enumerated().flatMap { row, length in (0..<length).map { row * longest + $0 } })
  }

  private func transformed(_ rows: Tensor) throws(TorchError) -> Tensor {
    switch transform {
    case .none: rows
    case .sqrt: try rows.clamped(from: 0).squareRoot()
    case .log: try rows.clamped(from: 1e-12).log()
    }
  }

  /// `[n, d]`, pictures `[n, height, width, channels]`, or fragments `[n, l, d]`.
  private func numbers(_ items: Items) throws -> Tensor {
    let rows: Tensor
    switch items {
    case .vectors(let vectors): rows = vectors
    case .sets(let parts, let lengths), .sequences(let parts, let lengths):
      rows = keepsFragments ? parts : try parts.to(.float64).meanOfFirst(lengths)
    case .images(let pictures): rows = keepsPictures ? pictures : try pictures.flattened(from: 1)
    case .pictures(let pictures):
      guard let shape = modality.shape, shape.count == 3 else { throw wrongKind(items) }
      let pixels = try Items.pictures(pictures).pixels(height: shape[0], width: shape[1])
      rows = keepsPictures ? pixels : try pixels.flattened(from: 1)
    case .texts, .tokens: throw wrongKind(items)
    }
    guard rows.rank == (keepsPictures ? 4 : keepsFragments ? 3 : 2),
      rows.size(along: -1) == mean.size(along: 0)
    else {
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
