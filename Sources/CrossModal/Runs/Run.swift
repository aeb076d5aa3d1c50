import Foundation
import Torch

/// A trained method with all it needs to take new items: what a run folder holds.
public final class Run {
  public internal(set) var record: RunRecord
  public internal(set) var method: any Method
  /// Featurizers by modality name, for modalities that the method does not take as they come.
  public internal(set) var featurizers: [String: any Featurizer]
  /// Places of the modalities by the names that they had before ``adapt(to:)``.
  var formerNames: [String: Int] = [:]
  /// What the method learned to give, in the order in which it names it.
  public let targets: [FittedTarget]

  public init(
    record: RunRecord, method: any Method, featurizers: [String: any Featurizer] = [:],
    targets: [FittedTarget] = []
  ) {
    self.record = record
    self.method = method
    self.featurizers = featurizers
    self.targets = targets
  }

  /// What the method's list entry says.
  public var about: MethodDescription { type(of: method).description }

  /// Names of the modalities in order.
  public var modalities: [String] { record.data.modalities.map(\.name) }

  /// The place of a modality.
  ///
  /// - Throws: ``DataError`` with the nearest name when the run knows no such modality.
  public func side(of modality: String) throws -> Int {
    guard let side = modalities.firstIndex(of: modality) ?? formerNames[modality] else {
      throw RunError.unknownModality(modality, known: modalities)
    }
    return side
  }

  /// The method as one that scores items of two modalities.
  public func alignment() throws -> any Alignment {
    guard let alignment = method as? any Alignment else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "retrieval")
    }
    return alignment
  }

  /// Features of items as they come from a data set or a user, through the modality's featurizer where it has one.
  public func encode(_ items: Items, side: Int) throws -> Features {
    let method = try encoding()
    let items = try featurized(items, side: side)
    return try withoutGradient { try method.encode(items, side: side) }
  }

  /// The method as one that makes features of items.
  private func encoding() throws -> any Encoding {
    guard let encoding = method as? any Encoding else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "features of items")
    }
    return encoding
  }

  /// The pairs of a split as the method takes them, computed when they are asked for; with the numbers of what it
  /// learned to give, where the split has that.
  public func pairs(of split: Split) throws -> FeaturizedSplit {
    try FeaturizedSplit(
      split, split.description.modalities.map { featurizers[$0.name] }, targets: targets, keeps: false)
  }

  /// The words of texts as the method sees them, marks included, for showing what it looked at; nil when the
  /// modality's texts do not become words.
  public func tokens(of items: Items, side: Int) -> [[TextToken]]? {
    guard case .texts(let texts) = items,
      let featurizer = featurizers[record.data.modalities[side].name] as? any TokenFeaturizer
    else { return nil }
    return texts.map { featurizer.tokens(of: $0) }
  }

  /// Items as the method takes them: through the modality's featurizer where it has one.
  func featurized(_ items: Items, side: Int) throws -> Items {
    let modality = record.data.modalities[side].name
    if let featurizer = featurizers[modality] { return try featurizer.featurized(items) }
    if case .vectors(let rows) = items, rows.count > 0, rows.dtype.isFloatingPoint {
      let largest = try rows.magnitude().max().item(as: Double.self)
      guard largest <= Limits.largestNumber else {
        throw MethodError.unsuitable(
          method: about.name,
          reason: "was fitted to smaller numbers: \(modality) holds \(String(format: "%g", largest))")
      }
    }
    return items
  }

  /// Features of all rows of one modality of a split, a block of rows at a time.
  public func features(
    of split: Split, side: Int, block: Int = 1024, progress: (Int) -> Void = { _ in }
  ) throws -> Features {
    try encoding().features(
      of: pairs(of: split), side: side, EvaluationOptions(block: block), progress: progress)
  }
}

// MARK: - Files

extension Run {
  private static let recordFile = "config.yaml"
  static let weightsFile = "model.safetensors"

  /// Writes the run's files into a folder.
  public func write(to folder: URL) throws {
    let path = { (name: String) in folder.appendingPathComponent(name).path }
    try AtomicFile.write(Data(record.text().utf8), to: path(Self.recordFile))
    try SafeTensors.write(method.state, to: path(Self.weightsFile))
    try FeaturizerFiles.write(featurizers, of: record.data, to: folder)
    try TargetFiles.write(targets, to: folder)
  }

  /// Writes the run to a folder that appears when it is complete.
  ///
  /// - Parameters:
  ///   - replacing: a run that stands there may be replaced.
  ///   - extras: writes what is to appear with the run, such as a report, into the folder that it is given.
  public func save(
    to folder: URL, replacing: Bool = false, with extras: (URL) throws -> Void = { _ in }
  ) throws {
    let staged = try StagedFolder(for: folder, kind: .run, replacing: replacing)
    try staged.fill {
      try write(to: $0)
      try extras($0)
    }
    try staged.commit()
  }

  /// Reads the run in a folder.
  ///
  /// - Parameter methods: what the run may be of; your own methods go here.
  /// - Throws: ``RunError`` when there is none or it is not whole; ``UnknownMethod``.
  public static func open(_ folder: String, methods: [any Method.Type] = MethodList.all) throws -> Run {
    let path = { (name: String) in URL(fileURLWithPath: folder).appendingPathComponent(name).path }
    let isThere = { FileManager.default.fileExists(atPath: path($0)) }
    guard isThere(recordFile), isThere(weightsFile) else {
      let seeds = RunGroup.seeds(in: URL(fileURLWithPath: folder))
      if let seed = seeds.first { throw RunError.isGroup(folder, seeds: seeds.count, first: seed) }
      throw isThere(recordFile) && isThere("checkpoints") ? RunError.unfinished(folder) : .notARun(folder)
    }
    let record = try RunRecord(file: path(recordFile))
    let type = try MethodList.method(named: record.method, among: methods)
    let featurizers = try FeaturizerFiles.read(record, from: URL(fileURLWithPath: folder))
    let targets = try TargetFiles.read(type.targets, record, from: URL(fileURLWithPath: folder))
    var description = record.data.throughFeatures(featurizers)
    description.targets = targets.map(\.output)
    let method = try type.make(record.configuration, for: description)
    try method.load(SafeTensors.read(path(weightsFile)).tensors, from: path(weightsFile))
    return Run(record: record, method: method, featurizers: featurizers, targets: targets)
  }
}

extension Method {
  /// A method of this type with the given settings, for use through `any Method.Type`.
  public static func make(_ overrides: JSON, for data: DataDescription) throws -> any Method {
    try Self(Configuration(overrides: overrides), for: data)
  }
}
