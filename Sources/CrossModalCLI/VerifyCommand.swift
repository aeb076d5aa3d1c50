import ArgumentParser
import CrossModal
import Foundation

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Recompute recorded reference cases and compare.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal verify
        crossmodal verify Data/reference-cases/cca --json
        crossmodal verify golden/cca/basic golden/scm --data-root data

      A case is a folder with case.json, inputs.safetensors, expected.safetensors and, where there are any, \
      weights.safetensors. Without folders, those that come with the program are recomputed, a small one of each \
      component. Ends with 1 when a case fails or is not understood.
      """))

  @Argument(
    help: "Case folders, or folders of them; those that come with the program where none is named.",
    completion: .directory)
  var dirs: [String] = []

  @Option(help: "Folder of the data sets that cases name (default: golden/../data).")
  var dataRoot: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let own = dirs.isEmpty ? try BundledData.referenceCases() : nil
    let root = dataRoot.map { URL(fileURLWithPath: $0) } ?? own?.deletingLastPathComponent()
    let verification = Verification(dataRoot: root)
    let above = own.map { $0.deletingLastPathComponent().path + "/" } ?? ""
    var outcomes: [Verification.Outcome] = []
    for path in try Verification.cases(at: own.map { [$0.path] } ?? dirs) {
      let outcome = verification.outcome(of: path)
      outcomes.append(outcome)
      if !output.json { Console.out(line(for: outcome, named: String(path.trimmingPrefix(above)))) }
    }
    let failed = outcomes.count { !$0.passed }
    if output.json {
      Console.out([
        "cases": .array(outcomes.map(\.json)), "passed": .int(outcomes.count - failed),
        "failed": .int(failed),
      ])
    } else {
      Console.out("\(outcomes.count - failed) passed, \(failed) failed")
    }
    if failed > 0 { throw CheckFailed() }
  }

  private func line(for outcome: Verification.Outcome, named name: String) -> String {
    let error = outcome.worst.map { String(format: "  largest error %.2e in ", $0.error) + $0.output } ?? ""
    let reason = outcome.reason.map { "  " + $0 } ?? ""
    return (outcome.passed ? "pass  " : "fail  ") + name + error + reason
  }
}
