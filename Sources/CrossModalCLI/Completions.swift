import ArgumentParser
import CrossModal
import Foundation

/// What the shell offers where the command knows what may stand.
enum Completions {
  static let methods = CompletionKind.list(MethodList.all.map { $0.description.name })

  static let formats = CompletionKind.list(Importers.all.map { $0.name })

  /// Recipes of the method that the line names, of every method where it names none, and files of settings.
  static let recipes = CompletionKind.custom { words, _, begun in
    let recipes = method(in: words).map { $0.recipes } ?? MethodList.all.flatMap { $0.recipes }
    return recipes.map(\.name) + files(begun, endings: [".yaml", ".yml"])
  }

  /// Keys of the method that the line names, with what stands between a key and its value; keys of training where it
  /// names none.
  static let settings = CompletionKind.custom { words, _, _ in
    let keys = method(in: words)?.allKeys ?? TrainingConfiguration.keys
    return (keys.map(\.name) + ["threads"]).map { $0 + "=" }
  }

  private static func method(in words: [String]) -> (any Method.Type)? {
    for (place, word) in words.enumerated() {
      let name =
        word == "--method" && place + 1 < words.count
        ? words[place + 1] : word.hasPrefix("--method=") ? String(word.dropFirst("--method=".count)) : nil
      if let name { return try? MethodList.method(named: name) }
    }
    return nil
  }

  /// Files, and folders on the way to them, whose path begins so.
  private static func files(_ begun: String, endings: [String]) -> [String] {
    let folder = begun.lastIndex(of: "/").map { String(begun[...$0]) } ?? ""
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
    return names.filter { !$0.hasPrefix(".") }.compactMap { name -> String? in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: folder + name, isDirectory: &isFolder) else { return nil }
      if isFolder.boolValue { return folder + name + "/" }
      return endings.contains(where: name.hasSuffix) ? folder + name : nil
    }.sorted()
  }
}
