/// What METEOR compares of words, by their numbers in a corpus.
struct MeteorVocabulary {
  /// The number of each word's stem; none where stems do not count.
  private var stems: [Int32] = []
  /// Synsets of each word and of its base forms in order; none where synonyms do not count.
  private var synsets: [[Int]] = []
  /// A bit for each of them: words without a bit in common have no synset in common.
  private var marks: [UInt64] = []

  /// - Throws: ``WordNetError`` when WordNet's files cannot be read.
  init(_ words: [String], _ modules: METEOR.Modules) throws {
    if case .exact = modules { return }
    var numbers: [String: Int32] = [:]
    stems = words.map { word in
      let stem = EnglishStemmer.stem(word)
      let number = numbers[stem] ?? Int32(numbers.count)
      numbers[stem] = number
      return number
    }
    guard case .synonyms(let table) = modules else { return }
    synsets = try words.map { try table.synsets(of: $0).sorted() }
    marks = synsets.map { own in
      own.reduce(0) { $0 | 1 << UInt64((UInt64($1) &* 0x9E37_79B9_7F4A_7C15) >> 58) }
    }
  }

  /// Whether two words match by each module. Equal words match exactly only.
  func matches(_ a: Int32, _ b: Int32) -> (exact: Bool, stem: Bool, synonym: Bool) {
    if a == b { return (true, false, false) }
    let (a, b) = (Int(a), Int(b))
    let isStem = !stems.isEmpty && stems[a] == stems[b]
    return (false, isStem, !marks.isEmpty && marks[a] & marks[b] != 0 && sharesSynset(a, b))
  }

  private func sharesSynset(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = (synsets[a], synsets[b])
    var (i, j) = (0, 0)
    while i < first.count, j < second.count {
      if first[i] == second[j] { return true }
      if first[i] < second[j] { i += 1 } else { j += 1 }
    }
    return false
  }
}

/// Which words of a candidate METEOR takes for which of a reference.
struct MeteorAlignment {
  struct Match: Equatable {
    let candidate: Int
    let reference: Int
    /// 0 exact, 1 stem, 2 synonym.
    let module: Int
  }

  /// From the last word of the reference to the first.
  let matches: [Match]
  let chunks: Int
}

/// METEOR's one-to-one matching of words: a beam search over the reference for the most exact matches in the
/// fewest chunks of neighboring words.
struct MeteorAligner {
  private static let width = 40

  private let vocabulary: MeteorVocabulary
  /// Every match that there could be, by word of the reference, and where those of each begin.
  private var options: [MeteorAlignment.Match] = []
  private var starts: [Int] = []
  /// In how many options each candidate word is, and its place among those that several words may want.
  private var uses: [Int] = []
  private var slots: [Int] = []
  /// What each module found of one word.
  private var stems: [Int] = []
  private var synonyms: [Int] = []
  private var paths: [Path] = []
  private var steps: [PathStep] = []
  /// Which of the wanted candidate words each path has taken: bits, so many words of them a path.
  private var taken: [UInt64] = []
  private var spare: [UInt64] = []
  /// Matches of all paths, each with the one before.
  private var chain: [(option: Int, before: Int)] = []

  init(_ vocabulary: MeteorVocabulary) { self.vocabulary = vocabulary }

  /// Numbers of words of both.
  mutating func aligned(_ candidate: ArraySlice<Int32>, _ reference: ArraySlice<Int32>) -> MeteorAlignment {
    findOptions(candidate, reference)
    var wanted = 0
    slots.removeAll(keepingCapacity: true)
    for count in uses {
      slots.append(wanted)
      if count > 0 { wanted += 1 }
    }
    let bits = (wanted + 63) / 64
    chain.removeAll(keepingCapacity: true)
    taken.removeAll(keepingCapacity: true)
    for _ in 0..<bits { taken.append(0) }
    paths.removeAll(keepingCapacity: true)
    paths.append(Path())
    steps.removeAll(keepingCapacity: true)
    for word in 0..<reference.count {
      if word > 0 { take(bits) }
      goOn(at: starts[word]..<starts[word + 1], bits)
    }
    var winner = PathStep(path: 0, after: paths[0])
    for (place, step) in steps.enumerated() where place == 0 || step.ends(better: winner) { winner = step }
    var matches: [MeteorAlignment.Match] = []
    if winner.option >= 0 { matches.append(options[winner.option]) }
    var place = paths[winner.path].last
    while place >= 0 {
      matches.append(options[chain[place].option])
      place = chain[place].before
    }
    return MeteorAlignment(matches: matches, chunks: winner.after.closedChunks)
  }

