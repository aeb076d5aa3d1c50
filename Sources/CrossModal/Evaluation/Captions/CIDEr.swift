import Foundation

/// CIDEr-D (Vedantam et al., CVPR 2015) as the COCO caption server computes it.
///
/// For groups of 1 to 4 words: the cosine of vectors of counts weighted by log(images / images whose
/// references have the group), candidate counts clipped to the reference's, times exp(-d² / 72) for a
/// difference of d in the number of bigrams; the mean over references and over the four sizes, times 10.
public struct CIDEr: Sendable, Equatable {
  /// The mean over images.
  public let score: Double
  public let each: [Double]

  /// - Parameters:
  ///   - candidates: the words of each caption.
  ///   - references: for each caption the words of its references.
  ///   - frequencies: in how many images a group of words occurs; nil counts in these references. Stored ones
  ///     make the scores of small sets comparable; of a single image all weights are 0 otherwise.
  public init(candidates: [[String]], references: [[[String]]], frequencies: DocumentFrequencies? = nil) {
    let frequencies = frequencies ?? DocumentFrequencies(references)
    each = zip(candidates, references).map { candidate, references in
      let vector = Vector(candidate, frequencies)
      let scores = references.map { vector.similarity(to: Vector($0, frequencies)) }
      return scores.isEmpty ? 0 : 10 * scores.reduce(0, +) / Double(scores.count)
    }
    score = each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
  }

  /// In how many images each group of 1 to 4 words occurs.
  public struct DocumentFrequencies: Sendable, Equatable {
    public let images: Int
    fileprivate let counts: [ArraySlice<String>: Int]

    /// - Parameter references: for each image the words of its captions.
    public init(_ references: [[[String]]]) {
      images = references.count
      var counts: [ArraySlice<String>: Int] = [:]
      for captions in references {
        var seen: Set<ArraySlice<String>> = []
        for caption in captions {
          for size in 1...4 { seen.formUnion(wordGroups(caption, of: size).keys) }
        }
        for group in seen { counts[group, default: 0] += 1 }
      }
      self.counts = counts
    }

    fileprivate func weight(of group: ArraySlice<String>) -> Double {
      log(Double(images)) - log(Double(max(1, counts[group] ?? 0)))
    }
  }

  private struct Vector {
    let weights: [[ArraySlice<String>: Double]]
    let norms: [Double]
    let bigrams: Int

    init(_ words: [String], _ frequencies: DocumentFrequencies) {
      bigrams = max(0, words.count - 1)
      weights = (1...4).map { size in
        var weights: [ArraySlice<String>: Double] = [:]
        for (group, count) in wordGroups(words, of: size) {
          weights[group] = Double(count) * frequencies.weight(of: group)
        }
        return weights
      }
      norms = weights.map { weights in
        weights.values.sorted().reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
    }

    func similarity(to reference: Vector) -> Double {
      let difference = Double(bigrams - reference.bigrams)
      let closeness = exp(-(difference * difference) / 72)
      let cosines = weights.indices.map { size -> Double in
        let norm = norms[size] * reference.norms[size]
        guard norm > 0 else { return 0 }
        // Sorted terms, so that the order of a dictionary cannot change the last digit.
        let terms = weights[size].compactMap { group, weight in
          reference.weights[size][group].map { min(weight, $0) * $0 }
        }
        return terms.sorted().reduce(0, +) / norm * closeness
      }
      return cosines.reduce(0, +) / Double(cosines.count)
    }
  }
}
