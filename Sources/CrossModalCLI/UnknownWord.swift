import ArgumentParser
import CrossModal

/// Finds the command or option of a command line that does not exist.
///
/// The parser of arguments first complains of what is missing, which a mistyped option makes out of one that is there.
enum UnknownWord {
  /// What is wrong, in a sentence; nil when every command and option exists.
  static func sentence(in arguments: [String]) -> String? {
    var command: any ParsableCommand.Type = CrossModalCommand.self
    var path = "crossmodal"
    var rest = arguments[...]
    if rest.first == "help" { rest.removeFirst() }
    while !command.configuration.subcommands.isEmpty, let name = rest.first, !name.hasPrefix("-") {
      let known = command.configuration.subcommands
      guard let next = known.first(where: { $0.configuration.commandName == name }) else {
        let hint = nearest(to: name, in: known.compactMap { $0.configuration.commandName })
        return "unknown command '\(name)'" + (hint.map { "; did you mean '\($0)'?" } ?? ".")
          + " `\(path) --help` lists the commands"
      }
      command = next
      path += " \(name)"
      rest.removeFirst()
    }
    let known = options(of: command)
    for word in rest.prefix(while: { $0 != "--" }) where word.hasPrefix("--") {
      let name = String(word.prefix { $0 != "=" })
      guard !known.contains(name) else { continue }
      let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? "."
      return "unknown option '\(name)'\(hint) `\(path) --help` lists the options"
    }
    return nil
  }

  /// The options of a command, with their hyphens, as its help lists them.
  private static func options(of command: any ParsableCommand.Type) -> [String] {
    command.helpMessage(columns: 200).matches(of: /(?m)^  (?:-\w, )?(--[\w-]+)/).map { String($0.1) }
  }
}
