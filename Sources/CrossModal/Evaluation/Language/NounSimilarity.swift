import Foundation
import Synchronization

/// Similarity of nouns by their place in WordNet (Wu and Palmer, ACL 1994), as `san.md` section 6 defines it.
///
/// Of two synsets whose deepest common ancestor is d edges from the root by its longest path and l1, l2 edges
/// from them: 2 (d + 1) / (l1 + l2 + 2 (d + 1)). Of two words: the most similar of their noun synsets.
public final class NounSimilarity: Sendable {
  private let index: WordNetIndex
  private let exceptions: [String: [String]]
  private let data: Data
  /// What was read and found so far.
  private let memory = Mutex(Memory())

  private struct Memory {
    var synsets: [Int: Synset] = [:]
    var depths: [Int: (least: Int, most: Int)] = [:]
    var words: [String: [Int]] = [:]
    var pairs: [Pair: Double] = [:]
  }

  private struct Synset {
    let parents: [Int]
    /// Its first word with its sense, `dog.n.01`.
    let name: String
  }

  private struct Pair: Hashable {
    let first: String
    let second: String
  }

  /// Whether WordNet is where it is looked for without a folder being named.
  public static var isAvailable: Bool { (try? WordNetFiles()) != nil }

  /// - Parameter folder: the folder of `index.noun`, `data.noun` and `noun.exc`; nil looks in `WNSEARCHDIR`,
  ///   `WNHOME/dict` and `/usr/share/wordnet`.
  /// - Throws: ``WordNetError``.
  public init(folder: URL? = nil) throws {
    let files = try WordNetFiles(folder: folder)
    index = try files.index(.noun)
    exceptions = files.exceptions(.noun)
    data = try files.mapped("data.noun")
  }

  /// 1 for equal strings, 0 when either is no noun, else the similarity of their most similar synsets, in
  /// 0...1.
  ///
  /// - Throws: ``WordNetError`` when a line of the files is not as it should be.
  public func similarity(_ truth: String, _ prediction: String) throws -> Double {
    if truth == prediction { return 1 }
    return try memory.withLock { memory in
      let pair = Pair(first: truth, second: prediction)
      if let known = memory.pairs[pair] { return known }
      var best = 0.0
      for x in try synsets(of: truth, &memory) {
        for y in try synsets(of: prediction, &memory) { best = try max(best, similarity(x, y, &memory)) }
      }
      memory.pairs[pair] = best
      return best
    }
  }

  /// WUPS at a threshold: the similarity, a tenth of it when it is below.
  public func score(_ truth: String, _ prediction: String, threshold: Double) throws -> Double {
    let similarity = try similarity(truth, prediction)
    return similarity >= threshold ? similarity : 0.1 * similarity
  }

  /// WUPS of sets of words: over each side's words the product of the best scores, the smaller of both ways
  /// (Malinowski and Fritz, NIPS 2014).
  public func score(_ truth: [String], _ prediction: [String], threshold: Double) throws -> Double {
    func product(_ words: [String], _ others: [String], _ score: (String, String) throws -> Double) rethrows
      -> Double
    {
      try words.reduce(1.0) { product, word in
        product * (try others.map { try score(word, $0) }.max() ?? 0)
      }
    }
    let there = try product(truth, prediction) { try score($0, $1, threshold: threshold) }
    let back = try product(prediction, truth) { try score($1, $0, threshold: threshold) }
    return min(there, back)
  }

  // MARK: - Words

  /// The noun synsets of a word and of its base forms.
  private func synsets(of word: String, _ memory: inout Memory) throws -> [Int] {
    if let known = memory.words[word] { return known }
    let form = word.lowercased().replacingOccurrences(of: " ", with: "_")
    let bases =
      exceptions[form]
      ?? Self.endings.compactMap { ending, replacement in
        form.hasSuffix(ending) ? form.dropLast(ending.count) + replacement : nil
      }
    var found: [Int] = []
    for lemma in [form] + bases {
      for offset in try index.offsets(of: lemma) where !found.contains(offset) { found.append(offset) }
    }
    memory.words[word] = found
    return found
  }

