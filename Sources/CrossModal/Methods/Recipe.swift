import Foundation

/// Settings of a method that ship with the program under a name, such as those behind a published figure.
public struct Recipe: Sendable, Equatable {
  /// The name for `--config`, such as `scan-f30k-t2i-lse`.
  public let name: String
  /// One sentence: which figure of which paper, or which data they are for.
  public let summary: String
  /// What a settings file would say: keys of the method and of training, `features`, `threads`.
  public let settings: JSON

  public init(_ name: String, _ summary: String, _ settings: JSON) {
    self.name = name
    self.summary = summary
    self.settings = settings
  }
}

extension Method {
  /// The recipe of a name.
  ///
  /// - Throws: ``UnknownRecipe`` with the nearest name.
  public static func recipe(named name: String) throws(UnknownRecipe) -> Recipe {
    guard let found = recipes.first(where: { $0.name == name }) else {
      throw UnknownRecipe(name: name, method: description.name, known: recipes.map(\.name))
    }
    return found
  }
}

/// A name that is neither a settings file nor a recipe of the method.
public struct UnknownRecipe: LocalizedError, Equatable {
  public let name: String
  public let method: String
  /// The method's recipes.
  public let known: [String]

  public var errorDescription: String? {
    if let other = MethodList.all.first(where: { method in method.recipes.contains { $0.name == name } }) {
      return "'\(name)' is a recipe of \(other.description.name), not of \(method)"
    }
    let begin = "'\(name)' is no file and no recipe of \(method)"
    if let meant = nearest(to: name, in: known) { return "\(begin); did you mean '\(meant)'?" }
    return known.isEmpty ? "\(begin), which has none" : "\(begin); it has \(known.joined(separator: ", "))"
  }
}
