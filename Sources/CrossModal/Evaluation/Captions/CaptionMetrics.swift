/// How well captions agree with those that people wrote: BLEU-1 to BLEU-4, ROUGE-L, CIDEr, CIDEr-D, METEOR, and the share
/// of those that are one of them word by word.
public struct CaptionMetrics: TaskResult, Equatable {
  /// How captions become words.
  public enum Tokenizer: String, Sendable, Codable, CaseIterable {
    /// As the COCO evaluation does.
    case ptb
    /// Between spaces, nothing changed.
    case space

    func words(of caption: String) -> [String] {
      switch self {
      case .ptb: PTBTokenizer.words(of: caption)
      case .space:
        // Bytes are split several times faster than characters.
        caption.utf8.allSatisfy { $0 < 0x80 }
          ? caption.utf8.split { $0 == 0x20 || (0x09...0x0D).contains($0) }.map { String(Substring($0)) }
          : caption.split(whereSeparator: \.isWhitespace).map(String.init)
      }
    }
  }

  public let bleu: BLEU
  public let rougeL: ROUGEL
  public let cider: CIDEr
  public let ciderD: CIDEr
  public let meteor: METEOR
  /// Which modules METEOR used.
  public let meteorModules: String
  /// 1 for each caption whose words are those of a reference, else 0.
  public let exact: [Double]
  /// How captions became words, and whether BLEU punishes short ones.
  private let reading: String
  public let priors: [Prior]

  /// - Parameters:
  ///   - hypotheses: one caption an image.
  ///   - references: for each image what people wrote, at least one.
  ///   - tokenizer: how captions become words.
  ///   - synonyms: WordNet for METEOR; nil matches exact words and stems only.
  ///   - brevityPenalty: whether BLEU punishes short captions.
  ///   - priors: what trivial captions reach.
  /// - Throws: ``EvaluationError`` when counts disagree or an image has no reference; ``WordNetError``.
  public init(
    hypotheses: [String], references: [[String]], tokenizer: Tokenizer = .ptb, synonyms: SynonymTable? = nil,
    brevityPenalty: Bool = true, priors: [Prior] = []
  ) throws {
    guard hypotheses.count == references.count else {
      throw EvaluationError.counts("captions", hypotheses.count, "lists of references", references.count)
    }
    guard !hypotheses.isEmpty else { throw EvaluationError.noQueries }
    if let image = references.firstIndex(where: \.isEmpty) {
      throw EvaluationError.badValue("image \(image) has no reference caption, expected at least one")
    }
    let corpus = CaptionCorpus(
      candidates: hypotheses.map(tokenizer.words), references: references.map { $0.map(tokenizer.words) })
    bleu = BLEU(corpus, brevityPenalty: brevityPenalty)
    rougeL = ROUGEL(corpus)
    let vectors = CIDEr.Vectors(corpus)
    (cider, ciderD) = (CIDEr(corpus, .plain, vectors), CIDEr(corpus, .d, vectors))
    meteor = try METEOR(corpus, modules: synonyms.map(METEOR.Modules.synonyms) ?? .stems)
    meteorModules = synonyms == nil ? "exact, stem" : "exact, stem, synonym"
    exact = (0..<corpus.count).map { image in
      let own = corpus.words(of: corpus.candidate(of: image))
      return corpus.references(of: image).contains { corpus.words(of: $0) == own } ? 1 : 0
    }
    reading =
      (tokenizer == .ptb ? "" : ", words between spaces")
      + (brevityPenalty ? "" : ", BLEU without brevity penalty")
    self.priors = priors
  }

  /// Fractions, as the COCO evaluation prints them.
  public var measures: [Measure] {
    let share = exact.reduce(0, +) / Double(exact.count)
    return zip(Self.names, bleu.scores + [rougeL.score, cider.score, ciderD.score, meteor.score, share])
      .map { Measure($0, $1) }
  }

  static let names = (1...4).map { "BLEU-\($0)" } + ["ROUGE-L", "CIDEr", "CIDEr-D", "METEOR", "exact"]

  /// How long captions are beside the nearest references: BLEU punishes those that are shorter.
  public var details: [JSON.Member] {
    [
      JSON.Member("words", .int(bleu.candidateLength)),
      JSON.Member("reference_words", .int(bleu.referenceLength)),
    ]
  }

  /// BLEU-4 first, as captioners are chosen by it.
  public var selection: [Measure] {
    measures.filter { $0.name == "BLEU-4" } + measures.filter { $0.name != "BLEU-4" }
  }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  public var `protocol`: String { "one caption an image, METEOR by \(meteorModules)\(reading)" }

  public var counts: [(name: String, count: Int)] { [("images", rougeL.each.count)] }

  /// BLEU and METEOR add up counts over the corpus; ROUGE-L and both CIDEr are means over images, with the
  /// weights of words as they are on all of them.
  public var resampled: [any ResampledTest] {
    let ones = rougeL.each.map { _ in 1.0 }
    let (bleu, meteor) = (bleu, meteor)
    let first = bleu.statistics.count
    let test = try? SummedTest(
      Self.names,
      sums: bleu.statistics + meteor.statistics + [rougeL.each, cider.each, ciderD.each, exact, ones],
      kinds: Self.names.map { $0.hasPrefix("CIDEr") ? .open : .bounded(0...1) }
    ) { sums in
      let means = sums.suffix(5).map { $0 / sums[sums.count - 1] }
      return bleu.scores(of: Array(sums[..<first])) + means[..<3]
        + [meteor.score(of: Array(sums[first..<sums.count - 5])), means[3]]
    }
    return test.map { [$0] } ?? []
  }
}