  private static let endings = [
    ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"),
  ]

  // MARK: - Synsets

  private func similarity(_ x: Int, _ y: Int, _ memory: inout Memory) throws -> Double {
    let (fromX, fromY) = (try distances(from: x, &memory), try distances(from: y, &memory))
    let common = fromX.keys.filter { fromY[$0] != nil }
    let deepest = try common.map { try depth(of: $0, &memory).least }.max()
    let candidates = try common.filter { try depth(of: $0, &memory).least == deepest }
    let subsumer =
      try candidates.contains(x)
      ? x : candidates.min { try synset($0, &memory).name < synset($1, &memory).name }
    guard let subsumer, let l1 = fromX[subsumer], let l2 = fromY[subsumer] else { return 0 }
    let level = try depth(of: subsumer, &memory).most + 1
    return Double(2 * level) / Double(l1 + l2 + 2 * level)
  }

  /// The fewest edges to a synset and to each of its ancestors.
  private func distances(from start: Int, _ memory: inout Memory) throws -> [Int: Int] {
    var distances = [start: 0]
    var queue = [start]
    var next = 0
    while next < queue.count {
      let distance = distances[queue[next], default: 0]
      for parent in try synset(queue[next], &memory).parents where distances[parent] == nil {
        distances[parent] = distance + 1
        queue.append(parent)
      }
      next += 1
    }
    return distances
  }

  /// Edges to the root by the shortest and by the longest path.
  private func depth(of start: Int, _ memory: inout Memory) throws -> (least: Int, most: Int) {
    // A stack of synsets whose parents are being measured; one that is its own ancestor is left out.
    var open = [start]
    while let current = open.last {
      let parents = try synset(current, &memory).parents
      if let unknown = parents.first(where: { memory.depths[$0] == nil && !open.contains($0) }) {
        open.append(unknown)
        continue
      }
      let known = parents.compactMap { memory.depths[$0] }
      memory.depths[current] = (
        known.map { $0.least + 1 }.min() ?? 0, known.map { $0.most + 1 }.max() ?? 0
      )
      open.removeLast()
    }
    return memory.depths[start] ?? (0, 0)
  }

  /// Reads the line at an offset of `data.noun`:
  /// `offset lex_filenum n w_cnt (word lex_id)*w_cnt p_cnt (symbol offset pos source_target)*p_cnt | gloss`.
  private func synset(_ offset: Int, _ memory: inout Memory) throws -> Synset {
    if let known = memory.synsets[offset] { return known }
    let bad = WordNetError.badLine(file: "data.noun", place: offset)
    guard data.indices.contains(offset) else { throw bad }
    let end = data[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? data.endIndex
    let bar = data[offset..<end].firstIndex(of: UInt8(ascii: "|")) ?? end
    let fields = String(decoding: data[offset..<bar], as: UTF8.self).split(separator: " ")
    guard fields.count > 4, Int(fields[0]) == offset, let words = Int(fields[3], radix: 16), words > 0,
      fields.count > 4 + 2 * words, let pointers = Int(fields[4 + 2 * words]), pointers >= 0,
      fields.count >= 5 + 2 * words + 4 * pointers
    else { throw bad }
    let parents = try (0..<pointers).compactMap { pointer -> Int? in
      let at = 5 + 2 * words + 4 * pointer
      guard ["@", "@i"].contains(fields[at]), fields[at + 2] == "n" else { return nil }
      guard let parent = Int(fields[at + 1]) else { throw bad }
      return parent
    }
    let word = fields[4].lowercased()
    let sense = (try index.offsets(of: word).firstIndex(of: offset) ?? 0) + 1
    let synset = Synset(parents: parents, name: "\(word).n.\(sense < 10 ? "0" : "")\(sense)")
    memory.synsets[offset] = synset
    return synset
  }
}
