import ArgumentParser
import CrossModal
import Foundation
import Torch

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fit or train a method on a data set and write a run folder.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal train --method cca --data Data/wikipedia --out runs/wikipedia
        crossmodal train --method cca --data Data/emoji/names.dataset.yaml \\
          --out runs/emoji --set k=30 --set features.text.size=120
        crossmodal train --method dcca --data Data/digits-halves \\
          --config digits-halves --out runs/digits
        crossmodal train --out runs/digits --resume
        crossmodal train --method clip --data Data/wikipedia --out runs/clip \\
          --seeds 1,2,3
        torchrun --no-python --nproc-per-node 2 crossmodal train \\
          --method dcca --data Data/digits-halves --out runs/shared
      """))

  @Option(help: "The method; `crossmodal methods` lists them.", completion: Completions.methods)
  var method: String?

  @Option(
    help: "The data set: a folder with dataset.yaml, a NAME.dataset.yaml, or files, x.npy,y.npy.",
    completion: .file())
  var data: String?

  @Option(help: "The folder to write the run to.", completion: .directory)
  var out: String

  @Option(
    help: "A YAML file with settings, or a recipe of the method; `crossmodal methods NAME` lists them.",
    completion: Completions.recipes)
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("One setting over the file's; may be repeated.", valueName: "key=value"),
    completion: Completions.settings)
  var assignments: [String] = []

  @Option(help: "The split to learn from (default: train).")
  var split: String?

  @Option(parsing: .unconditional, help: "Fixes every random choice (default: 0).")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Several seeds: a run of each, in seed-1, seed-2, … of --out. Complete ones are kept; --resume goes on with others.",
      valueName: "1,2,3"))
  var seeds: String?

  @Option(
    help:
      "Where to train: cpu, cuda, cuda:N or mps (default: cpu). With cuda each of several processes takes its own.",
    completion: .list(["cpu", "cuda", "mps"]))
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
    if seed != nil && seeds != nil { throw ValidationError("--seed and --seeds exclude each other") }
    if !resume, method == nil { throw ValidationError("Missing expected argument '--method <method>'") }
    if !resume, data == nil { throw ValidationError("Missing expected argument '--data <data>'") }
  }

  func run() throws {
    let runs = try plannedRuns()
    // A run that was killed before it left a record begins anew; without a method, it resumes as it was begun.
    let known = runs.first { $0.isResumed || $0.isKept }
    let begun =
      resume && (known != nil || method == nil || data == nil)
      ? try RunRecord.begun(in: (known ?? runs[0]).folder) : nil
    let type = try MethodList.method(named: method ?? begun?.method ?? "")
    let file =
      try config.map { try settingsTree($0, for: type) } ?? (method == nil ? begun?.settings : nil) ?? .null
    let settings = try RunSettings(file, assignments: assignments, keys: type.allKeys)
    let place = try DistributedGroup.Place(ProcessInfo.processInfo.environment)
    let isFirst = (place?.rank ?? 0) == 0
    if isFirst {
      if seeds != nil { try RunGroup.checkPlace(URL(fileURLWithPath: out)) }
      for run in runs where !run.isResumed && !run.isKept {
        try Run.checkPlace(run.folder, of: type, replacing: force)
      }
    }
    let set =
      if let begun, data == nil { try begun.dataSet(strict: strict) } else {
        try DataSet(at: data ?? "", strict: strict)
      }
    let split = self.split ?? (method == nil ? begun?.split : nil) ?? "train"
    if strict { _ = try RunOptions.readable(set.split(split), strict: true, output) }
    let seed = self.seed ?? (method == nil && seeds == nil ? begun?.seed : nil) ?? 0
    let device = try namedDevice(self.device ?? (method == nil ? begun?.device : nil) ?? "cpu", at: place)
    for run in runs where run.isKept && method != nil {
      try run.checkKept(type, settings, set, split: split)
    }
    let isTrained = type is any Trainable.Type
    if !isTrained {
      if place != nil { throw UsageError("\(type.description.name) is a closed form; run it in one process") }
      if runs.contains(where: \.isResumed) {
        throw UsageError("\(type.description.name) is fitted in one go; there is nothing to resume")
      }
      if device != .cpu { output.warn("\(type.description.name) is a closed form and runs on the cpu") }
    }
    let group = try isTrained ? place.map { try DistributedGroup($0, device: device, timeout: timeout) } : nil
    if isFirst { set.warnings.forEach(output.warn) }
    var told: [TrainedRun] = []
    for run in runs {
      if run.isKept {
        if isFirst { output.note("\(run.name): is complete, and kept") }
        continue
      }
      if run.seed != nil, isFirst { output.note("\(run.name):") }
      if isTrained {
        if resume, !run.isResumed, isFirst {
          output.note("\(run.name): holds no run to resume; beginning one")
        }
        do {
          told += try train(
            run, type, settings, set, split: split, seed: run.seed ?? seed, device: device, group: group)
        } catch TrainingError.interrupted(_, let step, let signal) where seeds != nil {
          throw TrainingError.interrupted(folder: URL(fileURLWithPath: out), step: step, signal: signal)
        }
      } else {
        told.append(try fit(run, type, settings, set, split: split, seed: run.seed ?? seed))
      }
      if isFirst, !output.json, let last = told.last { Console.out(last.line) }
    }
    guard isFirst else { return }
    let failures = told.compactMap(\.failure)
    if seeds != nil {
      try report(on: set, told, failures)
    } else if output.json, let only = told.first {
      Console.out(only.json)
    }
    for run in told {
      guard let failure = run.failure else { continue }
      Console.error(
        "\(run.name): the run is complete, but it could not be measured for its report: \(failure)")
    }
    if !failures.isEmpty { throw CheckFailed() }
  }

  private func plannedRuns() throws -> [PlannedRun] {
    if let seeds { return try PlannedRun.all(of: seeds, in: out, resuming: resume, replacing: force) }
    let others = RunGroup.seeds(in: URL(fileURLWithPath: out)).map(String.init)
    guard !resume || others.isEmpty else {
      throw UsageError(
        "\(out): holds runs of several seeds; name all that are wanted, as in --seeds \(others.joined(separator: ","))"
      )
    }
    return [PlannedRun(out, resuming: resume)]
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

  /// What is said of a run that was made.
  private struct TrainedRun {
    let name: String
    let json: JSON
    let line: String
    /// What could not be measured for its report.
    let failure: String?
  }

  private func fit(
    _ place: PlannedRun, _ type: any Method.Type, _ settings: RunSettings, _ set: DataSet, split: String,
    seed: UInt64
  ) throws -> TrainedRun {
    let start = ContinuousClock.now
    let bar = FeatureProgressBar(output)
    let run = try Run.fit(type, settings: settings, data: set, split: split, seed: seed) {
      bar.finish()
      output.note($0)
    } progress: {
      bar.show($0)
    }
    bar.finish()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let failure = try run.save(to: place.folder, reportingOn: set, replacing: force) { output.note($0) }
    let report = (run.method as? any FitReporting)?.fitReport ?? FitReport()
    report.warnings.forEach(output.warn)
    var json: JSON = [
      "run": .string(place.name), "method": .string(run.about.name), "seconds": .double(seconds),
    ]
    for fact in report.facts.members ?? [] { json[fact.key] = fact.value }
    for fact in report.facts.members ?? [] where !output.json {
      let value = output.verbose ? fact.value : fact.value.withoutCandidates.shortened
      output.note(
        "  \(fact.key.padding(toLength: 18, withPad: " ", startingAt: 0)) \(value.rounded.text())")
    }
    return TrainedRun(
      name: place.name, json: json,
      line:
        "\(place.name): \(run.about.name) on \(run.record.data.name), \(String(format: "%.1f", seconds)) s",
      failure: failure.map(ExitStatus.sentence))
  }

  /// - Returns: nothing for all but the first of several processes.
  private func train(
    _ place: PlannedRun, _ type: any Method.Type, _ settings: RunSettings, _ set: DataSet, split: String,
    seed: UInt64, device: Device, group: DistributedGroup?
  ) throws -> [TrainedRun] {
    let isFirst = (group?.rank ?? 0) == 0
    let progress = TrainingProgressBar(output)
    // Also before an error is printed.
    defer { progress.finish() }
    var failure: (any Error)?
    let show = { (event: TrainingEvent) in if isFirst { progress.show(event) } }
    let (run, outcome) = try Run.train(
      type, settings: settings, data: set, split: split, seed: seed, device: device, into: place.folder,
      start: place.isResumed ? .resuming : force ? .replacing : .new, group: group, observe: show
    ) { run, outcome, folder in
      failure = try run.writeReport(of: outcome, on: set, to: folder) { progress.show(.note($0)) }
    }
    guard isFirst else { return [] }
    progress.finish()
    let found = (run.method as? any FitReporting)?.fitReport ?? FitReport()
    found.warnings.forEach(output.warn)
    var json: JSON = [
      "run": .string(place.name), "method": .string(run.about.name), "epochs": .int(outcome.epochs),
      "steps": .int(outcome.steps), "ending": .string(outcome.ending.rawValue),
    ]
    if let best = outcome.best {
      json["best"] = ["measure": .string(best.name), "value": .double(best.value)]
      json["best_step"] = outcome.bestStep.map(JSON.int) ?? .null
    }
    json["seconds"] = .double(outcome.seconds)
    for fact in found.facts.members ?? [] { json[fact.key] = fact.value }
    let best = outcome.best.map { ", \($0.name) \(String(format: "%.4g", $0.value))" } ?? ""
    let line =
      "\(place.name): \(run.about.name) on \(run.record.data.name), \(outcome.steps) steps\(best), "
      + String(format: "%.1f s", outcome.seconds)
    return [
      TrainedRun(name: place.name, json: json, line: line, failure: failure.map(ExitStatus.sentence))
    ]
  }

  /// Measures the runs of several seeds together, where each could be measured.
  private func report(on set: DataSet, _ told: [TrainedRun], _ failures: [String]) throws {
    let group = try RunGroup(at: out)
    let measured = failures.isEmpty ? try group.writeReport(on: set) { output.note($0) } : nil
    let result = measured?.result as? AveragedResult
    if output.json {
      var json: JSON = [
        "run": .string(out), "method": .string(group.first.about.name),
        "seeds": .array(group.members.map { .int(Int(bitPattern: UInt($0.seed))) }),
        "runs": .array(told.map(\.json)),
      ]
      if let measured { json["evaluation"] = measured.json }
      return Console.out(json)
    }
    let mean = result.flatMap { result in
      result.selection.first.map { measure -> String in
        let deviation = result.deviation(of: measure).map { String(format: " ± %.2g", $0) } ?? ""
        return ", \(measure.name) \(String(format: "%.4g", measure.value))\(deviation)"
          + (measured.map { " on \($0.split)" } ?? "")
      }
    }
    Console.out(
      "\(out): \(group.first.about.name) on \(group.first.record.data.name), \(group.members.count) seeds\(mean ?? "")"
    )
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
