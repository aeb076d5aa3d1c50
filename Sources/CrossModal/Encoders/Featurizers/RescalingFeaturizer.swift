import Foundation
import Torch

/// Vectors whose numbers are too large or too small to compute with, times the power of two that makes the largest lie
/// between 1 and 2: no digit is lost, and squares and powers neither overflow nor vanish.
///
/// Vectors of such numbers get it by themselves, so that what is learned does not depend on the unit they are in.
public struct RescalingFeaturizer: VectorFeaturizer {
  public static let name = "rescaled"
  public static let accepts: [ModalityKind] = [.vector]

  public struct Configuration: MethodConfiguration {
    /// Nil for what brings the training part to size.
    public var exponent: Int?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "exponent",
        "of the power of two that numbers are multiplied by; null brings the largest between 1 and 2",
        in: .count(-1023...1023))
    ]
  }

  public let size: Int
  /// Of the power of two.
  public let exponent: Int

  public init(
    fittedTo source: FeaturizerSource, _ configuration: Configuration = Configuration(), seed: UInt64 = 0
  ) throws {
    var (largest, width) = (0.0, 0)
    try source.forEachChunk(rows: 4096) { items in
      let rows = try RescalingFeaturizer.rows(of: items)
      width = rows.size(along: 1)
      largest = max(largest, try rows.magnitude().max().item(as: Double.self))
    }
    size = width
    exponent = configuration.exponent ?? (largest > 0 ? -Int(largest.exponent) : 0)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    size = try settings.setting("size", of: Self.name)
    exponent = try settings.setting("exponent", of: Self.name)
  }

  public var settings: JSON { ["size": .int(size), "exponent": .int(exponent)] }
  public var state: [String: Tensor] { [:] }

  /// - Throws: ``FeaturizerError/beyond(featurizer:size:)`` for numbers that are too large still.
  public func vectors(of items: Items) throws -> Tensor {
    let stored = try Self.rows(of: items)
    guard stored.size(along: 1) == size else {
      throw FeaturizerError.unequalShape(
        featurizer: Self.name, shape: [stored.size(along: 1)], expected: [size])
    }
    let rows = try stored.to(.float64) * Double(sign: .plus, exponent: exponent, significand: 1)
    guard rows.count > 0 else { return rows }
    let largest = try rows.magnitude().max().item(as: Double.self)
    guard largest <= Limits.largestNumber else {
      throw FeaturizerError.beyond(featurizer: Self.name, size: largest)
    }
    return rows
  }

  private static func rows(of items: Items) throws(FeaturizerError) -> Tensor {
    guard case .vectors(let rows) = items else {
      throw .wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
    }
    return rows
  }
}
