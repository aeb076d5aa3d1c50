/// How well captions agree with those that people wrote: BLEU-1 to BLEU-4, ROUGE-L, CIDEr and METEOR.
public struct CaptionMetrics: Sendable, Equatable {
  /// How captions become words.
  public enum Tokenizer: String, Sendable, Codable, CaseIterable {
    /// As the COCO evaluation does.
    case ptb
    /// Between spaces, nothing changed.
    case space

    func words(of caption: String) -> [String] {
      switch self {
      case .ptb: PTBTokenizer.words(of: caption)
      case .space: caption.split(whereSeparator: \.isWhitespace).map(String.init)
      }
    }
  }

  public let bleu: BLEU
  public let rougeL: ROUGEL
  public let cider: CIDEr
  public let meteor: METEOR
  /// Which modules METEOR used.
  public let meteorModules: String

  /// - Parameters:
  ///   - hypotheses: one caption an image.
  ///   - references: for each image what people wrote, at least one.
  ///   - tokenizer: how captions become words.
  ///   - synonyms: WordNet for METEOR; nil matches exact words and stems only.
  ///   - brevityPenalty: whether BLEU punishes short captions.
  /// - Throws: ``EvaluationError`` when counts disagree or an image has no reference; ``WordNetError``.
  public init(
    hypotheses: [String], references: [[String]], tokenizer: Tokenizer = .ptb, synonyms: SynonymTable? = nil,
    brevityPenalty: Bool = true
  ) throws {
    guard hypotheses.count == references.count else {
      throw EvaluationError.counts("captions", hypotheses.count, "lists of references", references.count)
    }
    guard !hypotheses.isEmpty else { throw EvaluationError.noQueries }
    if let image = references.firstIndex(where: \.isEmpty) {
      throw EvaluationError.badValue("image \(image) has no reference caption, expected at least one")
    }
    let candidates = hypotheses.map(tokenizer.words)
    let wanted = references.map { $0.map(tokenizer.words) }
    bleu = BLEU(candidates: candidates, references: wanted, brevityPenalty: brevityPenalty)
    rougeL = ROUGEL(candidates: candidates, references: wanted)
    cider = CIDEr(candidates: candidates, references: wanted)
    meteor = try METEOR(
      candidates: candidates, references: wanted, modules: synonyms.map(METEOR.Modules.synonyms) ?? .stems)
    meteorModules = synonyms == nil ? "exact, stem" : "exact, stem, synonym"
  }

  /// The numbers by their names, fractions as the COCO evaluation prints them.
  public var values: [(name: String, value: Double)] {
    bleu.scores.enumerated().map { (name: "BLEU-\($0 + 1)", value: $1) } + [
      (name: "ROUGE-L", value: rougeL.score), (name: "CIDEr", value: cider.score),
      (name: "METEOR", value: meteor.score),
    ]
  }

  public var json: JSON { .object(values.map { JSON.Member($0.name, .double($0.value)) }) }
}
