import Foundation

/// What help says, so that it can be read and copied.
enum HelpText {
  /// What users type to reach the command, as the launcher tells.
  static let program = ProcessInfo.processInfo.environment["CROSSMODAL_COMMAND"] ?? "crossmodal"

  /// A discussion whose examples begin with what users type.
  static func discussion(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("  crossmodal ")
        ? "  \(program)\(line.dropFirst(12))"
        : line.hasPrefix("  torchrun ")
          ? line.replacingOccurrences(of: " crossmodal ", with: " \(program) ") : String(line)
    }.joined(separator: "\n")
  }

  /// Words in lines of at most `width` characters, all but the first set in.
  static func hanging(_ text: String, by indent: Int, width: Int = 78) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(repeating: " ", count: indent) + word)
      }
    }
    return lines.joined(separator: "\n")
  }
}
