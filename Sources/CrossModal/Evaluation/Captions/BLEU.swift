import Foundation

/// BLEU (Papineni et al., ACL 2002) as the COCO caption evaluation computes it.
///
/// Clipped matches of word groups of 1 to 4 words are added up over the corpus; the geometric mean of their
/// shares is multiplied by exp(1 - reference length / candidate length) when the candidates are shorter than
/// the references of nearest length. No smoothing but constants of 1e-15 and 1e-9 against division by 0.
public struct BLEU: Sendable, Equatable {
  /// BLEU-1 to BLEU-4 of the corpus.
  public let scores: [Double]
  /// BLEU-1 to BLEU-4 of each caption: `[4][captions]`.
  public let each: [[Double]]
  /// Words of the candidates, and of the references of nearest length.
  public let candidateLength: Int
  public let referenceLength: Int
  /// What is added up over captions, `[number][caption]`; see ``scores(of:)``.
  let statistics: [[Double]]
  private let brevityPenalty: Bool

  /// - Parameters:
  ///   - candidates: the words of each caption.
  ///   - references: for each caption the words of its references.
  ///   - brevityPenalty: whether short captions are punished.
  public init(candidates: [[String]], references: [[[String]]], brevityPenalty: Bool = true) {
    self.init(
      CaptionCorpus(candidates: candidates, references: references), brevityPenalty: brevityPenalty)
  }

  public init(_ corpus: CaptionCorpus, brevityPenalty: Bool = true) {
    let counts = (0..<corpus.count).map { Counts(corpus, image: $0) }
    let total = counts.reduce(Counts(), +)
    scores = total.scores(brevityPenalty)
    let scoresOfEach = counts.map { $0.scores(brevityPenalty) }
    each = (0..<4).map { order in scoresOfEach.map { $0[order] } }
    candidateLength = Int(total.candidate)
    referenceLength = Int(total.reference)
    let numbers = counts.map(\.numbers)
    statistics = total.numbers.indices.map { place in numbers.map { $0[place] } }
    self.brevityPenalty = brevityPenalty
  }

  /// BLEU-1 to BLEU-4 of a corpus from its sums of ``statistics``.
  func scores(of sums: [Double]) -> [Double] { Counts(sums).scores(brevityPenalty) }

  private struct Counts {
    var candidate = 0.0
    var reference = 0.0
    var hits = [0.0, 0, 0, 0]
    var guesses = [0.0, 0, 0, 0]

    init() {}

    /// From what ``numbers`` gave.
    init(_ numbers: [Double]) {
      (candidate, reference) = (numbers[0], numbers[1])
      (hits, guesses) = (Array(numbers[2..<6]), Array(numbers[6..<10]))
    }

    var numbers: [Double] { [candidate, reference] + hits + guesses }

    init(_ corpus: CaptionCorpus, image: Int) {
      let own = corpus.candidate(of: image)
      let length = corpus.wordCount(of: own)
      let nearest =
        corpus.references(of: image).map(corpus.wordCount).min { a, b in
          (abs(a - length), a) < (abs(b - length), b)
        } ?? 0
      (candidate, reference) = (Double(length), Double(nearest))
      var most: [Int32] = []
      for order in 1...4 {
        let groups = corpus.groups(of: own, size: order)
        most.removeAll(keepingCapacity: true)
        for _ in groups { most.append(0) }
        for other in corpus.references(of: image) {
          CaptionCorpus.shared(groups, corpus.groups(of: other, size: order)) { place, _, found in
            most[place] = max(most[place], found.count)
          }
        }
        hits[order - 1] = Double(zip(groups, most).reduce(0) { $0 + Int(min($1.0.count, $1.1)) })
        guesses[order - 1] = Double(max(0, length - order + 1))
      }
    }

    static func + (a: Counts, b: Counts) -> Counts {
      var sum = a
      sum.candidate += b.candidate
      sum.reference += b.reference
      for order in 0..<4 {
        sum.hits[order] += b.hits[order]
        sum.guesses[order] += b.guesses[order]
      }
      return sum
    }

    func scores(_ brevityPenalty: Bool) -> [Double] {
      let ratio = (candidate + 1e-15) / (reference + 1e-9)
      let penalty = brevityPenalty && ratio < 1 ? exp(1 - 1 / ratio) : 1
      var product = 1.0
      return (0..<4).map { order in
        product *= (hits[order] + 1e-15) / (guesses[order] + 1e-9)
        return pow(product, 1 / Double(order + 1)) * penalty
      }
    }
  }
}
