import CrossModal
import Foundation
import Testing

@Suite("The command")
struct CommandTests {
  @Test("methods --json names every method with its settings, defaults and what they mean")
  func methods() throws {
    let outcome = try CommandLine.run("methods", "--json")
    #expect(outcome.status == 0)
    let found = try JSON(json: Data(outcome.output.utf8))
    let methods = try #require(found.array)
    #expect(methods.count == MethodList.all.count)
    for method in methods {
      for key in ["name", "family", "task", "summary", "citation"] {
        #expect(method[key]?.string?.isEmpty == false, "\(key)")
      }
      for setting in try #require(method["configuration"]?.members) {
        #expect(setting.value["default"] != nil, "\(setting.key)")
        #expect(setting.value["about"]?.string?.isEmpty == false, "\(setting.key)")
      }
    }
  }

  @Test("--version prints one line, --help examples first, on standard output")
  func help() throws {
    let version = try CommandLine.run("--version")
    #expect(version.status == 0)
    #expect(version.output == "crossmodal \(CrossModalVersion.current)\n")
    for command in [
      "train", "evaluate", "search", "embed", "score", "explain", "verify", "data", "methods", "doctor",
      "demo",
      "export",
      "convert",
    ] {
      let help = try CommandLine.run(command, "--help")
      #expect(help.status == 0)
      #expect(help.errors == "")
      // After the sentence that says what it does.
      let blocks = help.output.components(separatedBy: "\n\n")
      #expect(blocks.count > 2 && blocks[1].hasPrefix("EXAMPLES"), "\(command)")
    }
    for command in ["inspect", "import"] {
      let help = try CommandLine.run("data", command, "--help")
      #expect(help.output.components(separatedBy: "\n\n")[1].hasPrefix("EXAMPLES"), "\(command)")
    }
  }

  @Test("results that cannot be written end the command with a sentence, never with a trap")
  func unwritable() throws {
    // Through a shell, which can close standard output or give it a full device.
    func shell(_ command: String) throws -> CommandLine.Outcome {
      try CommandLine.run(
        ["-c", command, CommandLine.program.path], program: URL(fileURLWithPath: "/bin/sh"))
    }
    let closed = try shell("exec \"$0\" methods >&-")
    #expect(closed.status == 1)
    #expect(closed.errors.hasPrefix("error: standard output cannot be written: "))
    #if os(Linux)
      let full = try shell("exec \"$0\" methods --json >/dev/full")
      #expect(full.status == 1)
      #expect(full.errors.split(separator: "\n").count == 1, "\(full.errors)")
    #endif
    // Whoever reads goes away at once.
    let left = try shell("{ \"$0\" methods --json; echo \"status $?\" >&2; } | true")
    #expect(["status 141\n", "status 0\n"].contains(left.errors), "\(left.errors)")
    let silent = try shell("exec \"$0\" train 2>&-")
    #expect(silent.status == 2)
  }

  @Test("a command that is not there gets the nearest", arguments: [["trian"], ["evalute", "x"]])
  func mistyped(arguments: [String]) throws {
    let outcome = try CommandLine.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("did you mean '\(arguments == ["trian"] ? "train" : "evaluate")'?"))
  }

  @Test("completions for the usual shells", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let outcome = try CommandLine.run("--generate-completion-script", shell)
    #expect(outcome.status == 0)
    for command in ["train", "inspect", "query-text"] { #expect(outcome.output.contains(command)) }
  }

  @Test("doctor says versions, devices and threads, and what is missing with how to get it")
  func doctor() throws {
    let outcome = try CommandLine.run("doctor", "--json")
    #expect(outcome.status == 0)
    let found = try JSON(json: Data(outcome.output.utf8))
    #expect(found["libtorch"]?.string?.hasPrefix("2.") == true)
    #expect(found["devices"]?.array?.contains("cpu") == true)
    #expect((found["threads"]?.int ?? 0) >= 1)
    for part in try #require(found["parts"]?.array) {
      let isPresent = try #require(part["present"]?.bool)
      #expect(part["name"]?.string?.isEmpty == false)
      #expect((part["remedy"]?.string == nil) == isPresent)
    }
  }

  @Test("a case that fails, or that nobody understands, ends verify with 1 and is named")
  func verify() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      #"{"method": "cca", "component": "fitt", "config": {}, "inputs": [], "outputs": ["rho"], "rtol": 0, "atol": 0, "about": ""}"#,
      to: "cases/odd/case.json")
    let outcome = try CommandLine.run("verify", folder.path("cases"), "--json")
    #expect(outcome.status == 1)
    let result = try JSON(json: Data(outcome.output.utf8))
    #expect(result["passed"] == 0)
    #expect(result["failed"] == 1)
    let reason = try #require(result["cases"]?.array?.first?["reason"]?.string)
    #expect(reason.contains("did you mean 'fit'?"))
    #expect(try CommandLine.run("verify", folder.path("nothing")).status == 1)
  }
}
