import ArgumentParser
import Foundation
import Testing

@testable import CrossModalCLI

@Suite("Help")
struct HelpTests {
  /// Every command and subcommand.
  private static let commands: [any ParsableCommand.Type] = {
    func below(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
      [command] + command.configuration.subcommands.flatMap(below)
    }
    return below(CrossModalCommand.self)
  }()

  /// The lines of a command's examples, those that go on with a backslash joined.
  private static func examples(of command: any ParsableCommand.Type) -> [String] {
    let lines = command.configuration.discussion.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "EXAMPLES" }.dropFirst().prefix { $0.hasPrefix("  ") }
    return lines.joined(separator: "\n").replacing(#/ \\\n +/#, with: " ").split(separator: "\n").map(
      String.init)
  }

  /// Words as a shell takes them apart.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var (word, isQuoted) = ("", false)
    for letter in line {
      if letter == "\"" {
        isQuoted.toggle()
      } else if letter == " ", !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(letter)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  @Test(
    "every example can be copied: it is taken as it stands, and no terminal breaks it",
    arguments: commands.indices)
  func examples(index: Int) throws {
    let command = Self.commands[index]
    let examples = Self.examples(of: command)
    #expect(!examples.isEmpty)
    for example in examples {
      let words = Self.words(example)
      let start = try #require(words.firstIndex { $0.hasSuffix("crossmodal") }, "\(example)")
      #expect(throws: Never.self, "\(example)") {
        try CrossModalCommand.parseAsRoot(Array(words[(start + 1)...]))
      }
    }
    let written = command.configuration.discussion.split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("  ") }
    let shown = command.helpMessage(columns: 80).split(separator: "\n").map(String.init)
    for line in written { #expect(shown.contains(line), "\(line)") }
  }

  @Test("the examples begin with what the user types")
  func program() throws {
    let outcome = try CommandLine.run(
      ["train", "--help"], environment: ["CROSSMODAL_COMMAND": "./crossmodal"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("\n  ./crossmodal train --method cca"))
    #expect(outcome.output.contains(" ./crossmodal train \\\n"))
  }

  @Test(
    "a word of the command line that does not exist is told by its name, beginning as every error",
    arguments: [
      ("train --methd cca --data d --out o", "error: unknown option '--methd'; did you mean '--method'?"),
      ("search r --query-txt x", "error: unknown option '--query-txt'; did you mean '--query-text'?"),
      ("embed r --modalty=image --out o", "error: unknown option '--modalty'; did you mean '--modality'?"),
      ("evalute r", "error: unknown command 'evalute'; did you mean 'evaluate'?"),
      ("data inpect r", "error: unknown command 'inpect'; did you mean 'inspect'?"),
      ("train --data d --out o", "error: Missing expected argument '--method <method>'"),
      ("evaluate", "error: name a run, or a file of --captions"),
      ("search", "error: Missing expected argument '<run>'"),
    ])
  func unknownWords(line: String, words: String) throws {
    let outcome = try CommandLine.run(Self.words(line))
    #expect(outcome.status == 2 && outcome.output == "")
    #expect(outcome.errors.hasPrefix(words), "\(outcome.errors)")
  }

  @Test(
    "the shell completes methods, recipes and keys",
    arguments: [
      (
        [
          "---completion", "train", "--", "--set", "4", "0", "crossmodal", "train", "--method", "cca",
          "--set", "",
        ], "ridge_mode="
      ),
      (["---completion", "train", "--", "--set", "3", "0", "crossmodal", "train", "--set", ""], "epochs="),
      (
        [
          "---completion", "train", "--", "--config", "4", "0", "crossmodal", "train", "--method", "dcca",
          "--config", "",
        ], "digits-halves"
      ),
      (["--generate-completion-script", "bash"], "triplet-center"),
      (["--generate-completion-script", "zsh"], "triplet-center"),
      (["--generate-completion-script", "fish"], "triplet-center"),
    ])
  func completions(arguments: [String], word: String) throws {
    let outcome = try CommandLine.run(arguments)
    #expect(
      outcome.status == 0 && outcome.output.contains(word), "\(outcome.output.prefix(2000))\(outcome.errors)")
  }
}
