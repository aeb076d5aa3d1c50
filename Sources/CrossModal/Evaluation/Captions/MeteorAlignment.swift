/// What METEOR compares of a word.
struct MeteorWord {
  let text: String
  /// Nil when stems do not count.
  let stem: String?
  /// Synsets of the word and of its base forms; none when synonyms do not count.
  let synsets: Set<Int>

  /// Modules by which two words match: 0 exact, 1 stem, 2 synonym. Equal words match exactly only.
  func matches(_ other: MeteorWord) -> [Int] {
    if text == other.text { return [0] }
    let byStem = stem != nil && stem == other.stem
    // Most pairs of words have nothing in common, and most of these are seen without a list.
    guard byStem || !synsets.isEmpty else { return [] }
    return (byStem ? [1] : []) + (synsets.isDisjoint(with: other.synsets) ? [] : [2])
  }
}

/// Looks words up, each once.
struct MeteorVocabulary {
  private let modules: METEOR.Modules
  private var known: [String: MeteorWord] = [:]

  init(_ modules: METEOR.Modules) { self.modules = modules }

  mutating func words(_ texts: [String]) throws -> [MeteorWord] {
    try texts.map { text in
      if let word = known[text] { return word }
      let word: MeteorWord =
        switch modules {
        case .exact: MeteorWord(text: text, stem: nil, synsets: [])
        case .stems: MeteorWord(text: text, stem: EnglishStemmer.stem(text), synsets: [])
        case .synonyms(let table):
          MeteorWord(text: text, stem: EnglishStemmer.stem(text), synsets: try table.synsets(of: text))
        }
      known[text] = word
      return word
    }
  }
}

/// METEOR's one-to-one matching of words: a beam search over the reference for the most exact matches in the
/// fewest chunks of neighbouring words.
struct MeteorAlignment {
  struct Match: Equatable {
    let candidate: Int
    let reference: Int
    let module: Int
  }

  let matches: [Match]
  let chunks: Int

  private static let width = 40

  init(_ candidate: [MeteorWord], _ reference: [MeteorWord]) {
    var options = [[Match]](repeating: [], count: reference.count)
    var uses = [Int](repeating: 0, count: candidate.count)
    for (j, word) in reference.enumerated() {
      for (i, other) in candidate.enumerated() {
        for module in other.matches(word) {
          options[j].append(Match(candidate: i, reference: j, module: module))
          uses[i] += 1
        }
      }
      options[j].sort { ($0.module, $0.candidate) < ($1.module, $1.candidate) }
    }
    // A match that is the only one of both its words is part of every path.
    let fixed = options.map { $0.count == 1 && uses[$0[0].candidate] == 1 ? $0[0] : nil }
    var free = uses.map { $0 > 0 }
    for match in fixed { if let match { free[match.candidate] = false } }
    var paths = [Path(free: free)]
    for j in reference.indices {
      var next: [Path] = []
      for path in Self.best(paths) {
        if let match = fixed[j] {
          next.append(path.taking(match))
          continue
        }
        for match in options[j] where path.free[match.candidate] { next.append(path.taking(match)) }
        next.append(path.skipping())
      }
      paths = next
    }
    var winner = Path(free: [])
    for (place, path) in paths.map({ $0.skipping() }).enumerated()
    where place == 0 || path.isBetter(than: winner) {
      winner = path
    }
    matches = winner.matches
    chunks = winner.chunks
  }

  /// The first paths by most exact matches, then fewest closed chunks; equals keep their order.
  private static func best(_ paths: [Path]) -> [Path] {
    guard paths.count > 1 else { return paths }
    let order = paths.indices.sorted { a, b in
      let (first, second) = (paths[a], paths[b])
      if first.exact != second.exact { return first.exact > second.exact }
      return first.chunks == second.chunks ? a < b : first.chunks < second.chunks
    }
    return order.prefix(width).map { paths[$0] }
  }

  private struct Path {
    /// Which candidate words are not taken, by this path or by a fixed match.
    var free: [Bool]
    var matches: [Match] = []
    var exact = 0
    /// Closed chunks.
    var chunks = 0
    /// The candidate position after the open chunk's last word.
    var next: Int?

    func taking(_ match: Match) -> Path {
      var path = self
      if let next, next != match.candidate { path.chunks += 1 }
      path.next = match.candidate + 1
      path.exact += match.module == 0 ? 1 : 0
      path.free[match.candidate] = false
      path.matches.append(match)
      return path
    }

    func skipping() -> Path {
      var path = self
      if next != nil { path.chunks += 1 }
      path.next = nil
      return path
    }

    func isBetter(than other: Path) -> Bool {
      (-exact, chunks, -matches.count) < (-other.exact, other.chunks, -other.matches.count)
    }
  }
}
