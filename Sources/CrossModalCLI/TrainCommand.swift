import ArgumentParser
import CrossModal
import Foundation
import Torch

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fit or train a method on a data set and write a run folder.",
    discussion: """
      EXAMPLES
        crossmodal train --method cca --data Data/wikipedia --out runs/wikipedia
        crossmodal train --method cca --data Data/emoji/names.dataset.yaml \\
          --out runs/emoji --set k=30 --set features.text.size=120
        crossmodal train --method dcca --data mnist --out runs/mnist --config mnist-halves
        crossmodal train --out runs/mnist --resume
        torchrun --no-python --nproc-per-node 2 crossmodal train --method dcca \\
          --data mnist --out runs/mnist
      """)

  @Option(help: "The method; `crossmodal methods` lists them.")
  var method: String?

  @Option(help: "The data set: a folder with dataset.yaml, a NAME.dataset.yaml, or files, x.npy,y.npy.")
  var data: String?

  @Option(help: "The folder to write the run to.")
  var out: String

  @Option(help: "A YAML file with settings, or a recipe of the method; `crossmodal methods NAME` lists them.")
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("One setting over the file's; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(help: "The split to learn from (default: train).")
  var split: String?

  @Option(parsing: .unconditional, help: "Fixes every random choice (default: 0).")
  var seed: UInt64?

  @Option(
    help:
      "Where to train: cpu, cuda, cuda:N or mps (default: cpu). With cuda each of several processes takes its own."
  )
  var device: String?

  @Option(help: "Seconds that one of several processes may be late before the others give up.")
  var timeout = 1800.0

  @Flag(help: "Continue the run at --out; what else is given must be what it was begun with.")
  var resume = false

  @Flag(help: "Replace the run that stands at --out, once the new one is complete.")
  var force = false

  @Flag(
    help:
      "Refuse what is only warned of else: splits that overlap, columns that number the rows, files outside the folder, pictures that cannot be read."
  )
  var strict = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if resume && force { throw ValidationError("--resume and --force exclude each other") }
    if !resume, method == nil { throw ValidationError("Missing expected argument '--method <method>'") }
    if !resume, data == nil { throw ValidationError("Missing expected argument '--data <data>'") }
  }

  func run() throws {
    let target = URL(fileURLWithPath: out)
    // A run that was killed before it left a record begins anew; without a method, it resumes as it was begun.
    let isBegun = resume && RunRecord.isBegun(in: target)
    let begun = resume && (isBegun || method == nil || data == nil) ? try RunRecord.begun(in: target) : nil
    let type = try MethodList.method(named: method ?? begun?.method ?? "")
    let file =
      try config.map { try settingsTree($0, for: type) } ?? (method == nil ? begun?.settings : nil) ?? .null
    let settings = try RunSettings(file, assignments: assignments, keys: type.allKeys)
    let place = try DistributedGroup.Place(ProcessInfo.processInfo.environment)
    let isFirst = (place?.rank ?? 0) == 0
    if !isBegun, isFirst { try Run.checkPlace(target, of: type, replacing: force) }
    let set =
      if let begun, data == nil { try begun.dataSet(strict: strict) } else {
        try DataSet(at: data ?? "", strict: strict)
      }
    let split = self.split ?? (method == nil ? begun?.split : nil) ?? "train"
    if strict { _ = try RunOptions.readable(set.split(split), strict: true, output) }
    let seed = self.seed ?? (method == nil ? begun?.seed : nil) ?? 0
    let device = try namedDevice(self.device ?? (method == nil ? begun?.device : nil) ?? "cpu", at: place)
    if type is any Trainable.Type {
      let group = try place.map { try DistributedGroup($0, device: device, timeout: timeout) }
      if resume, !isBegun, isFirst { output.note("\(out): holds no run to resume; beginning one") }
      try train(
        type, settings, set, split: split, seed: seed, device: device, into: target,
        start: isBegun ? .resuming : force ? .replacing : .new, group: group)
    } else {
      if place != nil { throw UsageError("\(type.description.name) is a closed form; run it in one process") }
      set.warnings.forEach(output.warn)
      if isBegun {
        throw UsageError("\(type.description.name) is fitted in one go; there is nothing to resume")
      }
      if device != .cpu { output.warn("\(type.description.name) is a closed form and runs on the cpu") }
      let start = ContinuousClock.now
      let run = try Run.fit(type, settings: settings, data: set, split: split, seed: seed) { output.note($0) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let failure = try run.save(to: target, reportingOn: set, replacing: force) { output.note($0) }
      try report(run, seconds: seconds)
      try told(failure)
    }
  }

  /// The device of this process.
  private func namedDevice(_ name: String, at place: DistributedGroup.Place?) throws -> Device {
    do {
      let named = try Device(named: name)
      return try place?.device(named) ?? named
    } catch {
      throw UsageError("--device: \(error.message)")
    }
  }

  private func train(
    _ type: any Method.Type, _ settings: RunSettings, _ set: DataSet, split: String, seed: UInt64,
    device: Device, into target: URL, start: RunStart, group: DistributedGroup?
  ) throws {
    let isFirst = (group?.rank ?? 0) == 0
    if isFirst { set.warnings.forEach(output.warn) }
    let progress = TrainingProgressBar(output)
    // Also before an error is printed.
    defer { progress.finish() }
    var failure: (any Error)?
    let show = { (event: TrainingEvent) in if isFirst { progress.show(event) } }
    let (run, outcome) = try Run.train(
      type, settings: settings, data: set, split: split, seed: seed, device: device, into: target,
      start: start, group: group, observe: show
    ) { run, outcome, folder in
      failure = try run.writeReport(of: outcome, on: set, to: folder) { progress.show(.note($0)) }
    }
    progress.finish()
    if isFirst { try report(run, outcome) }
    try told(failure)
  }

  /// Ends with what could not be measured, when there is a run all the same.
  private func told(_ failure: (any Error)?) throws {
    guard let failure else { return }
    Console.error(
      "\(out): the run is complete, but it could not be measured for its report: "
        + ExitStatus.sentence(failure))
    throw CheckFailed()
  }

  private func report(_ run: Run, _ outcome: TrainingOutcome) throws {
    let found = (run.method as? any FitReporting)?.fitReport ?? FitReport()
    found.warnings.forEach(output.warn)
    var json: JSON = [
      "run": .string(out), "method": .string(run.about.name), "epochs": .int(outcome.epochs),
      "steps": .int(outcome.steps), "ending": .string(outcome.ending.rawValue),
    ]
    if let best = outcome.best {
      json["best"] = ["measure": .string(best.name), "value": .double(best.value)]
      json["best_step"] = outcome.bestStep.map(JSON.int) ?? .null
    }
    json["seconds"] = .double(outcome.seconds)
    for fact in found.facts.members ?? [] { json[fact.key] = fact.value }
    if output.json { return Console.out(json) }
    let best = outcome.best.map { ", \($0.name) \(String(format: "%.4g", $0.value))" } ?? ""
    Console.out(
      "\(out): \(run.about.name) on \(run.record.data.name), \(outcome.steps) steps\(best), "
        + String(format: "%.1f s", outcome.seconds))
  }

  private func report(_ run: Run, seconds: Double) throws {
    let report = (run.method as? any FitReporting)?.fitReport ?? FitReport()
    report.warnings.forEach(output.warn)
    if output.json {
      var json: JSON = ["run": .string(out), "method": .string(run.about.name), "seconds": .double(seconds)]
      for fact in report.facts.members ?? [] { json[fact.key] = fact.value }
      Console.out(json)
      return
    }
    for fact in report.facts.members ?? [] {
      let value = output.verbose ? fact.value : fact.value.withoutCandidates.shortened
      output.note(
        "  \(fact.key.padding(toLength: 18, withPad: " ", startingAt: 0)) \(value.rounded.text())")
    }
    Console.out("\(out): \(run.about.name) on \(run.record.data.name), \(String(format: "%.1f", seconds)) s")
  }
}

