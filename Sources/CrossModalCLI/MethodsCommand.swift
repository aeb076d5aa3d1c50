import ArgumentParser
import CrossModal
import Foundation

struct MethodsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "methods",
    abstract: "List the methods, or one method's settings and recipes.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal methods
        crossmodal methods cca
        crossmodal methods --json
      """))

  @Argument(help: "A method, to list its settings and recipes.", completion: Completions.methods)
  var name: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let methods = try name.map { [try MethodList.method(named: $0)] } ?? MethodList.all
    if output.json {
      let all = try methods.map { try $0.json() }
      Console.out(name == nil ? .array(all) : all[0])
    } else if name != nil {
      try describe(methods[0])
    } else {
      list(methods)
    }
  }

  private func list(_ methods: [any Method.Type]) {
    let width = methods.map { $0.description.name.count }.max() ?? 0
    for method in methods {
      let about = method.description
      let name = about.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let family = about.family.rawValue.padding(toLength: 15, withPad: " ", startingAt: 0)
      Console.out("\(name)  \(family)  \(about.summary)")
    }
  }

  private func describe(_ method: any Method.Type) throws {
    let about = method.description
    Console.out("\(about.name): \(about.summary)\n\(about.citation)\n")
    let keys = try method.json()["configuration"]?.members ?? []
    let width = keys.map(\.key.count).max() ?? 0
    for key in keys {
      let name = key.key.padding(toLength: width, withPad: " ", startingAt: 0)
      let reason = key.value["reason"]?.string.map { ": \($0)" } ?? ""
      Console.out(
        "\(name)  \(key.value["about"]?.string ?? "") [\(key.value["default"]?.text() ?? "null")\(reason)]")
    }
    Console.out(
      """

      Of every run: threads (that an operation may use), features.MODALITY and features.MODALITY.KEY (how texts and \
      pictures become numbers), vocab_threshold and vocab_splits (which words of texts count).
      """)
    guard !method.recipes.isEmpty else { return }
    Console.out("\nRecipes (train --config NAME):")
    let longest = method.recipes.map(\.name.count).max() ?? 0
    for recipe in method.recipes {
      Console.out("\(recipe.name.padding(toLength: longest, withPad: " ", startingAt: 0))  \(recipe.summary)")
    }
  }
}
