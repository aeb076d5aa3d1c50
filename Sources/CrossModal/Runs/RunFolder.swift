import Foundation
import Torch

/// The folder of a run in training.
///
/// Where a run stands that is to be replaced, the new one grows in a folder inside it, from where it comes to its place
/// when it is complete. It goes away, moves and is found with the run that it replaces.
struct RunFolder {
  /// Where the run is to stand.
  let target: URL
  /// Where it grows.
  let url: URL

  private static let recordFile = "config.yaml"
  /// Inside a run: the one that will replace it.
  static let replacement = "replacement"

  /// The folder of a run that is where it is to stand.
  init(_ target: URL) { self.init(target, isInside: false) }

  private init(_ target: URL, isInside: Bool) {
    self.target = target.standardizedFileURL
    url = isInside ? self.target.appendingPathComponent(Self.replacement) : self.target
  }

  /// The training that has begun at a place: the one that is to replace a run, where there is one.
  init(resuming target: URL) {
    let inside = RunFolder(target, isInside: true)
    self = inside.holdsRecord ? inside : RunFolder(target)
  }

  /// - Parameter group: the processes that train together, which all look before the first one writes.
  init(_ target: URL, _ start: RunStart, _ group: (any ProcessGroup)?) throws {
    let isInside =
      switch start {
      case .new: false
      case .replacing: RunFolder(target).holdsRecord
      case .resuming: RunFolder(resuming: target).isInside
      }
    let first = try group?.broadcast(Tensor([isInside ? 1 : 0]), from: 0)[0].item(as: Int.self)
    self.init(target, isInside: first.map { $0 == 1 } ?? isInside)
  }

  private var isInside: Bool { url != target }

  /// The file that says what is trained.
  var record: URL { url.appendingPathComponent(Self.recordFile) }

  var holdsRecord: Bool { FileManager.default.fileExists(atPath: record.path) }

  /// Whether a run stands here that is whole and that no other is to replace.
  var isComplete: Bool {
    let weights = url.appendingPathComponent(Run.weightsFile).path
    return holdsRecord && FileManager.default.fileExists(atPath: weights)
      && !RunFolder(target, isInside: true).holdsRecord
  }

  /// What a user has to know of where the run grows.
  var note: String? {
    isInside ? "the run at \(target.path) stays until the new one, in \(Self.replacement)/, is complete" : nil
  }

  /// Takes the folder for this process, before anything is read or written there.
  func lock(_ start: RunStart) throws -> RunLock {
    if case .resuming = start {
      StagedFolder.tidy(target)
      guard holdsRecord else { throw TrainingError.nothingToResume(target.path) }
      return try RunLock(url)
    }
    let isReplacing = if case .replacing = start { true } else { false }
    try StagedFolder.check(target, kind: .run, replacing: isReplacing, isFilledInPlace: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    let lock = try RunLock(url)
    // Another process may have been here between the look and the lock.
    guard isReplacing || !holdsRecord else { throw FolderError.exists(target.path, .run) }
    return lock
  }

  /// Leaves the record of a new run, or compares that of the run to resume.
  func begin(_ new: RunRecord, _ start: RunStart) throws {
    if case .resuming = start {
      try removeTemporaries()
      let old = try RunRecord(file: record.path)
      let changes = try old.changes(to: new)
      guard changes.isEmpty else { throw TrainingError.changed(folder: target.path, keys: changes) }
      return
    }
    // The record goes last: without it, what a kill leaves would be nobody's.
    let names = try FileManager.default.contentsOfDirectory(atPath: url.path).filter { $0 != RunLock.name }
    for name in names.filter({ $0 != Self.recordFile }) + names.filter({ $0 == Self.recordFile }) {
      try FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
    try AtomicFile.write(Data(new.text().utf8), to: record.path)
  }

  /// What a kill left half-written.
  private func removeTemporaries() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: url.path) where name.hasSuffix(".tmp") {
      try? FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
  }

  /// Lets an interruption name the place that a user knows.
  func named<Result>(_ training: () throws -> Result) throws -> Result {
    do { return try training() } catch TrainingError.interrupted(_, let step, let signal) {
      throw TrainingError.interrupted(folder: target, step: step, signal: signal)
    }
  }

  /// Brings the complete run to its place. The one that it replaces stands there until it does, and the new one stays
  /// where it is until then.
  func finish() throws {
    guard isInside else { return }
    let staged = try StagedFolder(for: target, kind: .runOfThisProcess, replacing: true)
    try staged.link(contentsOf: url, except: [RunLock.name])
    try staged.commit()
  }
}
