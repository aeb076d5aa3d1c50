import Foundation

/// What the names of measures and the words of protocols mean, for readers who meet them first in a report.
enum MeasureMeanings {
  /// A measure's name in a table, with its meaning where it is known.
  static func cell(_ name: String) -> ReportTable.Cell {
    meaning(of: name).map { .term(name, $0) } ?? .text(name)
  }

  static func meaning(of name: String) -> String? {
    if name.hasPrefix("R@"), let depth = Int(name.dropFirst(2)) {
      return depth == 1
        ? "percent of queries with a right item in first place"
        : "percent of queries with a right item among the first \(depth)"
    }
    return known[name]
  }

  private static let known = [
    "MedR": "rank of the best right item, the median of all queries",
    "MeanR": "rank of the best right item, the mean of all queries",
    "MRR": "mean of 1 / rank of the best right item",
    "mAP": "mean average precision: the share of right items up to each right one; 1 is a perfect order",
    "nDCG": "a right item counts less the farther down it stands; 1 is a perfect order",
    "NN": "share of queries whose nearest item is of their class",
    "FT": "first tier: share of the class found among as many items as it has",
    "ST": "second tier: the same among twice as many",
    "E": "precision and recall of the first 32 in one number (F-measure)",
    "DCG": "a right item counts less the farther down it stands; 1 is a perfect order",
    "ANMRR": "average normalized rank of the right items; 0 is perfect",
    "AUC": "area under the curve of precision and recall",
    "CIDEr": "how alike the groups of words are that are rare elsewhere (cosine, times 10)",
    "CIDEr-D":
      "CIDEr that gains nothing by repeated words or other lengths; the COCO evaluation prints it as CIDEr",
    "NMI": "how much clusters and classes tell of each other; 1 is all",
    "F1": "pairs of one cluster against pairs of one class (F-measure)",
  ]

  /// A protocol with what its words mean beside them.
  static func explained(_ protocol: String) -> String {
    `protocol`.components(separatedBy: ", ").map { part in
      words[part].map { "\(part) (\($0))" } ?? part
    }.joined(separator: "; ")
  }

  private static let words = [
    "full set": "every query searches all items of the split",
    "ties pessimistic": "of items that score alike, the right one counts last",
    "ties optimistic": "of items that score alike, the right one counts first",
    "ties index": "items that score alike stand in the order of their rows",
    "ties mean": "items that score alike share the mean of their ranks",
    "exact match": "right is only the very answer",
    "WUPS over WordNet's nouns": "how near the answer's words are to the right ones in WordNet",
  ]
}
