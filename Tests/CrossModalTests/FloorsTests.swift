import Foundation
import Testing

/// The floors of the library as the documentation's page Architecture lists them: a folder of `Sources/CrossModal`
/// may use what is declared in its own and in those below.
@Suite("Floors")
struct FloorsTests {
  private static let library = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/CrossModal")

  /// Folders from the ground up, as the rows of the page's table begin: "| `Settings` |".
  private static func floors() throws -> [String] {
    let page = try String(
      contentsOf: library.appending(path: "CrossModal.docc/Architecture.md"), encoding: .utf8)
    return page.matches(of: /(?m)^\| `([A-Za-z]+)\/` \|/).map { String($0.1) }
  }

  @Test("Architecture names every folder of the library once")
  func listed() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.library.path)
      .filter { !$0.contains(".") }
    #expect(try Self.floors().sorted() == folders.sorted())
  }

  @Test("no use goes upward")
  func downward() throws {
    let uses = try Self.upwardUses(Self.floors(), files: Self.files())
    #expect(uses == [])
  }

  @Test("a type, a function and a member of a floor above are found, and what only looks like one is not")
  func finds() {
    let files = [
      SourceFile(
        floor: "Top", name: "Page.swift", "public struct Page {}\nextension Item {\n  func drawnPage() {}\n}"),
      SourceFile(
        floor: "Ground", name: "Item.swift",
        "struct Item {}\n// Page\nlet text = \"Page \\(1)\"\nfunc f() { Page(); item.drawnPage(); item.drawn() }"
      ),
      SourceFile(floor: "Ground", name: "Own.swift", "struct Own {\n  struct Page {}\n  let page: Page\n}"),
    ]
    #expect(
      Self.upwardUses(["Ground", "Top"], files: files) == [
        "Item.swift uses Page of Page.swift", "Item.swift uses drawnPage of Page.swift",
      ])
  }

  private static func files() throws -> [SourceFile] {
    try FileManager.default.subpathsOfDirectory(atPath: library.path)
      .filter { $0.hasSuffix(".swift") && $0.contains("/") }.sorted()
      .map { path in
        SourceFile(
          floor: String(path.prefix { $0 != "/" }), name: String(path.split(separator: "/").last ?? ""),
          try String(contentsOf: library.appending(path: path), encoding: .utf8))
      }
  }

  /// Every use of a name that one floor alone declares, by a file of a floor below it.
  private static func upwardUses(_ floors: [String], files: [SourceFile]) -> [String] {
    let height = Dictionary(uniqueKeysWithValues: floors.enumerated().map { ($1, $0) })
    var homes: [String: [SourceFile]] = [:]
    for file in files { for name in file.declared { homes[name, default: []].append(file) } }
    return files.flatMap { file -> [String] in
      file.used.subtracting(file.local).sorted().compactMap { name in
        // A name that several floors declare says nothing.
        let owners = homes[name] ?? []
        guard let owner = owners.first, owners.allSatisfy({ $0.floor == owner.floor }),
          let top = height[owner.floor], let own = height[file.floor], top > own
        else { return nil }
        return "\(file.name) uses \(name) of \(owner.name)"
      }
    }
  }
}

/// The names that a source file declares for others, declares for itself, and uses.
private struct SourceFile {
  let floor: String
  let name: String
  /// Types and functions that stand at the margin, and functions of extensions and protocols.
  private(set) var declared: Set<String> = []
  /// Nested types, functions, properties and generic parameters.
  private(set) var local: Set<String> = []
  /// Types anywhere; functions and members only where they are called.
  private(set) var used: Set<String> = []

  init(floor: String, name: String, _ text: String) {
    self.floor = floor
    self.name = name
    let keywords: Set = [
      "class", "struct", "enum", "protocol", "actor", "typealias", "func", "var", "let", "case",
    ]
    var isInExtension = false
    for line in Self.code(of: text) {
      let isAtMargin = line.first.map { !$0.isWhitespace } ?? false
      let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
      if isAtMargin { isInExtension = words.contains("extension") || words.contains("protocol") }
      let isHidden = words.contains("private") || words.contains("fileprivate")
      for (keyword, word) in zip(words, words.dropFirst()) where keywords.contains(keyword) {
        // A member of one common word, such as `write`, is of many types.
        let isMember =
          isInExtension && keyword == "func" && word.contains(where: \.isUppercase)
          && line.hasPrefix("  ") && !line.hasPrefix("   ")
        if !["var", "let", "case"].contains(keyword), !isHidden, isAtMargin || isMember {
          declared.insert(word)
        } else {
          local.insert(word)
        }
      }
      for found in line.matches(of: /<\s*([A-Z]\w*)\s*[:>,]/) where line.contains("func ") || isAtMargin {
        local.insert(String(found.1))
      }
      // A type has a capital letter; anything else counts where it is called.
      for found in line.matches(of: /(?<dot>\.)?(?<word>[A-Za-z_]\w*)(?<call>\()?/) {
        let isType = found.word.first?.isUppercase ?? false
        let isTelling = found.dot == nil || found.word.contains(where: \.isUppercase)
        if isType ? found.dot == nil : found.call != nil && isTelling { used.insert(String(found.word)) }
      }
    }
    local.subtract(declared)
    used.subtract(declared)
  }

  /// Lines without comments and without the letters of string literals.
  private static func code(of text: String) -> [String] {
    var isText = false
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      if line.contains("\"\"\"") {
        isText = !isText
        return ""
      }
      if isText { return "" }
      let bare = line.replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"")
      return String(bare.prefix(upTo: bare.firstRange(of: "//")?.lowerBound ?? bare.endIndex))
    }
  }
}
