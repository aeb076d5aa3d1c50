import Foundation

/// Runs of one method on the same data that differ by their seed: folders `seed-1`, `seed-2`, … in one.
public struct RunGroup {
  /// One of the runs.
  public struct Member {
    /// Such as `seed-1`.
    public let name: String
    public let seed: UInt64
    public let run: Run
  }

  /// The folder that holds the runs.
  public let folder: String
  /// In ascending order of their seeds; at least one.
  public let members: [Member]

  fileprivate static let prefix = "seed-"

  /// The folder of the run of a seed within that of a group.
  public static func place(of seed: UInt64, in group: URL) -> URL {
    group.appendingPathComponent("\(prefix)\(seed)")
  }

  /// Seeds whose runs have begun or are complete in a folder, ascending; none where the folder is no group.
  public static func seeds(in folder: URL) -> [UInt64] {
    guard !RunFolder(folder).holdsRecord else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix(prefix), let seed = UInt64(name.dropFirst(prefix.count)),
        name == "\(prefix)\(seed)"
      else { return nil }
      return RunRecord.isBegun(in: folder.appendingPathComponent(name)) ? seed : nil
    }.sorted()
  }

  /// Whether runs of several seeds may come to a folder: nothing is there, or such runs.
  ///
  /// - Throws: ``FolderError`` where something else stands there; `FileError` where nothing may be written.
  public static func checkPlace(_ folder: URL) throws {
    try StagedFolder.check(folder, kind: .runGroup, replacing: true, isFilledInPlace: true)
  }

  /// Reads the runs in a folder.
  ///
  /// - Parameter methods: what the runs may be of.
  /// - Throws: ``RunError`` when there are none, one is not whole, or they differ by more than their seed.
  public init(at folder: String, methods: [any Method.Type] = MethodList.all) throws {
    let place = URL(fileURLWithPath: folder)
    self.folder = folder
    let below = folder.hasSuffix("/") ? folder : folder + "/"
    members = try Self.seeds(in: place).map { seed in
      let name = Self.place(of: seed, in: place).lastPathComponent
      return Member(name: name, seed: seed, run: try Run.open(below + name, methods: methods))
    }
    guard let first = members.first else { throw RunError.notARun(folder) }
    for other in members.dropFirst() {
      let records = [first.run.record, other.run.record]
      // What a fit decided, it may decide otherwise with other folds.
      let decided = records.flatMap { $0.chosen.members ?? [] }.map(\.key)
      let changes = try records[0].changes(to: records[1])
        .filter { $0.isMoreThanSeed && !decided.contains($0.key) }
      guard changes.isEmpty else {
        throw RunError.mixedGroup(
          folder, changes.map { "\($0.key) is \($0.begun) in \(first.name), \($0.now) in \(other.name)" })
      }
    }
  }

  /// The run that stands for what is the same in all.
  public var first: Run { members[0].run }

  /// Measures every run on a split; the result is an ``AveragedResult``.
  public func evaluate(
    on split: Split, _ options: EvaluationOptions = EvaluationOptions()
  ) throws -> RunEvaluation {
    let all = try members.map { (name: $0.name, evaluation: try $0.run.evaluate(on: split, options)) }
    let first = all[0].evaluation
    return RunEvaluation(
      method: first.method, dataset: first.dataset, split: first.split, task: first.task,
      result: try AveragedResult(all.map { (name: $0.name, result: $0.evaluation.result) }),
      seconds: all.reduce(0) { $0 + $1.evaluation.seconds }, learned: first.learned)
  }
}

extension TrainingError.Change {
  /// Whether it is none of what a seed, the machine or the data decide.
  fileprivate var isMoreThanSeed: Bool {
    let free = [
      "seed", "threads", "device", "data.skipped", "data.held_back", "chosen", "features", "targets",
    ]
    return !free.contains { key == $0 || key.hasPrefix($0 + ".") }
  }
}

extension FolderKind {
  /// A folder of runs of several seeds.
  fileprivate static let runGroup = FolderKind(
    "folder of runs of several seeds", isOne: { !RunGroup.seeds(in: $0).isEmpty },
    // What a kill leaves of the first of them.
    isLeftOver: { $0.hasPrefix(RunGroup.prefix) || $0.hasPrefix("." + RunGroup.prefix) })
}
