import Torch

/// Pictures as their pixels (divided by 255 where they are bytes), along their leading principal components.
///
/// Pictures in an array keep their size and channels when they have no more than 32 x 32 pixels; all others
/// are resized to 32 x 32.
public struct PixelFeaturizer: VectorFeaturizer {
  public static let name = "pixels"
  public static let accepts: [ModalityKind] = [.images]
  /// Width unless told otherwise.
  public static let standardSize = 120
  private static let largest = 32

  /// Height, width and channels.
  private let shape: [Int]
  private let components: PrincipalComponents

  public var size: Int { components.size }

  /// - Throws: ``FeaturizerError`` when the items are no pictures or fewer than two.
  public init(fittedTo source: FeaturizerSource, size: Int) throws {
    let shape = try PixelFeaturizer.shape(of: source.items(0..<min(1, source.count)))
    self.shape = shape
    components = try PrincipalComponents(size: size) { body in
      try source.forEachChunk { try body(PixelFeaturizer.rows(of: $0, shape)) }
    }
  }

  public init(
    fittedTo source: FeaturizerSource, _ configuration: VectorFeaturizerSettings, seed: UInt64
  ) throws {
    try self.init(fittedTo: source, size: configuration.size ?? PixelFeaturizer.standardSize)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    shape = try ["height", "width", "channels"].map { key throws(FeaturizerError) in
      try settings.setting(key, of: PixelFeaturizer.name)
    }
    guard let mean = state["mean"], let components = state["components"], components.rank == 2,
      mean.shape == [components.size(along: 0)], mean.count == shape.reduce(1, *)
    else {
      throw FeaturizerError.badState(
        featurizer: PixelFeaturizer.name, reason: "'mean' and 'components' do not fit pictures of \(shape)")
    }
    self.components = PrincipalComponents(mean: mean, components: components)
  }

  public var settings: JSON {
    ["height": .int(shape[0]), "width": .int(shape[1]), "channels": .int(shape[2])]
  }
  public var state: [String: Tensor] { ["mean": components.mean, "components": components.components] }

  public func vectors(of items: Items) throws -> Tensor {
    var blocks: [Tensor] = []
    try FeaturizerSource(items).forEachChunk { items in
      blocks.append(try components.projected(PixelFeaturizer.rows(of: items, shape)))
    }
    return blocks.isEmpty ? try Tensor.zeros([0, size], .float64) : try Tensor.concatenated(blocks)
  }

  private static func shape(of items: Items) throws(FeaturizerError) -> [Int] {
    switch items {
    case .images(let rows):
      let own = Array(rows.shape.dropFirst())
      return own[0] * own[1] <= largest * largest ? own : [largest, largest, 3]
    case .pictures: return [largest, largest, 3]
    default: throw .wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
    }
  }

  /// `[n, h · w · c]`.
  private static func rows(of items: Items, _ shape: [Int]) throws -> Tensor {
    let stored: Tensor
    if case .images(let own) = items, Array(own.shape.dropFirst()) == shape {
      stored = own
    } else {
      guard items.kind == .images else {
        throw FeaturizerError.wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
      }
      let pixels = try items.pixels(height: shape[0], width: shape[1])
      stored = shape[2] == 3 ? pixels : try pixels.narrowed(to: 0..<shape[2], along: 3)
    }
    let numbers = try stored.dtype == .uint8 ? stored.to(.float64) / 255 : stored.to(.float64)
    return try numbers.flattened(from: 1)
  }
}
