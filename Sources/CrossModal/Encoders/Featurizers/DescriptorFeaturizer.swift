import Foundation
import Torch

/// Pictures as colors and edges of the cells of a grid, along their leading principal components.
///
/// The picture is resized to 72 x 72 pixels and cut into 9 x 9 cells. A cell has the mean of red, green and
/// blue, their standard deviations, and a histogram of the gradient's directions (8 bins, each direction
/// weighted by max(0, cosine), normalized a cell as in Dalal and Triggs, 2005). The three groups are scaled
/// to the same total variance over the training part.
public struct DescriptorFeaturizer: VectorFeaturizer {
  public static let name = "descriptor"
  public static let accepts: [ModalityKind] = [.images]
  /// Width unless told otherwise.
  public static let standardSize = 120

  private static let side = 72
  private static let cells = 9
  private static let directions = 8

  /// What the groups are divided by, `[3]`.
  private let scales: Tensor
  private let components: PrincipalComponents

  public var size: Int { components.size }

  /// - Throws: ``FeaturizerError`` when the items are no pictures or fewer than two.
  public init(fittedTo source: FeaturizerSource, size: Int) throws {
    var (count, sums, squares) = (0, [Tensor](), [Tensor]())
    // The descriptors themselves are small, so pictures are decoded once.
    var blocks: [[Tensor]] = []
    try source.forEachChunk(rows: 64) { items in
      let groups = try DescriptorFeaturizer.groups(of: items)
      blocks.append(groups)
      count += items.count
      let (sum, square) = (
        try groups.map { try $0.sum(along: 0) }, try groups.map { try $0.squared().sum(along: 0) }
      )
      sums = sums.isEmpty ? sum : try zip(sums, sum).map { try $0 + $1 }
      squares = squares.isEmpty ? square : try zip(squares, square).map { try $0 + $1 }
    }
    guard count > 1 else {
      throw FeaturizerError.nothingToLearn(
        featurizer: DescriptorFeaturizer.name, reason: "there are fewer than two pictures")
    }
    let n = Double(count)
    let totals = try zip(sums, squares).map { sum, square in
      try (square / n - (sum / n).squared()).sum().item(as: Double.self)
    }
    let scales = try Tensor(totals.map { $0 > 1e-12 ? $0.squareRoot() : 1 })
    self.scales = scales
    components = try PrincipalComponents(size: size) { body in
      for groups in blocks { try body(DescriptorFeaturizer.joined(groups, scales)) }
    }
  }

  public init(
    fittedTo source: FeaturizerSource, _ configuration: VectorFeaturizerSettings, seed: UInt64
  ) throws {
    try self.init(fittedTo: source, size: configuration.size ?? DescriptorFeaturizer.standardSize)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    guard let scales = state["scales"], let mean = state["mean"], let components = state["components"],
      scales.shape == [3], components.rank == 2, mean.shape == [components.size(along: 0)],
      mean.count == DescriptorFeaturizer.cells * DescriptorFeaturizer.cells
        * (6 + DescriptorFeaturizer.directions)
    else {
      throw FeaturizerError.badState(
        featurizer: DescriptorFeaturizer.name,
        reason: "'scales', 'mean' and 'components' do not fit each other")
    }
    self.scales = scales
    self.components = PrincipalComponents(mean: mean, components: components)
  }

  public var settings: JSON { .object([]) }
  public var state: [String: Tensor] {
    ["scales": scales, "mean": components.mean, "components": components.components]
  }

  public func vectors(of items: Items) throws -> Tensor {
    var blocks: [Tensor] = []
    try FeaturizerSource(items).forEachChunk(rows: 64) { items in
      let joined = try DescriptorFeaturizer.joined(DescriptorFeaturizer.groups(of: items), scales)
      blocks.append(try components.projected(joined))
    }
    return blocks.isEmpty ? try Tensor.zeros([0, size], .float64) : try Tensor.concatenated(blocks)
  }

  private static func joined(_ groups: [Tensor], _ scales: Tensor) throws -> Tensor {
    try Tensor.concatenated(groups.enumerated().map { try $1 / scales[$0] }, along: 1)
  }

  /// Means, deviations and directions of all cells, float64 `[n, ·]` each.
  private static func groups(of items: Items) throws -> [Tensor] {
    guard items.kind == .images else {
      throw FeaturizerError.wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
    }
    let stored = try items.pixels(height: side, width: side)
    let pixels = try stored.dtype == .uint8 ? stored.to(.float64) / 255 : stored.to(.float64)
    let n = pixels.size(along: 0)
    func perCell(_ values: Tensor) throws -> Tensor {
      try values.reshaped(n, cells, side / cells, cells, side / cells, -1).mean(along: 2, 4)
    }
    let mean = try perCell(pixels)
    let deviation = try (perCell(pixels.squared()) - mean.squared()).clamped(from: 0).squareRoot()

    let grey = try pixels.mean(along: 3)
    let last = side - 1
    let across = try (grey.narrowed(to: 2..<side, along: 2) - grey.narrowed(to: 0..<last - 1, along: 2)) / 2
    let down = try (grey.narrowed(to: 2..<side, along: 1) - grey.narrowed(to: 0..<last - 1, along: 1)) / 2
    let gradient = try (x: across.padded([1, 1]), y: down.padded([0, 0, 1, 1]))
    let edges = try (0..<directions).map { direction in
      let angle = 2 * Double.pi * Double(direction) / Double(directions)
      return try perCell((gradient.x * cos(angle) + gradient.y * sin(angle)).relu())
    }
    let histogram = try Tensor.concatenated(edges, along: 3)
    // Flat cells stay near zero instead of showing the direction of noise.
    let normalized = try histogram / (histogram.norm(along: 3, keepingDimension: true) + 0.02)
    return try [mean, deviation, normalized].map { try $0.flattened(from: 1) }
  }
}
