import Torch

/// A kernel matrix of the training rows, centered in feature space, and what centers new rows the same way
/// (`kcca.md` section 3).
public struct CenteredGram: Sendable {
  /// K = K₀ - 1r' - r1' + m, `[n, n]`; rows sum to 0.
  public let values: Tensor
  /// r: means of the columns of K₀, `[n]`.
  public let columnMeans: Tensor

  /// - Parameter gram: kernel values among training rows, symmetric, `[n, n]`.
  public init(_ gram: Tensor) throws {
    columnMeans = try gram.mean(along: 0)
    let shift = try columnMeans - columnMeans.mean() / 2.0
    values = try gram - shift - shift.unsqueezed(at: 1)
  }

  /// Kernel values of new rows with the training rows, centered by the training rows alone, so that a row
  /// transformed alone equals that row in a batch.
  ///
  /// - Parameter rows: k(new, training), `[m, n]`.
  public func centered(_ rows: Tensor) throws -> Tensor {
    let shift = try rows.mean(along: 1, keepingDimension: true) - columnMeans.mean()
    return try rows - columnMeans - shift
  }
}
