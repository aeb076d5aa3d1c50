import Torch

extension SelfAlign: Explaining {
  /// How like each word of the text each region of the picture is: a softmax over the regions at the temperature of the
  /// loss of concepts, and the largest cosine.
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let (regions, words) = try fragments(items)
    let cosines = try words.matmul(regions.transposed()).to(.cpu).to(.float64)
    let weights = try (cosines / configuration.alignment.studentTemp).softmax(along: 1).contiguous()
      .values(as: Double.self)
    let count = regions.size(along: 0)
    return [
      Evidence(
        asking: sides.wordSide, attended: sides.regionSide,
        weights: (0..<words.size(along: 0)).map { Array(weights[$0 * count..<($0 + 1) * count]) },
        relevance: try cosines.max(along: 1).values(as: Double.self), isScored: false, purpose: .comparing)
    ]
  }

  /// Words of the vocabulary that are named of a concept at most.
  private static let mostWords = 12

  /// The concept of a region, or of a word by itself, is the prototype that is nearest.
  public func concepts(_ items: [Items]) throws -> ConceptMatches? {
    guard let prototypes = try concepts?.unit().transposed() else { return nil }
    let (regions, words) = try fragments(items)
    let vocabulary = try texts.mapped(Tensor.range(0..<sides.vocabulary, on: words.device)).unit(along: 1)
    func assigned(_ fragments: Tensor) throws -> (concepts: [Int], similarity: [Double]) {
      let best = try fragments.matmul(prototypes).maximum(along: 1)
      return (try best.indices.values(as: Int.self), try best.values.values(as: Double.self))
    }
    let (ofRegions, ofWords, ofVocabulary) = (
      try assigned(regions), try assigned(words), try assigned(vocabulary)
    )
    let best = try words.matmul(regions.transposed()).maximum(along: 1)
    let (places, similarity) = (
      try best.indices.values(as: Int.self), try best.values.values(as: Double.self)
    )
    let matches = places.enumerated().map { word, region in
      ConceptMatches.Match(
        word: word, region: region, similarity: similarity[word], concept: ofRegions.concepts[region])
    }
    func members(_ all: (concepts: [Int], similarity: [Double]), _ concept: Int) -> [Int] {
      all.concepts.indices.filter { all.concepts[$0] == concept }
        .sorted { (-all.similarity[$0], $0) < (-all.similarity[$1], $1) }
    }
    var seen: Set<Int> = []
    let numbers = matches.map(\.concept).filter { seen.insert($0).inserted }
    return ConceptMatches(
      wordSide: sides.wordSide, regionSide: sides.regionSide, matches: matches,
      concepts: numbers.map { number in
        ConceptMatches.Concept(
          number: number, words: members(ofWords, number).sorted(), regions: members(ofRegions, number),
          vocabulary: Array(members(ofVocabulary, number).prefix(Self.mostWords)))
      })
  }

  /// The regions and words of a pair as they are compared, `[r, size]` and `[w, size]` of norm 1.
  private func fragments(_ items: [Items]) throws -> (regions: Tensor, words: Tensor) {
    let found = try [sides.regionSide, sides.wordSide].map { side in
      let own = try tower(items[side], side: side, .evaluation).items.concepts
      guard let own else { throw FeatureError.nothingToEncode }
      return try own.packed()
    }
    return (found[0], found[1])
  }
}
