import Foundation

/// CIDEr and CIDEr-D (Vedantam et al., CVPR 2015) as their authors' programs compute them, without stems.
///
/// For groups of 1 to 4 words: the cosine of vectors of counts weighted by log(images / images whose references have the
/// group); the mean over references and over the four sizes, times 10. CIDEr-D, which the COCO evaluation prints as CIDEr,
/// clips candidate counts to the reference's and multiplies by exp(-d² / 72) for a difference of d in the number of
/// bigrams, so that nothing is gained by repeating words.
public struct CIDEr: Sendable, Equatable {
  public enum Variant: Sendable {
    /// CIDEr.
    case plain
    /// CIDEr-D.
    case d
  }

  /// The mean over images.
  public let score: Double
  public let each: [Double]

  /// - Parameters:
  ///   - candidates: the words of each caption.
  ///   - references: for each caption the words of its references.
  ///   - variant: which of the two.
  ///   - frequencies: in how many images a group of words occurs; nil counts in these references. Stored ones
  ///     make the scores of small sets comparable; of a single image all weights are 0 otherwise.
  public init(
    candidates: [[String]], references: [[[String]]], variant: Variant = .d,
    frequencies: DocumentFrequencies? = nil
  ) {
    self.init(
      CaptionCorpus(candidates: candidates, references: references), variant: variant,
      frequencies: frequencies)
  }

  public init(
    _ corpus: CaptionCorpus, variant: Variant = .d, frequencies: DocumentFrequencies? = nil
  ) {
    self.init(corpus, variant, Vectors(corpus, frequencies))
  }

  init(_ corpus: CaptionCorpus, _ variant: Variant, _ vectors: Vectors) {
    var terms: [Double] = []
    each = (0..<corpus.count).map { image in
      let (candidate, references) = (corpus.candidate(of: image), corpus.references(of: image))
      let sum = references.reduce(0) {
        $0 + vectors.similarity(of: candidate, to: $1, corpus, variant, &terms)
      }
      return references.isEmpty ? 0 : 10 * sum / Double(references.count)
    }
    score = each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
  }

  /// In how many images each group of 1 to 4 words occurs.
  public struct DocumentFrequencies: Sendable, Equatable {
    public let images: Int
    fileprivate let counts: [[String]: Int]

    /// - Parameter references: for each image the words of its captions.
    public init(_ references: [[[String]]]) {
      images = references.count
      let corpus = CaptionCorpus(candidates: references.map { _ in [] }, references: references)
      counts = Dictionary(
        uniqueKeysWithValues: corpus.documentCounts().enumerated().dropFirst().map {
          (corpus.words(ofGroup: $0.offset), Int($0.element))
        })
    }
  }

  /// Weights of groups, and the length of the vector of each size of each caption.
  struct Vectors {
    /// By the number of the group.
    private let weights: [Double]
    private let norms: [Double]

    init(_ corpus: CaptionCorpus, _ frequencies: DocumentFrequencies? = nil) {
      let images = log(Double(frequencies?.images ?? corpus.count))
      let counts =
        frequencies.map { stored in
          (0..<corpus.groupCount).map { Int32(stored.counts[corpus.words(ofGroup: $0)] ?? 0) }
        } ?? corpus.documentCounts()
      let weights = counts.map { images - log(Double(max(1, $0))) }
      var (norms, terms) = ([Double](), [Double]())
      for caption in 0..<corpus.captionCount {
        for size in 1...CaptionCorpus.largest {
          terms.removeAll(keepingCapacity: true)
          for group in corpus.groups(of: caption, size: size) {
            terms.append(Double(group.count) * weights[Int(group.number)])
          }
          terms.sort()
          norms.append(terms.reduce(0) { $0 + $1 * $1 }.squareRoot())
        }
      }
      (self.weights, self.norms) = (weights, norms)
    }

    func similarity(
      of candidate: Int, to reference: Int, _ corpus: CaptionCorpus, _ variant: Variant,
      _ terms: inout [Double]
    ) -> Double {
      var closeness = 1.0
      if variant == .d {
        let bigrams = { max(0, corpus.wordCount(of: $0) - 1) }
        let difference = Double(bigrams(candidate) - bigrams(reference))
        closeness = exp(-(difference * difference) / 72)
      }
      var sum = 0.0
      for size in 1...CaptionCorpus.largest {
        let norm =
          norms[candidate * CaptionCorpus.largest + size - 1]
          * norms[reference * CaptionCorpus.largest + size - 1]
        guard norm > 0 else { continue }
        terms.removeAll(keepingCapacity: true)
        CaptionCorpus.shared(
          corpus.groups(of: candidate, size: size), corpus.groups(of: reference, size: size)
        ) { _, own, other in
          let weight = weights[Int(own.number)]
          let (first, second) = (Double(own.count) * weight, Double(other.count) * weight)
          terms.append((variant == .d ? min(first, second) : first) * second)
        }
        // Sorted, so that the order of the numbers cannot change the last digit.
        terms.sort()
        sum += terms.reduce(0, +) / norm * closeness
      }
      return sum / Double(CaptionCorpus.largest)
    }
  }
}
