import ArgumentParser
import CrossModal
import Foundation

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fit or train a method on a data set and write a run folder.",
    discussion: """
      EXAMPLES
        crossmodal train --method cca --data Data/wikipedia --out runs/wikipedia
        crossmodal train --method cca --data Data/emoji/names.dataset.yaml --out runs/emoji \\
          --set k=30 --set features.text.size=120
      """)

  @Option(help: "The method; `crossmodal methods` lists them.")
  var method: String

  @Option(help: "The data set: a folder with dataset.yaml, or a NAME.dataset.yaml.")
  var data: String

  @Option(help: "The folder to write the run to.")
  var out: String

  @Option(help: "A YAML file with settings.")
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("One setting over the file's; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(help: "The split to learn from.")
  var split = "train"

  @Option(help: "Fixes every random choice.")
  var seed: UInt64 = 0

  @Flag(help: "Replace the run that stands at --out.")
  var force = false

  @Flag(help: "Overlapping splits are an error.")
  var strict = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let type = try MethodList.method(named: method)
    let settings = try Settings(config.map(settingsFile) ?? .null, assignments: assignments)
    let target = URL(fileURLWithPath: out)
    try StagedFolder.check(target, replacing: force)
    let set = try DataSet(at: data, strict: strict)
    set.warnings.forEach(output.warn)
    let start = ContinuousClock.now
    let run = try Run.fit(type, settings: settings, data: set, split: split, seed: seed) { output.note($0) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try run.save(to: target, reportingOn: set, replacing: force)
    try report(run, seconds: seconds)
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
      output.note(
        "  \(fact.key.padding(toLength: 18, withPad: " ", startingAt: 0)) \(fact.value.rounded.text())")
    }
    Console.out("\(out): \(run.about.name) on \(run.record.data.name), \(String(format: "%.1f", seconds)) s")
  }
}

extension JSON {
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

/// The settings of a file.
private func settingsFile(_ path: String) throws -> JSON {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw UsageError("\(path): no such file")
  }
  do {
    return try JSON(yaml: String(decoding: data, as: UTF8.self))
  } catch {
    throw UsageError("\(path): \(ExitStatus.sentence(error))")
  }
}
