import Foundation

/// Data or settings that a kernel method cannot work with. `view` is the name of a modality.
public enum KernelError: LocalizedError, Equatable {
  /// A bandwidth cannot be chosen: no two rows differ.
  case allEqual
  /// Precomputed kernel values that are no square.
  case notSquare(view: String, rows: Int, columns: Int)
  /// Precomputed kernel values that are not symmetric.
  case notSymmetric(view: String, row: Int, column: Int)
  /// Landmarks that are no rows.
  case badLandmark(Int, rows: Int)
  /// Without a ridge every correlation is 1.
  case nothingToLearn(views: [String], ranks: [Int], rows: Int)
  /// More memory than is allowed.
  case tooLarge(needed: Int, limit: Int, solver: String)
  /// Settings that do not go together.
  case unsupported(String)

  public var errorDescription: String? {
    switch self {
    case .allEqual: "no two rows differ, so that no bandwidth can be chosen; give gamma"
    case .notSquare(let view, let rows, let columns):
      "\(view) is to hold precomputed kernel values of \(rows) training rows, but has \(columns) columns"
    case .notSymmetric(let view, let row, let column):
      "\(view): the precomputed kernel is not symmetric at row \(row), column \(column)"
    case .badLandmark(let place, let rows): "landmark \(place) is no row of the \(rows) training rows"
    case .nothingToLearn(let views, let ranks, let rows):
      "without a ridge every correlation of \(rows) pairs is 1: "
        + zip(views, ranks).map { "\($0) has kernel rank \($1)" }.joined(separator: " and ")
        + "; give a value above 0"
    case .tooLarge(let needed, let limit, let solver):
      "solver \(solver) needs about \(needed) bytes, the limit is \(limit); "
        + (solver == "exact"
          ? "use solver pgso, nystrom or rff, or raise memory_limit"
          : "use fewer features, or raise memory_limit")
    case .unsupported(let sentence): sentence
    }
  }
}
