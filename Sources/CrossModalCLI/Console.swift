import CrossModal
import Foundation
import Torch

/// Standard output for results, standard error for everything else.
enum Console {
  /// Whether standard error is a terminal that understands cursor movement and colors.
  static let isTerminal: Bool = {
    let environment = ProcessInfo.processInfo.environment
    return isatty(FileHandle.standardError.fileDescriptor) == 1 && environment["NO_COLOR"] == nil
      && environment["TERM"] != "dumb"
  }()

  /// Width of the terminal in characters; 80 where it does not say.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// A result. Where it cannot be written there is nothing left to do: the process ends.
  static func out(_ text: String) {
    result(PlainText.cleaned(text))
  }

  private static func result(_ text: String) {
    do { try write(text + "\n", to: STDOUT_FILENO) } catch {
      StagedFiles.shared.removeAll()
      // Whoever read the results has enough of them, such as `head`; the shell's way to say so.
      if error.code == EPIPE { _exit(128 + SIGPIPE) }
      Console.error("standard output cannot be written: \(String(cString: strerror(error.code)))")
      _exit(ExitStatus.failure)
    }
  }

  /// One JSON document.
  static func out(_ json: JSON) { result(PlainText.escaped(json.text(pretty: true))) }

  static func error(_ message: String) { lines("error: " + message) }
  static func warning(_ message: String) { lines("warning: " + message) }

  /// Text on standard error.
  static func lines(_ text: String) { raw(PlainText.cleaned(text) + "\n") }

  /// Text on standard error, as it is; lost where nobody takes it.
  static func raw(_ text: String) { try? write(text, to: STDERR_FILENO) }

  /// What the system said to a write.
  private struct WriteError: Error {
    let code: Int32
  }

  private static func write(_ text: String, to file: Int32) throws(WriteError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      let code = errno
      if written > 0 {
        bytes.removeFirst(written)
      } else if written == 0 || code != EINTR {
        throw WriteError(code: code)
      }
    }
  }
}
