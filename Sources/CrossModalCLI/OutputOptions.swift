import ArgumentParser
import CrossModal

/// How much a command says, and in which form.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON document on standard output and nothing else there.")
  var json = false

  @Flag(name: .long, help: "No progress and no notes on standard error.")
  var quiet = false

  @Flag(name: .long, help: "More notes on standard error.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }

  /// Refuses a file whose name says another form than what is written to it: readers go by the name.
  static func check(_ file: String, endsWith ending: String, because reason: String) throws {
    guard file.lowercased().hasSuffix(ending) else {
      throw UsageError("--out \(file): \(reason); name a \(ending)")
    }
  }

  /// A note on standard error, unless it is to be quiet.
  func note(_ text: @autoclosure () -> String) {
    if !quiet { Console.lines(text()) }
  }

  /// A note for those who asked for more.
  func detail(_ text: @autoclosure () -> String) {
    if verbose { Console.lines(text()) }
  }

  func warn(_ text: String) {
    if !quiet { Console.warning(text) }
  }
}
