import ArgumentParser
import CrossModal
import Foundation

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Recompute recorded reference cases and compare.",
    discussion: """
      EXAMPLES
        crossmodal verify golden/cca
        crossmodal verify golden/cca/basic golden/scm --json

      A case is a folder with case.json, inputs.safetensors, expected.safetensors and, where there are any, \
      weights.safetensors. Ends with 1 when a case fails or is not understood.
      """)

  @Argument(help: "Case folders, or folders of them.")
  var dirs: [String]

  @Option(help: "Folder of the data sets that cases name (default: golden/../data).")
  var dataRoot: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let verification = Verification(dataRoot: dataRoot.map { URL(fileURLWithPath: $0) })
    var outcomes: [Verification.Outcome] = []
    for path in try Verification.cases(at: dirs) {
      let outcome = verification.outcome(of: path)
      outcomes.append(outcome)
      if !output.json { Console.out(line(for: outcome)) }
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

  private func line(for outcome: Verification.Outcome) -> String {
    let error = outcome.worst.map { String(format: "  largest error %.2e in ", $0.error) + $0.output } ?? ""
    let reason = outcome.reason.map { "  " + $0 } ?? ""
    return (outcome.passed ? "pass  " : "fail  ") + outcome.path + error + reason
  }
}
