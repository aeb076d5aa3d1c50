import Foundation
import Synchronization

/// Which English words share a synset of WordNet, in any part of speech, as METEOR sees it
/// (`show-attend-tell.md` section 6).
public final class SynonymTable: Sendable {
  private let indexes: [WordNetIndex]
  private let exceptions: [[String: [String]]]
  private let memory = Mutex([String: Set<Int>]())

  /// - Parameter folder: the folder of WordNet's index and exception files; nil looks in `WNSEARCHDIR`,
  ///   `WNHOME/dict` and `/usr/share/wordnet`.
  /// - Throws: ``WordNetError`` when any of the four index files is missing.
  public init(folder: URL? = nil) throws {
    let files = try WordNetFiles(folder: folder)
    indexes = try WordNetFiles.Part.allCases.map(files.index)
    exceptions = WordNetFiles.Part.allCases.map(files.exceptions)
  }

  /// Whether two words, or base forms of them, have a synset in common.
  public func areSynonyms(_ a: String, _ b: String) throws -> Bool {
    !(try synsets(of: a).isDisjoint(with: synsets(of: b)))
  }

  /// Numbers of all synsets of a word and of its base forms, different between parts of speech.
  func synsets(of word: String) throws -> Set<Int> {
    if let known = memory.withLock({ $0[word] }) { return known }
    var found: Set<Int> = []
    for lemma in [word] + bases(of: word) {
      for (part, index) in indexes.enumerated() {
        for offset in try index.offsets(of: lemma) { found.insert(4 * offset + part) }
      }
    }
    memory.withLock { $0[word] = found }
    return found
  }

  private func bases(of word: String) -> [String] {
    let irregular = exceptions.flatMap { $0[word] ?? [] }
    guard irregular.isEmpty else { return irregular }
    guard word.count > 2, !word.hasSuffix("ss") else { return [] }
    for (ending, replacement) in Self.endings where word.hasSuffix(ending) {
      let base = String(word.dropLast(ending.count)) + replacement
      if indexes.contains(where: { $0.contains(base) }) { return [base] }
    }
    return []
  }

  private static let endings = [
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
    ("ies", "y"), ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
    ("ing", ""), ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
  ]
}
