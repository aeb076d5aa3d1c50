import Foundation
import Torch

/// Features of the items of a data set, kept in a run's folder so that the next search need not compute them.
///
/// What is kept carries what it depends on: the run's weights and settings, the contents of the data. Where one of
/// them has changed, or the file is damaged, it is made anew. A folder that cannot be written to costs time, nothing
/// else.
public struct KeptFeatures: Sendable {
  /// The run's folder.
  private let run: URL
  private var folder: URL { run.appendingPathComponent("features") }

  /// - Parameter run: the folder of the run that the features are of.
  public init(in run: URL) { self.run = run }

  /// What can be read of a split, with features of one of its modalities.
  public struct Contents {
    /// The split without the items that cannot be read.
    public let split: Split
    /// Those items.
    public let damaged: [DamagedPicture]
    public let features: Features
  }

  /// Features of a modality of a split: from the folder, or computed and put there.
  ///
  /// - Parameter progress: told how many items are encoded, where that is needed.
  public func contents(
    _ run: Run, of split: Split, side: Int, progress: (Int) -> Void = { _ in }
  ) throws -> Contents {
    let data = split.source
    let place =
      "\(data.path ?? data.description.name)\n\(split.name)\n\(run.modalities[side])"
    // One file for each place, so that what is out of date is replaced.
    let file = folder.appendingPathComponent("\(Checksum.text(of: Data(place.utf8))).safetensors").path
    let origin = try "\(place)\n\(state()) \(data.fingerprint()) \(split.datesOfPictures)"
    if let kept = try? read(file, origin, split) { return kept }
    let omitted = try split.omissions()
    let rest = try split.without(omitted)
    let features = try run.features(of: rest, side: side, progress: progress)
    try? write(features, omitted, origin, to: file)
    return Contents(split: rest, damaged: omitted.damaged, features: features)
  }

  /// What changes when the run does: its settings and, by the checksums in the header, its weights.
  private func state() throws -> String {
    let settings = try Data(contentsOf: run.appendingPathComponent("config.yaml"))
    let weights = try SafeTensors.read(run.appendingPathComponent("model.safetensors").path, checked: false)
    let sums = weights.metadata.filter { $0.key.hasPrefix("crc32") }.sorted { $0.key < $1.key }
    return Checksum.text(of: settings) + Checksum.text(of: Data("\(sums.map(\.value))".utf8))
  }
}

// MARK: - Files

extension KeptFeatures {
  private static let originKey = "origin"
  private static let omittedKey = "omitted"
  private static let companion = "companion."

  /// - Returns: nil where the file is of something else.
  private func read(_ file: String, _ origin: String, _ split: Split) throws -> Contents? {
    let kept = try SafeTensors.read(file)
    guard kept.metadata[Self.originKey] == origin, let values = kept["values"],
      let text = kept.metadata[Self.omittedKey]
    else { return nil }
    let omitted = try JSON(json: Data(text.utf8)).decoded(as: Omissions.self)
    let companions = kept.tensors.filter { $0.name.hasPrefix(Self.companion) }
      .map { (String($0.name.dropFirst(Self.companion.count)), $0.tensor) }
    return Contents(
      split: try split.without(omitted), damaged: omitted.damaged,
      features: Features(
        values, lengths: try kept["lengths"]?.values(as: Int.self),
        companions: Dictionary(uniqueKeysWithValues: companions)))
  }

  private func write(_ features: Features, _ omitted: Omissions, _ origin: String, to file: String) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var tensors = [(name: "values", tensor: features.values)]
    if let lengths = features.lengths { tensors.append(("lengths", try Tensor(lengths))) }
    tensors += features.companions.map { (Self.companion + $0.key, $0.value) }
    try SafeTensors.write(
      tensors, metadata: [Self.originKey: origin, Self.omittedKey: try JSON(encoding: omitted).text()],
      to: file)
  }
}
