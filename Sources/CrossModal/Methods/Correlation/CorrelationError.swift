import Foundation

/// Data or settings that a correlation method cannot work with. `view` is the name of a modality.
public enum CorrelationError: LocalizedError, Equatable {
  /// Fewer rows than the method needs for anything to vary.
  case tooFewRows(Int, of: String = "correlation", needed: Int = 2)
  /// Views that are paired by row have different numbers of rows.
  case unequalRows([String], [Int])
  /// A number that is NaN or infinite.
  case notFinite(view: String, row: Int, column: Int)
  /// Rows that are no vectors.
  case notVectors(view: String, found: String)
  /// Rows of another width than the fitted one.
  case wrongWidth(view: String, found: Int, expected: Int)
  /// Every column of a view is constant.
  case constant(view: String)
  /// More components than the views have directions.
  case tooManyComponents(k: Int, views: [String], ranks: [Int])
  /// Encoding before fitting.
  case notFitted
  /// A method for so many views met another number.
  case wrongViews(found: Int, expected: String)
  /// A weight of a row that is negative or not finite.
  case badWeight(row: Int)
  /// The data cannot answer the question that was asked.
  case impossible(String)

  public var errorDescription: String? {
    switch self {
    case .tooFewRows(let n, let method, let needed): "\(method) needs at least \(needed) pairs, found \(n)"
    case .unequalRows(let views, let counts):
      zip(views, counts).map { "\($0) has \($1) rows" }.joined(separator: ", ")
        + "; paired views need equal numbers"
    case .notFinite(let view, let row, let column):
      "\(view) row \(row), column \(column) is not a finite number"
    case .notVectors(let view, let found): "\(view) holds \(found), expected one vector a row, [n, d]"
    case .wrongWidth(let view, let found, let expected):
      "\(view) has \(found) columns, the model was made for \(expected)"
    case .constant(let view): "every column of \(view) is constant, so that nothing can correlate with it"
    case .tooManyComponents(let k, let views, let ranks):
      "k is \(k), but " + zip(views, ranks).map { "\($0) has rank \($1)" }.joined(separator: " and ")
        + "; choose k up to \(ranks.min() ?? 0) or set clip"
    case .notFitted: "the model has not been fitted"
    case .wrongViews(let found, let expected): "the data have \(found) modalities, expected \(expected)"
    case .badWeight(let row): "the weight of row \(row) is negative or not a finite number"
    case .impossible(let sentence): sentence
    }
  }
}
