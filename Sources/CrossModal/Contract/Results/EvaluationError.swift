import Foundation

/// An evaluation that cannot be done with what was given.
public enum EvaluationError: LocalizedError, Equatable {
  /// A score block has another shape than its rows and columns say.
  case badBlock(shape: [Int], expected: [Int])
  /// There are neither pairs nor equal counts nor labels that would say what belongs together.
  case noTruth(first: Int, second: Int)
  /// A pair names a row that is not there.
  case pairOutOfRange(pair: Int, row: Int, count: Int, side: Int)
  /// The second modality has not so many rows for each row of the first.
  case captionCount(_ captions: Int, first: Int, second: Int?)
  /// There are not as many labels as rows.
  case labelCount(labels: Int, rows: Int, side: Int)
  /// Nothing can be asked: no rows, or none with anything to find.
  case noQueries
  /// The set is smaller than one fold.
  case tooSmallForFolds(rows: Int, size: Int)
  /// Neither memory nor the temporary folder has room for all scores.
  case noRoom(bytes: Int)
  /// A name of a closed choice that does not exist.
  case unknownName(_ what: String, _ name: String, known: [String])
  /// Values that belong together have different counts.
  case counts(_ what: String, Int, _ other: String, Int)
  /// Two results that do not come from the same test.
  case differentTests(_ first: String, _ second: String)
  /// An option that says nothing about how a method of this task is measured.
  case meaninglessOption(
    EvaluationOption, method: String, task: MethodDescription.Task, modalities: [String])
  /// A value that the metric is not defined for.
  case badValue(String)

  public var errorDescription: String? {
    switch self {
    case .badBlock(let shape, let expected):
      "a block of scores has shape \(shape), expected \(expected)"
    case .noTruth(let first, let second):
      "the modalities have \(first) and \(second) rows, expected equal counts where there are no pairs or labels"
    case .pairOutOfRange(let pair, let row, let count, let side):
      "pair \(pair) names row \(row) of modality \(side), expected 0 to \(count - 1)"
    case .captionCount(let captions, let first, let second):
      "the first modality has \(first) rows, which with \(captions) of the second each "
        + (second.map { "are not the \($0) that there are" } ?? "are no number of rows")
    case .labelCount(let labels, let rows, let side):
      "modality \(side) has \(rows) rows and \(labels) labels, expected one label a row"
    case .noQueries: "there is nothing to evaluate: no row has a paired item or an item of its class"
    case .tooSmallForFolds(let rows, let size):
      "a fold needs \(size) rows of the first modality, but the split has \(rows)"
    case .noRoom(let bytes):
      "the scores need \(bytes >> 20) MB in the temporary folder, which has no room for them"
    case .unknownName(let what, let name, let known):
      "unknown \(what) '\(name)'; known are \(known.joined(separator: ", "))"
    case .counts(let what, let count, let other, let otherCount):
      "\(count) \(what) and \(otherCount) \(other), expected equal counts"
    case .differentTests(let first, let second):
      first == second
        ? "the two results are of different items, so they cannot be compared item by item"
        : "the two results have different protocols: '\(first)' and '\(second)'"
    case .meaninglessOption(let option, let method, let task, let modalities):
      option == .wordnet
        ? "--\(option.rawValue) is for answers and captions, whose WUPS and METEOR read WordNet; \(method) is a method for \(task.rawValue)"
        : task == .retrieval
          ? "--\(option.rawValue) is for retrieval between modalities; \(method) searches \(modalities[0]) within itself, where all items are searched and equal ones stand in their own order"
          : "--\(option.rawValue) is for retrieval; \(method) is a method for \(task.rawValue)"
    case .badValue(let sentence): sentence
    }
  }
}

extension EvaluationError: UserMistake {
  public var isUserMistake: Bool {
    switch self {
    case .unknownName, .meaninglessOption: true
    default: false
    }
  }
}
