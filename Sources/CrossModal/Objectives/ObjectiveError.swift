import Foundation

/// Settings or inputs that an objective cannot use.
public enum ObjectiveError: LocalizedError, Equatable {
  /// A loss of distances was given similarities, or the other way round.
  case wrongDirection(loss: String, takes: String, given: String)
  case badSetting(_ key: String, _ value: Double, expected: String)
  case unknownChoice(_ key: String, _ value: String, expected: String)
  case unequalCounts(_ what: String, _ found: Int, _ other: String, _ expected: Int)
  case unequalSizes(_ what: String, _ found: Int, _ other: String, _ expected: Int)
  case labelOutOfRange(row: Int, label: Int, classes: Int)
  case repeatedLabels(rows: [Int])
  case tooFewClasses(Int)
  case empty(_ what: String)

  public var errorDescription: String? {
    switch self {
    case .wrongDirection(let loss, let takes, let given):
      "\(loss) takes a \(takes), but was given a \(given)"
    case .badSetting(let key, let value, let expected): "\(key) is \(value), expected \(expected)"
    case .unknownChoice(let key, let value, let expected): "\(key) is \(value), expected \(expected)"
    case .unequalCounts(let what, let found, let other, let expected):
      "\(what) have \(found) rows, but \(other) have \(expected)"
    case .unequalSizes(let what, let found, let other, let expected):
      "\(what) have width \(found), but \(other) have \(expected)"
    case .labelOutOfRange(let row, let label, let classes):
      "row \(row) has label \(label), expected 0 to \(classes - 1)"
    case .repeatedLabels(let rows):
      "rows \(rows.map(String.init).joined(separator: ", ")) repeat a label; "
        + "targets 'distinct' wants every label once (use 'soft' or 'exclude')"
    case .tooFewClasses(let count): "\(count) class\(count == 1 ? "" : "es"): at least 2 are needed"
    case .empty(let what): "\(what): there are none"
    }
  }
}
