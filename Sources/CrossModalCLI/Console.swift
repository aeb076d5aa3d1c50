import CrossModal
import Foundation

/// Standard output for results, standard error for everything else.
enum Console {
  /// Whether standard error is a terminal that understands cursor movement and colours.
  static let isTerminal: Bool = {
    let environment = ProcessInfo.processInfo.environment
    return isatty(FileHandle.standardError.fileDescriptor) == 1 && environment["NO_COLOR"] == nil
      && environment["TERM"] != "dumb"
  }()

  /// A result.
  static func out(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  /// One JSON document.
  static func out(_ json: JSON) { out(json.text(pretty: true)) }

  static func error(_ message: String) { lines("error: " + message) }
  static func warning(_ message: String) { lines("warning: " + message) }

  /// Text on standard error.
  static func lines(_ text: String) { raw(text + "\n") }

  /// Text on standard error, as it is.
  static func raw(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
