import Foundation
import Torch

/// Texts or pictures as the vectors that a published encoder makes of them, frozen: nothing is learned.
///
/// Vectors are kept by the encoder's fingerprint and what tells items apart, outside of the run, so that a second run does
/// not encode again. A run names the folder of the weights and their fingerprint, and does not copy them.
public struct EncoderFeaturizer: VectorFeaturizer {
  public static let name = "encoder"
  public static let accepts: [ModalityKind] = [.text, .images]
  public static let fileKeys = ["weights"]

  /// Which of an encoder's vectors.
  public enum Output: String, Sendable, Codable, CaseIterable {
    /// Those that the towers of a model meet in.
    case projected
    /// Those before the projection.
    case pooled
  }

  public struct Configuration: MethodConfiguration {
    public var weights: String?
    public var output = Output.projected
    public var normalize = true
    public var prompt: String?
    public var contextLength: Int?
    public var cache: String?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "weights",
        "folder of a published encoder: of sentence-transformers, or a two-tower model; needed"),
      ConfigurationKey(
        "output", "projected (where the towers of a model meet) or pooled (before the projection)"),
      ConfigurationKey("normalize", "vectors of length 1"),
      ConfigurationKey("prompt", "put in front of every text; null: as the folder says, else nothing"),
      ConfigurationKey(
        "context_length", "most pieces of a text; null: as the folder says", in: .count(2...1 << 16)),
      ConfigurationKey(
        "cache", "folder of vectors that were made before; null: the user's own, none: no such folder"),
    ]

    public func validateRelations() throws {
      guard weights == nil else { return }
      throw ConfigurationError.badValue(
        key: "weights", value: "null",
        expected: "the folder of a published encoder: the featurizer 'encoder' needs one")
    }
  }

  private let configuration: Configuration
  public let size: Int
  /// What it takes.
  private let kind: ModalityKind
  /// What the weights were when the run was made.
  private let fingerprint: String
  private let encoder: LoadedEncoder
  private let kept: KeptVectors

  /// Looks at the encoder; nothing is learned from the items.
  ///
  /// - Throws: what is wrong with the folder.
  public init(fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64 = 0) throws {
    try configuration.validateRelations()
    let kind = source.count == 0 ? nil : try source.items(0..<1).kind
    let place = URL(fileURLWithPath: configuration.weights ?? "")
    let fingerprint = try PublishedFingerprint.text(of: place)
    let loaded = LoadedEncoder(place, configuration, of: kind, expecting: fingerprint, isChecked: true)
    let encoder = try loaded.encoder()
    if let kind, encoder.kind != kind {
      throw FeaturizerError.wrongKind(featurizer: Self.name, kind: kind, accepts: [encoder.kind])
    }
    self.init(configuration, size: encoder.size, encoder.kind, fingerprint, loaded)
  }

  private init(
    _ configuration: Configuration, size: Int, _ kind: ModalityKind, _ fingerprint: String,
    _ encoder: LoadedEncoder
  ) {
    self.kind = kind
    self.configuration = configuration
    self.size = size
    self.fingerprint = fingerprint
    self.encoder = encoder
    kept = KeptVectors(in: Self.folder(configuration, fingerprint, kind), width: size)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    let known = Self.Configuration.keys.map(\.name)
    let own = (settings.members ?? []).filter { known.contains($0.key) }
    let configuration = try Configuration(overrides: .object(own))
    guard let fingerprint = settings["fingerprint"]?.string, let weights = configuration.weights else {
      throw FeaturizerError.badState(featurizer: Self.name, reason: "'weights' or 'fingerprint' is missing")
    }
    let kind = settings["kind"]?.string.flatMap(ModalityKind.init) ?? .text
    self.init(
      configuration, size: try settings.setting("size", of: Self.name), kind, fingerprint,
      LoadedEncoder(
        URL(fileURLWithPath: weights), configuration, of: kind, expecting: fingerprint, isChecked: false))
  }

  /// Where the vectors of these settings are; nil for nowhere.
  private static func folder(
    _ configuration: Configuration, _ fingerprint: String, _ kind: ModalityKind
  ) -> URL? {
    if configuration.cache == "none" { return nil }
    let whole = configuration.cache.map { URL(fileURLWithPath: $0) } ?? KeptVectors.standardFolder
    var settings = configuration
    // Where things are changes nothing of what they are.
    (settings.weights, settings.cache) = (nil, nil)
    let key = ItemKey("\(fingerprint) \(kind.rawValue) \((try? JSON(encoding: settings).text()) ?? "")".utf8)
    return whole?.appendingPathComponent(String(key.first, radix: 16) + String(key.second, radix: 16))
  }

  public var settings: JSON {
    var json: JSON = [
      "size": .int(size), "kind": .string(kind.rawValue), "fingerprint": .string(fingerprint),
    ]
    for member in (try? configuration.tree())?.members ?? [] where !member.value.isNull {
      json[member.key] = member.value
    }
    return json
  }

  public var state: [String: Tensor] { [:] }
  public var notes: [String] { (try? encoder.encoder().notes) ?? [] }

  public func vectors(of items: Items) throws -> Tensor { try vectors(of: items) { _ in } }

  public func featurized(_ items: Items, progress: (Int) -> Void) throws -> Items {
    .vectors(try vectors(of: items, progress: progress))
  }

  private func vectors(of items: Items, progress: (Int) -> Void) throws -> Tensor {
    guard items.count > 0 else { return try Tensor.zeros([0, size], .float64) }
    guard Self.accepts.contains(items.kind) else {
      throw FeaturizerError.wrongKind(featurizer: Self.name, kind: items.kind, accepts: Self.accepts)
    }
    let rows = try kept.vectors(of: ItemKey.all(of: items), progress: progress) { places, progress in
      let vectors = try encoder.encoder().vectors(of: items.rows(at: places), progress: progress)
      return configuration.normalize
        ? try vectors / vectors.norm(along: 1, keepingDimension: true).clamped(from: 1e-12) : vectors
    }
    return try rows.to(.float64)
  }
}

