import Foundation
import Torch

/// The featurizers by name.
public enum Featurizers {
  /// Their names.
  public static var names: [String] { all.map { $0.name } }

  static let all: [any Featurizer.Type] = [
    TFIDFFeaturizer.self, DescriptorFeaturizer.self, PixelFeaturizer.self, WordFeaturizer.self,
    WordPieceFeaturizer.self, FragmentFeaturizer.self, RescalingFeaturizer.self, EncoderFeaturizer.self,
    PieceFeaturizer.self,
  ]

  /// What a kind of items is turned into something else with unless told otherwise; nil for vectors, which need
  /// nothing, and for kinds that have no featurizer.
  ///
  /// - Parameter accepted: kinds that the method takes: texts become word numbers where it takes those.
  public static func standard(
    for kind: ModalityKind, accepted: [ModalityKind] = [.vector]
  ) -> String? {
    switch kind {
    case .text: accepted.contains(.tokens) ? WordFeaturizer.name : TFIDFFeaturizer.name
    case .images: DescriptorFeaturizer.name
    case .sequence, .set: accepted.contains(.vector) ? FragmentFeaturizer.name : nil
    default: nil
    }
  }

  /// Fits a featurizer to one modality of a split.
  ///
  /// - Parameters:
  ///   - name: one of ``names``.
  ///   - settings: of the featurizer, by key.
  ///   - seed: fixes what is random, which is where singular vectors start from.
  /// - Throws: ``FeaturizerError`` for unknown names and kinds that do not fit; ``ConfigurationError`` for settings;
  ///   ``DataError`` from reading.
  public static func fit(
    _ name: String, to split: Split, side: Int, settings: JSON = .null, seed: UInt64 = 0
  ) throws -> any Featurizer { try fit(name, to: [split], sides: [side], settings: settings, seed: seed) }

  /// The same to one or several modalities of splits of one data set, one after the other; several are texts.
  static func fit(
    _ name: String, to splits: [Split], sides: [Int], settings: JSON, seed: UInt64
  ) throws -> any Featurizer {
    let type = try type(of: name)
    for modality in sides.map({ splits[0].description.modalities[$0] })
    where !type.accepts.contains(modality.kind) {
      throw FeaturizerError.wrongKind(featurizer: name, kind: modality.kind, accepts: type.accepts)
    }
    let sources = splits.flatMap { split in sides.map { FeaturizerSource(split, side: $0) } }
    let source = sources.count == 1 ? sources[0] : FeaturizerSource(texts: sources)
    return try type.fit(source, settings, seed: seed)
  }

  /// The same to items that are read in pieces.
  static func fit(
    _ name: String, to source: FeaturizerSource, settings: JSON, seed: UInt64 = 0
  ) throws -> any Featurizer { try type(of: name).fit(source, settings, seed: seed) }

  /// A featurizer from what a run folder holds.
  public static func make(
    _ name: String, settings: JSON, state: [String: Tensor], document: JSON? = nil
  ) throws -> any Featurizer {
    try type(of: name).init(settings: settings, state: state, document: document)
  }

  /// Keys that a user may set of the featurizer of a name; none when there is no such featurizer.
  static func keys(of name: String) -> [String] {
    (try? type(of: name))?.keys ?? []
  }

  /// The type of a name.
  ///
  /// - Throws: ``FeaturizerError`` with the nearest name.
  static func type(of name: String) throws(FeaturizerError) -> any Featurizer.Type {
    guard let type = all.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: names)
    }
    return type
  }
}

extension Featurizer {
  fileprivate static func fit(_ source: FeaturizerSource, _ settings: JSON, seed: UInt64) throws -> Self {
    try Self(fittedTo: source, Configuration(overrides: settings), seed: seed)
  }

  fileprivate static var keys: [String] { Configuration.keys.map(\.name) }

  /// Settings with those of `usual` that they do not say under any name.
  static func completing(_ settings: [JSON.Member], with usual: JSON) -> [JSON.Member] {
    let missing = (usual.members ?? []).filter { member in
      guard let key = Configuration.keys.first(where: { $0.name == member.key }) else { return false }
      return !settings.contains { $0.key == key.name || key.aliases.contains($0.key) }
    }
    return missing + settings
  }

  /// Every setting with its value, nothing where it is null; paths of files from the root.
  ///
  /// - Parameter key: what stands before the keys in messages.
  /// - Throws: ``ConfigurationError``.
  static func checked(_ settings: JSON, under key: String) throws -> [JSON.Member] {
    try Configuration.checked(settings, files: fileKeys, under: key)
  }
}

extension MethodConfiguration {
  /// Every setting with its value, nothing where it is null; paths under the keys `files` from the root.
  ///
  /// - Parameter key: what stands before the keys in messages.
  /// - Throws: ``ConfigurationError``.
  static func checked(_ settings: JSON, files: [String], under key: String) throws -> [JSON.Member] {
    do {
      let members = try Self(overrides: settings).tree().members ?? []
      return members.filter { !$0.value.isNull }.map { member in
        guard files.contains(member.key), let path = member.value.string else { return member }
        return JSON.Member(member.key, .string(URL(fileURLWithPath: path).standardizedFileURL.path))
      }
    } catch let error as ConfigurationError {
      throw error.under(key)
    }
  }
}

extension ConfigurationError {
  /// The same of a key inside another.
  func under(_ outer: String) -> ConfigurationError {
    switch self {
    case .unknownKey(let key, let nearest, let known, let method):
      .unknownKey("\(outer).\(key)", nearest: nearest, known: known, method: method)
    case .badValue(let key, let value, let expected):
      .badValue(key: "\(outer).\(key)", value: value, expected: expected)
    case .givenTwice(let key, let alias): .givenTwice(key: "\(outer).\(key)", alias: "\(outer).\(alias)")
    }
  }
}
