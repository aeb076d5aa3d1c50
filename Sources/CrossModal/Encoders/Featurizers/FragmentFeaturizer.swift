import Foundation
import Torch

/// Sequences and sets of vectors as one vector an item: all their numbers one after the other, or what their vectors have
/// in common.
public struct FragmentFeaturizer: VectorFeaturizer {
  public static let name = "fragments"
  public static let accepts: [ModalityKind] = [.sequence, .set]

  /// What becomes of the vectors of an item.
  public enum Form: String, Codable, Sendable, CaseIterable {
    /// One after the other; all items have as many.
    case flat
    /// Their mean.
    case mean
    /// Their mean and their standard deviation.
    case moments
  }

  public struct Configuration: MethodConfiguration {
    /// Nil chooses: ``Form/flat`` for sequences that are all of one length and not too wide, else ``Form/moments``.
    public var form: Form?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "form",
        "flat (vector after vector, of items of one length), mean, or moments (mean and deviation); null: flat for sequences of one length with up to \(FragmentFeaturizer.widest) numbers, else moments"
      )
    ]
  }

  /// Numbers of an item that are laid out flat without being asked to.
  static let widest = 4096

  public let form: Form
  /// Vectors of an item under ``Form/flat``; 0 where items may have any number.
  private let length: Int
  /// Width of a vector.
  private let width: Int

  public var size: Int {
    switch form {
    case .flat: length * width
    case .mean: width
    case .moments: 2 * width
    }
  }

  /// - Throws: ``FeaturizerError`` when the items are no vectors, or are to be laid out flat and have different lengths.
  public init(
    fittedTo source: FeaturizerSource, _ configuration: Configuration = Configuration(), seed: UInt64 = 0
  ) throws {
    var lengths: Set<Int> = []
    var (width, isSequence) = (0, false)
    try source.forEachChunk(rows: 4096) { items in
      let (values, own) = try FragmentFeaturizer.fragments(of: items)
      width = values.size(along: 2)
      lengths.formUnion(own)
      isSequence = items.kind == .sequence
    }
    guard let longest = lengths.max() else {
      throw FeaturizerError.nothingToLearn(featurizer: Self.name, reason: "there are no items")
    }
    let isFlat = isSequence && lengths.count == 1 && longest * width <= Self.widest
    form = configuration.form ?? (isFlat ? .flat : .moments)
    guard form != .flat || lengths.count == 1 else {
      throw FeaturizerError.nothingToLearn(
        featurizer: Self.name,
        reason:
          "items have \(lengths.min() ?? 0) to \(longest) vectors, and form flat needs all to have as many; use moments"
      )
    }
    length = form == .flat ? longest : 0
    self.width = width
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    guard let form = settings["form"]?.string.flatMap(Form.init) else {
      throw FeaturizerError.badState(featurizer: Self.name, reason: "'form' is missing or unknown")
    }
    self.form = form
    length = try settings.setting("length", of: Self.name)
    width = try settings.setting("width", of: Self.name)
  }

  public var settings: JSON {
    ["form": .string(form.rawValue), "length": .int(length), "width": .int(width)]
  }
  public var state: [String: Tensor] { [:] }

  public func vectors(of items: Items) throws -> Tensor {
    let (stored, lengths) = try Self.fragments(of: items)
    guard stored.size(along: 2) == width else {
      throw FeaturizerError.unequalShape(
        featurizer: Self.name, shape: [stored.size(along: 2)], expected: [width])
    }
    let values = try stored.to(.float64)
    if form == .flat {
      if let other = lengths.first(where: { $0 != length }) {
        throw FeaturizerError.unequalShape(
          featurizer: Self.name, shape: [other, width], expected: [length, width])
      }
      return try values.narrowed(to: 0..<length, along: 1).flattened(from: 1)
    }
    // Padding counts nothing.
    let places = try Tensor.range(0..<values.size(along: 1)).unsqueezed(at: 0)
    let isThere = try (places .< Tensor(lengths).unsqueezed(at: 1)).to(.float64).unsqueezed(at: 2)
    let counts = try Tensor(lengths.map { Double(max(1, $0)) }).unsqueezed(at: 1)
    let mean = try (values * isThere).sum(along: 1) / counts
    guard form == .moments else { return mean }
    let rest = try (values - mean.unsqueezed(at: 1)) * isThere
    return try Tensor.concatenated([mean, (rest.squared().sum(along: 1) / counts).squareRoot()], along: 1)
  }

  private static func fragments(of items: Items) throws(FeaturizerError) -> (Tensor, [Int]) {
    switch items {
    case .sequences(let values, let lengths), .sets(let values, let lengths): return (values, lengths)
    default: throw .wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
    }
  }
}