/// An encoder that is read when it is needed for the first time.
final class LoadedEncoder: @unchecked Sendable {
  // Every access to what changes is under the lock.
  private let lock = NSLock()
  private var known: (any FrozenEncoder)?
  private let place: URL
  private let configuration: EncoderFeaturizer.Configuration
  private let fingerprint: String
  private let isChecked: Bool
  private let kind: ModalityKind?

  /// - Parameters:
  ///   - kind: what it is to take; nil for what it takes first.
  ///   - fingerprint: what the files are to be.
  ///   - isChecked: whether they are known to be that.
  init(
    _ place: URL, _ configuration: EncoderFeaturizer.Configuration, of kind: ModalityKind?,
    expecting fingerprint: String, isChecked: Bool
  ) {
    self.kind = kind
    self.place = place
    self.configuration = configuration
    self.fingerprint = fingerprint
    self.isChecked = isChecked
  }

  func encoder() throws -> any FrozenEncoder {
    try lock.withLock {
      if let known { return known }
      if !isChecked, try PublishedFingerprint.text(of: place) != fingerprint {
        throw DataError.malformed(
          file: place.relativeName,
          reason: "is not the encoder that the run was made with: its files have changed")
      }
      let encoder = try read()
      known = encoder
      return encoder
    }
  }

  private func read() throws -> any FrozenEncoder {
    if !SentenceFolder.isOne(place) {
      let folder = try PublishedFolder(place.path)
      if try folder.model().scheme.hasTowers {
        guard configuration.prompt == nil else {
          throw ConfigurationError.badValue(
            key: "prompt", value: configuration.prompt ?? "",
            expected: "left out: a model of two towers has none")
        }
        return try FrozenTowers(
          folder, of: kind, output: configuration.output == .pooled ? .pooled : .projected,
          contextLength: configuration.contextLength)
      }
    }
    return try FrozenSentences(
      SentenceFolder(place, prompt: configuration.prompt, longest: configuration.contextLength))
  }
}
