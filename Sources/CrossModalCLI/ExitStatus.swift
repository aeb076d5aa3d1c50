import ArgumentParser
import CrossModal
import Foundation
import Torch

/// How the command ends: 0 success, 1 the work failed or a check did not hold, 2 usage, 128 + n on signal n.
enum ExitStatus {
  static let success: Int32 = 0
  static let failure: Int32 = 1
  static let usage: Int32 = 2

  /// Parses and runs the command; prints what went wrong as one sentence on standard error.
  static func run(_ arguments: [String]) async -> Int32 {
    do {
      var command = try CrossModalCommand.parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return success
    } catch {
      return report(error, arguments)
    }
  }

  /// What is wrong with arguments that were not taken: a word of the program's own that nobody knows, else what the
  /// parser says, which may be that another is missing.
  private static func usageError(_ error: any Error, _ arguments: [String]) -> String {
    if let sentence = UnknownWord.sentence(in: arguments) { return "error: " + sentence }
    let text = CrossModalCommand.fullMessage(for: error)
    let mark = "Error: "
    return text.hasPrefix(mark) ? "error: " + text.dropFirst(mark.count) : text
  }

  /// Prints an error and says how the process ends.
  private static func report(_ error: any Error, _ arguments: [String]) -> Int32 {
    switch error {
    case is CheckFailed:
      return failure
    case TrainingError.interrupted(_, _, let signal):
      Console.error(sentence(error))
      return 128 + signal
    case let mistake as any UserMistake where mistake.isUserMistake:
      Console.error(sentence(error))
      return usage
    default:
      let code = CrossModalCommand.exitCode(for: error)
      if code == .success {
        Console.out(CrossModalCommand.fullMessage(for: error))
        return success
      }
      if code == .validationFailure {
        Console.lines(usageError(error, arguments))
        return usage
      }
      Console.error(sentence(error))
      return failure
    }
  }

  /// What went wrong, in one line.
  static func sentence(_ error: any Error) -> String {
    let text = ((FileError(error) ?? error) as? any LocalizedError)?.errorDescription ?? "\(error)"
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

/// Arguments that are each right and do not go together, or name something that does not exist.
struct UsageError: LocalizedError, UserMistake {
  let errorDescription: String?
  init(_ message: String) { errorDescription = message }
}

/// A check that did not hold: the result is printed already, and the process ends with 1.
struct CheckFailed: Error {}
