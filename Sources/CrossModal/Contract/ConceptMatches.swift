/// Which part of one item met which part of the other in which learned concept, and what else belongs to the concept: of a
/// method that assigns the parts of both to concepts.
public struct ConceptMatches: Sendable, Equatable {
  /// A word and the region that it is most like.
  public struct Match: Sendable, Equatable {
    /// Place of the word in its text.
    public let word: Int
    /// Place of the region in its picture.
    public let region: Int
    /// Cosine of the two.
    public let similarity: Double
    /// Number of the concept that the region belongs to.
    public let concept: Int

    public init(word: Int, region: Int, similarity: Double, concept: Int) {
      self.word = word
      self.region = region
      self.similarity = similarity
      self.concept = concept
    }
  }

  /// A concept that a match is of.
  public struct Concept: Sendable, Equatable {
    public let number: Int
    /// Places of the words of the text that belong to it by themselves.
    public let words: [Int]
    /// Places of the regions of the picture that belong to it, the most typical first.
    public let regions: [Int]
    /// Numbers of the words of the vocabulary that belong to it, the most typical first.
    public let vocabulary: [Int]
    /// The texts of ``vocabulary``, where somebody knows them.
    public var texts: [String] = []

    public init(number: Int, words: [Int], regions: [Int], vocabulary: [Int]) {
      self.number = number
      self.words = words
      self.regions = regions
      self.vocabulary = vocabulary
    }
  }

  /// Places of the modalities of words and of regions.
  public let wordSide: Int
  public let regionSide: Int
  /// One a word.
  public let matches: [Match]
  /// Those of the matches, each once.
  public var concepts: [Concept]

  public init(wordSide: Int, regionSide: Int, matches: [Match], concepts: [Concept]) {
    self.wordSide = wordSide
    self.regionSide = regionSide
    self.matches = matches
    self.concepts = concepts
  }

  /// The same with texts for numbers of the vocabulary; one without a text, such as a mark, is left out.
  func named(_ text: (Int) -> String?) -> ConceptMatches {
    var named = self
    for place in concepts.indices {
      named.concepts[place].texts = concepts[place].vocabulary.compactMap(text)
    }
    return named
  }

  /// For programs: each match, and each concept with its members.
  public var json: JSON {
    [
      "matches": .array(
        matches.map {
          [
            "word": .int($0.word), "region": .int($0.region), "similarity": .double($0.similarity),
            "concept": .int($0.concept),
          ]
        }),
      "concepts": .array(
        concepts.map {
          [
            "number": .int($0.number), "words": .array($0.words.map(JSON.int)),
            "regions": .array($0.regions.map(JSON.int)), "vocabulary": .array($0.texts.map(JSON.string)),
          ]
        }),
    ]
  }
}
