/// Training pairs that are held back to choose weights by, where the data have no split for that: networks that are
/// trained too long learn their pairs by heart.
struct HeldBack {
  /// Splits that weights are chosen by where there is one.
  static let splits = ["val", "dev", "validation"]
  /// Fewer tell little.
  private static let fewest = 10
  /// More cost time and tell no more.
  private static let most = 2000

  /// What is learned from.
  let kept: Split
  /// What is held back.
  let held: Split
  /// Rows of the first modality within the split that are held back, ascending.
  let rows: [Int]

  /// Nil where nothing is to be held back: there is another split to measure on, nothing is measured, or the pairs are
  /// too few or hang together.
  init?(of split: Split, _ training: TrainingConfiguration, seed: UInt64) throws {
    guard training.holdBack > 0, training.validation == nil, training.evaluateEvery > 0,
      !Self.splits.contains(where: split.source.splitNames.contains)
    else { return nil }
    let division = try PairDivision(of: split, share: training.holdBack, most: Self.most, seed: seed)
    guard division.held.count >= Self.fewest else { return nil }
    rows = Array(Set(split.rows(side: 0, ofPairs: division.held))).sorted()
    held = try split.narrowed(to: rows)
    kept = try split.narrowed(to: Array(Set(split.rows(side: 0, ofPairs: division.kept))).sorted())
  }

  /// For people.
  var sentence: String {
    "holding back \(held.count) of \(held.count + kept.count) pairs to choose the weights by, since there is no split "
      + "val (hold_back=0 learns from all)"
  }
}