  /// Those of a word are in the order of the modules, then of candidate words.
  private mutating func findOptions(_ candidate: ArraySlice<Int32>, _ reference: ArraySlice<Int32>) {
    options.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    starts.append(0)
    uses.removeAll(keepingCapacity: true)
    for _ in candidate { uses.append(0) }
    for (j, word) in reference.enumerated() {
      stems.removeAll(keepingCapacity: true)
      synonyms.removeAll(keepingCapacity: true)
      func add(_ i: Int, _ module: Int) {
        options.append(MeteorAlignment.Match(candidate: i, reference: j, module: module))
        uses[i] += 1
      }
      for (i, other) in candidate.enumerated() {
        let found = vocabulary.matches(other, word)
        if found.exact { add(i, 0) }
        if found.stem { stems.append(i) }
        if found.synonym { synonyms.append(i) }
      }
      for i in stems { add(i, 1) }
      for i in synonyms { add(i, 2) }
      starts.append(options.count)
    }
  }

  /// Every way on from every path by the matches that a word of the reference may have.
  private mutating func goOn(at own: Range<Int>, _ bits: Int) {
    steps.removeAll(keepingCapacity: true)
    // A match that is the only one of both its words is part of every path.
    if own.count == 1, uses[options[own.lowerBound].candidate] == 1 {
      for (place, path) in paths.enumerated() {
        steps.append(
          PathStep(path: place, option: own.lowerBound, after: path.taking(options[own.lowerBound])))
      }
      return
    }
    for (place, path) in paths.enumerated() {
      for option in own {
        let slot = slots[options[option].candidate]
        guard taken[place * bits + slot / 64] & 1 << UInt64(slot % 64) == 0 else { continue }
        steps.append(PathStep(path: place, option: option, after: path.taking(options[option])))
      }
      steps.append(PathStep(path: place, after: path.skipping()))
    }
  }

  /// Goes on with the first steps by most exact matches, then fewest closed chunks; equals keep their order.
  private mutating func take(_ bits: Int) {
    if steps.count > 1 {
      for place in steps.indices { steps[place].place = place }
      steps.sort {
        if $0.after.exact != $1.after.exact { return $0.after.exact > $1.after.exact }
        return $0.after.chunks == $1.after.chunks ? $0.place < $1.place : $0.after.chunks < $1.after.chunks
      }
    }
    spare.removeAll(keepingCapacity: true)
    paths.removeAll(keepingCapacity: true)
    for step in steps.prefix(Self.width) {
      var path = step.after
      for place in 0..<bits { spare.append(taken[step.path * bits + place]) }
      if step.option >= 0 {
        let slot = slots[options[step.option].candidate]
        spare[spare.count - bits + slot / 64] |= 1 << UInt64(slot % 64)
        chain.append((step.option, path.last))
        path.last = chain.count - 1
      }
      paths.append(path)
    }
    swap(&taken, &spare)
  }

  private struct Path {
    var exact = 0
    /// Closed chunks.
    var chunks = 0
    /// Matches so far.
    var count = 0
    /// The candidate position after the open chunk's last word; -1 where none is open.
    var next = -1
    /// Its last match in the chain; -1 where it has none.
    var last = -1

    var closedChunks: Int { chunks + (next >= 0 ? 1 : 0) }

    func taking(_ match: MeteorAlignment.Match) -> Path {
      var path = self
      if next >= 0, next != match.candidate { path.chunks += 1 }
      path.next = match.candidate + 1
      path.exact += match.module == 0 ? 1 : 0
      path.count += 1
      return path
    }

    func skipping() -> Path {
      var path = self
      path.chunks = closedChunks
      path.next = -1
      return path
    }
  }

  /// A way on from a path.
  private struct PathStep {
    let path: Int
    /// The match that it takes; -1 for none.
    var option = -1
    let after: Path
    /// Its place among all.
    var place = 0

    func ends(better other: PathStep) -> Bool {
      (-after.exact, after.closedChunks, -after.count)
        < (-other.after.exact, other.after.closedChunks, -other.after.count)
    }
  }
}
