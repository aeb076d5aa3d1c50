import Foundation

/// METEOR 1.5 for English (Denkowski and Lavie, 2014) without the table of paraphrases: words match exactly,
/// by their stem or as synonyms (`show-attend-tell.md` section 6).
///
/// On human captions it is about 0.009 lower than with paraphrases, so scores are comparable only among
/// themselves.
public struct METEOR: Sendable, Equatable {
  /// How words may match.
  public enum Modules: Sendable {
    /// Equal words only.
    case exact
    /// Also words with one stem.
    case stems
    /// Also words that share a synset.
    case synonyms(SynonymTable)
  }

  /// The score of the corpus: matches, lengths and chunks of all captions added up.
  public let score: Double
  /// The score of each caption against its best reference.
  public let each: [Double]
  /// What is added up over captions, `[number][caption]`; see ``score(of:)``.
  let statistics: [[Double]]

  /// - Parameters:
  ///   - candidates: the words of each caption, in lower case.
  ///   - references: for each caption the words of its references.
  /// - Throws: ``WordNetError`` when synonyms are asked for and WordNet's files cannot be read.
  public init(candidates: [[String]], references: [[[String]]], modules: Modules) throws {
    try self.init(CaptionCorpus(candidates: candidates, references: references), modules: modules)
  }

  /// - Throws: ``WordNetError`` when synonyms are asked for and WordNet's files cannot be read.
  public init(_ corpus: CaptionCorpus, modules: Modules) throws {
    let isFunction = corpus.words.map(Self.functionWords.contains)
    var aligner = MeteorAligner(try MeteorVocabulary(corpus.words, modules))
    var total = Statistics()
    var chosenOfEach: [Statistics] = []
    for image in 0..<corpus.count {
      let words = corpus.words(of: corpus.candidate(of: image))
      var best: (statistics: Statistics, score: Double)?
      for caption in corpus.references(of: image) {
        let reference = corpus.words(of: caption)
        let statistics = Statistics(words, reference, aligner.aligned(words, reference), isFunction)
        let score = statistics.score
        if best.map({ score > $0.score }) ?? true { best = (statistics, score) }
      }
      let chosen = best?.statistics ?? Statistics()
      chosenOfEach.append(chosen)
      total.add(chosen)
    }
    each = chosenOfEach.map(\.score)
    score = total.score
    let numbers = chosenOfEach.map(\.numbers)
    statistics = total.numbers.indices.map { place in numbers.map { $0[place] } }
  }

  /// The score of a corpus from its sums of ``statistics``.
  func score(of sums: [Double]) -> Double { Statistics(sums).score }

  /// Numbers of words, as content and function words.
  private struct Words {
    var content = 0.0
    var function = 0.0

    /// δ content + (1 - δ) function.
    var weight: Double { 0.75 * content + 0.25 * function }

    mutating func add(isFunction: Bool) { if isFunction { function += 1 } else { content += 1 } }

    mutating func add(_ other: Words) {
      content += other.content
      function += other.function
    }
  }

  private struct Statistics {
    var candidate = Words()
    var reference = Words()
    /// Matched words by module: exact, stem, synonym.
    var matchedOfCandidate = [Words](repeating: Words(), count: 3)
    var matchedOfReference = [Words](repeating: Words(), count: 3)
    var matches = 0.0
    var chunks = 0.0

    init() {}

    /// From what ``numbers`` gave.
    init(_ numbers: [Double]) {
      let words = stride(from: 0, to: 16, by: 2).map {
        Words(content: numbers[$0], function: numbers[$0 + 1])
      }
      (candidate, reference) = (words[0], words[1])
      (matchedOfCandidate, matchedOfReference) = (Array(words[2..<5]), Array(words[5..<8]))
      (matches, chunks) = (numbers[16], numbers[17])
    }

    var numbers: [Double] {
      ([candidate, reference] + matchedOfCandidate + matchedOfReference).flatMap {
        [$0.content, $0.function]
      }
        + [matches, chunks]
    }

    init(
      _ words: ArraySlice<Int32>, _ reference: ArraySlice<Int32>, _ alignment: MeteorAlignment,
      _ isFunction: [Bool]
    ) {
      for word in words { candidate.add(isFunction: isFunction[Int(word)]) }
      for word in reference { self.reference.add(isFunction: isFunction[Int(word)]) }
      for match in alignment.matches {
        let (own, other) = (
          words[words.startIndex + match.candidate], reference[reference.startIndex + match.reference]
        )
        matchedOfCandidate[match.module].add(isFunction: isFunction[Int(own)])
        matchedOfReference[match.module].add(isFunction: isFunction[Int(other)])
      }
      let count = alignment.matches.count
      let isWhole = alignment.chunks == 1 && count == words.count && count == reference.count
      matches = Double(count)
      chunks = isWhole ? 0 : Double(alignment.chunks)
    }

    mutating func add(_ other: Statistics) {
      candidate.add(other.candidate)
      reference.add(other.reference)
      for module in 0..<3 {
        matchedOfCandidate[module].add(other.matchedOfCandidate[module])
        matchedOfReference[module].add(other.matchedOfReference[module])
      }
      matches += other.matches
      chunks += other.chunks
    }

    var score: Double {
      func share(_ matched: [Words], of all: Words) -> Double {
        guard all.weight > 0 else { return 0 }
        return zip([1.0, 0.6, 0.8], matched).reduce(0) { $0 + $1.0 * $1.1.weight } / all.weight
      }
      let precision = share(matchedOfCandidate, of: candidate)
      let recall = share(matchedOfReference, of: reference)
      guard matches > 0, precision > 0, recall > 0 else { return 0 }
      let mean = precision * recall / (0.85 * precision + 0.15 * recall)
      let fragmentation = chunks / matches
      return mean * (1 - 0.6 * pow(fragmentation, 0.2))
    }
  }

  private static let functionWords: Set<String> = Set(
    """
    the , . to of and a in that for " is on 's it with was as said at he by be from have has are his but \
    an this not i will \u{2019} they ) -rrb- ( -lrb- who their had we which were been more or s its \
    would about new one after you : also up when there than $ all out her people she year two - can if \
    last first \u{201C} over other \u{201D} into some what so -- no time years could ? 't \u{2014} '
    """.split(separator: " ").map(String.init))
}
