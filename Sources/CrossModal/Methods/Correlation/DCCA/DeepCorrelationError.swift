import Foundation

/// Batches or settings that deep correlation analysis cannot work with.
public enum DeepCorrelationError: LocalizedError, Equatable {
  /// A batch must have more rows than outputs, or its covariance says nothing.
  case smallBatch(rows: Int, width: Int)
  case unequalRows([Int])
  case notFinite(view: Int)
  case notPositive(view: Int, ridge: Double, rows: Int)
  case noWidth(view: String)

  public var errorDescription: String? {
    switch self {
    case .smallBatch(let rows, let width):
      "a batch of \(rows) pairs is too small for outputs of width \(width): it needs more pairs than outputs, "
        + "best ten times as many; or use objective noi or eckart_young"
    case .unequalRows(let counts):
      "the views have \(counts.map(String.init).joined(separator: " and ")) rows; paired views need equal numbers"
    case .notFinite(let view):
      "the outputs of view \(view + 1) are not finite; a smaller learning_rate often helps"
    case .notPositive(let view, let ridge, let rows):
      "the covariance of view \(view + 1) over \(rows) pairs is not positive definite with r\(view + 1) = \(ridge); "
        + (ridge == 0 ? "give it a value such as 1e-4" : "make it ten times larger, or set raise_ridge")
    case .noWidth(let view): "\(view) holds no vectors of one width, which a network of this kind needs"
    }
  }
}

extension DeepCorrelationError: NumbersNotFinite {
  public var notFinite: String? {
    if case .notFinite(let view) = self { "the outputs of view \(view + 1)" } else { nil }
  }
}