extension JSON {
  /// What was chosen, without everything that was tried.
  fileprivate var withoutCandidates: JSON {
    guard let members else { return self }
    return .object(members.filter { $0.key != "tried" })
  }

  /// The first ten of long lists.
  fileprivate var shortened: JSON {
    switch self {
    case .array(let elements) where elements.count > 12:
      .array(elements.prefix(10) + [.string("… \(elements.count) in all")])
    case .object(let members): .object(members.map { Member($0.key, $0.value.shortened) })
    default: self
    }
  }

  /// Numbers with four digits, for people.
  fileprivate var rounded: JSON {
    switch self {
    case .double(let number): .double((number * 1e4).rounded() / 1e4)
    case .array(let elements): .array(elements.map(\.rounded))
    case .object(let members): .object(members.map { Member($0.key, $0.value.rounded) })
    default: self
    }
  }
}

/// The settings of a file, or of the method's recipe of that name where there is no such file.
func settingsTree(_ name: String, for type: any Method.Type) throws -> JSON {
  guard let data = FileManager.default.contents(atPath: name) else {
    return try type.recipe(named: name).settings
  }
  let tree: JSON
  do { tree = try JSON(yaml: String(decoding: data, as: UTF8.self)) } catch {
    throw UsageError("\(name): \(ExitStatus.sentence(error))")
  }
  guard tree.members != nil || tree.isNull else {
    throw UsageError("\(name): holds no settings, which are lines of 'key: value'")
  }
  return tree
}
