/// How much two kinds of texts say with the same words.
enum SharedWords {
  /// From here on one vocabulary serves both: captions and paraphrases have 0.9 in common, comments and code 0.55, an
  /// English and a German caption 0.06.
  static let enough = 0.3
  /// Texts of each kind that are looked at.
  private static let most = 2000

  /// Share of the words of both that they have in common, each counted as often as in the kind that has it less often:
  /// 0 where no word is, 1 where all are equally frequent.
  static func overlap(_ first: FeaturizerSource, _ second: FeaturizerSource) throws -> Double {
    let shares = try [first, second].map(shares)
    return shares[0].reduce(0) { $0 + min($1.value, shares[1][$1.key] ?? 0) }
  }

  /// How large a part of all words each word is.
  private static func shares(of source: FeaturizerSource) throws -> [ExactText: Double] {
    guard case .texts(let texts) = try source.items(0..<min(most, source.count)) else { return [:] }
    let words = texts.flatMap(TFIDFFeaturizer.words)
    let part = 1 / Double(max(1, words.count))
    return words.reduce(into: [:]) { $0[ExactText($1), default: 0] += part }
  }
}
