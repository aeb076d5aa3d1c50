import Foundation
import Torch

extension Run {
  /// Fits a closed-form method to a split of a data set.
  ///
  /// Everything that can be wrong with settings and data is checked before the work starts.
  /// - Parameters:
  ///   - type: the method.
  ///   - settings: what the user set.
  ///   - data: the data set, whose `split` is learned from.
  ///   - note: told in a sentence what happens.
  public static func fit(
    _ type: any Method.Type, settings: Settings, data: DataSet, split splitName: String = "train",
    seed: UInt64 = 0, note: (String) -> Void = { _ in }
  ) throws -> Run {
    let split = try data.split(splitName)
    let description = split.description
    try suits(type, description)
    if let threads = settings.threads { try Runtime.setThreads(threads) }
    var featurizers: [String: any Featurizer] = [:]
    for (side, choice) in try featurizerChoices(type, settings: settings, data: description) {
      let name = description.modalities[side].name
      note("features of \(name): \(choice.name)")
      featurizers[name] = try Featurizers.fit(
        choice.name, to: split, side: side, size: choice.size, seed: seed)
    }
    let seen = description.throughFeatures(featurizers)
    let method = try type.make(settings.method, for: seen)
    guard let fittable = method as? any Fittable else {
      throw RunError.unsuitable(method: type.description.name, reason: "is trained by gradient, not fitted")
    }
    note("fitting \(type.description.name) to \(split.count) pairs")
    try fittable.fit(
      to: FeaturizedSplit(split, description.modalities.map { featurizers[$0.name] }), seed: seed)
    let features = description.modalities.compactMap { modality in
      featurizers[modality.name].map { featurizer in
        var settings: JSON = ["name": .string(Swift.type(of: featurizer).name)]
        for member in featurizer.settings.members ?? [] { settings[member.key] = member.value }
        return JSON.Member(modality.name, settings)
      }
    }
    return Run(
      record: RunRecord(
        method: type.description.name, configuration: try fittable.settings(), features: .object(features),
        seed: seed, threads: Runtime.threads, device: Device.cpu.description, dataPath: data.url.path,
        split: splitName, fingerprint: try data.fingerprint(), data: description),
      method: method, featurizers: featurizers)
  }

  private static func suits(_ type: any Method.Type, _ data: DataDescription) throws {
    let about = type.description
    guard about.modalities.contains(data.modalities.count) else {
      throw RunError.unsuitable(
        method: about.name,
        reason: "relates \(about.modalities.words) modalities; \(data.name) has \(data.modalities.count)")
    }
  }

  /// Which featuriser, and of which width, each modality gets that the method does not take as it comes, or
  /// that the user wants one for.
  private static func featurizerChoices(
    _ type: any Method.Type, settings: Settings, data: DataDescription
  ) throws -> [(side: Int, choice: (name: String, size: Int?))] {
    let names = data.modalities.map(\.name)
    for member in settings.features.members ?? [] where !names.contains(member.key) {
      throw ConfigurationError.unknownKey(
        "features.\(member.key)", nearest: nearest(to: member.key, in: names), known: names)
    }
    return try data.modalities.enumerated().compactMap { side, modality in
      let wanted = settings.features[modality.name] ?? .null
      guard !wanted.isNull || !type.description.accepts.contains(modality.kind) else { return nil }
      guard let name = wanted.string ?? wanted["name"]?.string ?? Featurizers.standard(for: modality.kind)
      else {
        throw RunError.unsuitable(
          method: type.description.name,
          reason: "does not take \(modality.name), whose rows are of kind \(modality.kind.rawValue)")
      }
      for member in wanted.members ?? [] where !["name", "size"].contains(member.key) {
        throw ConfigurationError.unknownKey(
          "features.\(modality.name).\(member.key)", nearest: nearest(to: member.key, in: ["name", "size"]),
          known: ["name", "size"])
      }
      let size = try wanted["size"].map { value in
        guard let size = value.int, size >= 1 else {
          throw ConfigurationError.badValue(
            key: "features.\(modality.name).size", value: value.text(), expected: "a whole number from 1")
        }
        return size
      }
      return (side, (name, size))
    }
  }
}

extension Method {
  /// Every setting, for use through `any Method`.
  func settings() throws -> JSON { try configuration.tree() }
}

extension DataDescription {
  /// The same data with vectors where a featuriser makes them.
  func throughFeatures(_ featurizers: [String: any Featurizer]) -> DataDescription {
    var seen = self
    for (side, modality) in modalities.enumerated() {
      guard let featurizer = featurizers[modality.name] else { continue }
      seen.modalities[side] = Modality(
        name: modality.name, kind: .vector, size: featurizer.size, shape: [featurizer.size])
    }
    return seen
  }
}

extension ClosedRange<Int> {
  fileprivate var words: String {
    lowerBound == upperBound
      ? "\(lowerBound)" : upperBound == .max ? "\(lowerBound) or more" : "\(lowerBound) to \(upperBound)"
  }
}
