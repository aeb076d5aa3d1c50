import CrossModal
import Foundation

/// A run that `train` is to make, and what stands at its place.
struct PlannedRun {
  /// The folder as the user named it.
  let name: String
  /// Of a run that is one of several; nil for a run alone.
  let seed: UInt64?
  /// Whether a training that was broken off is continued.
  let isResumed: Bool
  /// Whether a complete run stands there that is kept as it is.
  let isKept: Bool

  var folder: URL { URL(fileURLWithPath: name) }

  /// A run alone.
  init(_ name: String, resuming: Bool) {
    self.name = name
    seed = nil
    isKept = false
    isResumed = resuming && RunRecord.isBegun(in: URL(fileURLWithPath: name))
  }

  /// One of several runs.
  ///
  /// - Throws: ``UsageError`` where one was broken off and nobody said what is to become of it.
  private init(_ seed: UInt64, in group: String, resuming: Bool, replacing: Bool) throws {
    let place = RunGroup.place(of: seed, in: URL(fileURLWithPath: group)).lastPathComponent
    name = group.hasSuffix("/") ? group + place : "\(group)/\(place)"
    self.seed = seed
    let folder = URL(fileURLWithPath: name)
    isKept = !replacing && RunRecord.isComplete(in: folder)
    isResumed = !replacing && !isKept && RunRecord.isBegun(in: folder)
    guard !isResumed || resuming else {
      throw UsageError(
        "\(name): training has not ended here; --resume goes on with it, --force begins all runs anew")
    }
  }

  /// The runs of several seeds, in one folder.
  ///
  /// - Parameter seeds: whole numbers with commas between.
  static func all(of seeds: String, in group: String, resuming: Bool, replacing: Bool) throws -> [PlannedRun]
  {
    var known: Set<UInt64> = []
    return try seeds.split(separator: ",", omittingEmptySubsequences: false).map { word in
      let word = word.trimmingCharacters(in: .whitespaces)
      guard let seed = UInt64(word) else {
        throw UsageError("--seeds: '\(word)' is not a whole number from 0; expected such as 1,2,3")
      }
      guard known.insert(seed).inserted else { throw UsageError("--seeds: \(seed) is there twice") }
      return try PlannedRun(seed, in: group, resuming: resuming, replacing: replacing)
    }
  }

  /// Checks that a run which is kept is one of those that are asked for now.
  ///
  /// - Parameter settings: what the user set now.
  /// - Throws: ``UsageError`` naming the first thing that differs.
  func checkKept(_ type: any Method.Type, _ settings: RunSettings, _ data: DataSet, split: String) throws {
    let record = try RunRecord.begun(in: folder)
    func require(_ what: String, _ begun: String, _ now: String) throws {
      guard begun != now else { return }
      throw UsageError(
        "\(name): was learned with \(what) \(begun), not \(now); --force learns all runs anew")
    }
    try require("method", record.method, type.description.name)
    try require("split", record.split, split)
    try require("data", record.fingerprint, data.fingerprint())
    for member in settings.method.members ?? [] {
      // What the data decided stands there as it was decided; what has parts may be written in more ways than one.
      guard record.chosen[member.key] == nil,
        let begun = record.configuration[member.key] ?? record.training[member.key],
        begun.isPlain && member.value.isPlain, begun.double != member.value.double || begun.double == nil
      else { continue }
      try require(member.key, begun.text(), member.value.text())
    }
  }
}

extension JSON {
  /// Whether it is one word, number or truth.
  fileprivate var isPlain: Bool { members == nil && array == nil && !isNull }
}
