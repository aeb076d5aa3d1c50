import Foundation
import Torch

/// What stands in the folder that a training is to write to.
public enum RunStart: Sendable {
  /// Nothing.
  case new
  /// Perhaps a run, which goes.
  case replacing
  /// A run with the same settings that was broken off, which is continued.
  case resuming

  var isResuming: Bool { if case .resuming = self { true } else { false } }
}

extension Run {
  /// Whether a run of a method can come to a folder, to be asked before the work whose result it is.
  ///
  /// - Parameter replacing: a run that stands there may be replaced.
  /// - Throws: ``FolderError`` and `FileError`.
  public static func checkPlace(_ folder: URL, of type: any Method.Type, replacing: Bool) throws {
    let isTrained = type is any Trainable.Type
    if isTrained { try StagedFolder.check(folder, kind: .run, replacing: replacing, isFilledInPlace: true) }
    // What replaces another comes there as a whole, trained or not.
    if !isTrained || RunFolder(folder).holdsRecord {
      try StagedFolder.check(folder, kind: .run, replacing: replacing)
    }
  }

  /// Trains a method by gradient on a split of a data set, into a folder.
  ///
  /// Everything that can be wrong with settings and data is checked before the work starts. The folder holds
  /// `config.yaml` and checkpoints from the beginning, and can be resumed from any moment on. A run that is replaced
  /// stands until the new one is complete, which grows in the folder `replacement` inside it.
  /// - Parameters:
  ///   - type: the method.
  ///   - settings: what the user set.
  ///   - data: the data set, whose `split` is learned from.
  ///   - folder: of the run.
  ///   - group: the processes that train together; each calls this with the same arguments and sees the same
  ///     folder. The first one writes.
  ///   - observe: told what happens.
  ///   - extras: writes what is to stand beside the finished run, such as a report, into the folder that it is given;
  ///     called by the first process.
  /// - Throws: ``TrainingError``, ``RunError``, and what reading the data throws.
  public static func train(
    _ type: any Method.Type, settings: RunSettings, data: DataSet, split splitName: String = "train",
    seed: UInt64 = 0, device: Device = .cpu, into folder: URL, start: RunStart = .new,
    group: (any ProcessGroup)? = nil, observe: @escaping (TrainingEvent) -> Void = { _ in },
    with extras: (Run, TrainingOutcome, URL) throws -> Void = { _, _, _ in }
  ) throws -> (run: Run, outcome: TrainingOutcome) {
    let isFirst = (group?.rank ?? 0) == 0
    let training = try RunFolder(folder, start, group)
    let isNew = isFirst && !FileManager.default.fileExists(atPath: training.url.path)
    // Only an empty folder goes: one whose training never began.
    defer { if isNew { rmdir(training.url.path) } }
    let lock = isFirst ? try training.lock(start) : nil
    defer { withExtendedLifetime(lock) {} }
    // Before the first checkpoint, a run that was broken off begins with the weights that its settings name.
    let begun = start.isResuming ? try Checkpoints(run: training.url).found() : nil
    if isFirst, let note = begun?.note { observe(.note("warning: \(note)")) }
    let isResuming = begun?.manifest != nil
    let learning = try Learning(
      type, settings: settings, data: data, split: splitName, seed: seed, isResuming: isResuming
    ) {
      if isFirst { observe(.note($0)) }
    } progress: {
      if isFirst { observe(.features($0)) }
    }
    let (method, configuration) = try learning.trainable()
    let held = try learning.heldOut { if isFirst { observe(.note($0)) } }
    let types = method.stateEntries.map(\.tensor.dtype)
    // Before the folder is touched, so that settings which cannot be used neither leave one nor replace a run.
    let trainer = try Trainer(
      method, training: configuration, data: learning.data, validation: held, seed: seed, device: device,
      group: group, folder: training.url, observe: observe)
    // Each of several processes has a device of its own; the record is one for all.
    let record = try learning.record(device: trainer.group == nil ? device : Device(kind: device.kind))
    if isFirst {
      try training.begin(record, start)
      if let note = training.note { observe(.note(note)) }
    }
    try group?.barrier()
    let outcome = try training.named { try trainer.run() }
    try learning.averagePublished()
    let run = learning.run(record)
    if isFirst { try run.write(to: training.url) }
    // The file keeps the precision of training; in use the method has its own, as where the run is opened.
    for (entry, type) in zip(method.stateEntries, types) { entry.tensor = try entry.tensor.to(type) }
    if isFirst {
      try extras(run, outcome, training.url)
      try training.finish()
    }
    return (run, outcome)
  }
}

extension RunRecord {
  /// Whether training has begun in a folder.
  public static func isBegun(in folder: URL) -> Bool { RunFolder(resuming: folder).holdsRecord }

  /// Whether a run stands in a folder that is not being trained or replaced any more.
  public static func isComplete(in folder: URL) -> Bool { RunFolder(folder).isComplete }

  /// The record of the training that has begun in a folder, which `--resume` goes on with.
  public static func begun(in folder: URL) throws -> RunRecord {
    let training = RunFolder(resuming: folder)
    guard training.holdsRecord else { throw TrainingError.nothingToResume(folder.path) }
    return try RunRecord(file: training.record.path)
  }

  /// The settings as a user would give them.
  public var settings: JSON {
    var all = configuration
    for member in training.members ?? [] { all[member.key] = member.value }
    if let features = features.members, !features.isEmpty {
      // What else stands there follows from these.
      all["features"] = .object(
        features.map { feature in
          let keys = Featurizers.keys(of: feature.value["name"]?.string ?? "")
          let own = (feature.value.members ?? []).filter { $0.key == "name" || keys.contains($0.key) }
          return JSON.Member(feature.key, .object(own))
        })
    }
    if let targets = targets.members, !targets.isEmpty {
      all["targets"] = .object(
        targets.map { JSON.Member($0.key, FeaturizerFiles.withoutDocument($0.value)) })
    }
    all["threads"] = .int(threads)
    return all
  }

  /// What of another record would make other weights.
  func changes(to other: RunRecord) throws -> [TrainingError.Change] {
    // Another method has other keys, which say nothing more.
    guard method == other.method else { return [.init(key: "method", begun: method, now: other.method)] }
    let flat = { (record: RunRecord) throws -> [(key: String, value: String)] in
      var tree = try record.json()
      tree["versions"] = nil
      tree["data"]?["path"] = nil
      return tree.leaves("")
    }
    let (mine, others) = (try flat(self), try flat(other))
    let keys = mine.map(\.key) + others.map(\.key).filter { key in !mine.contains { $0.key == key } }
    return keys.compactMap { key in
      let begun = mine.first { $0.key == key }?.value ?? "absent"
      let now = others.first { $0.key == key }?.value ?? "absent"
      return begun == now ? nil : TrainingError.Change(key: key, begun: begun, now: now)
    }
  }
}

extension JSON {
  /// Every value below with its dotted key; the sections of a record are left out, as users never write them.
  fileprivate func leaves(_ prefix: String) -> [(key: String, value: String)] {
    guard let members, !members.isEmpty else { return [(prefix, text())] }
    return members.flatMap { member in
      let isSection = prefix.isEmpty && ["configuration", "training"].contains(member.key)
      let key = isSection ? "" : prefix.isEmpty ? member.key : "\(prefix).\(member.key)"
      return member.value.leaves(key)
    }
  }
}
