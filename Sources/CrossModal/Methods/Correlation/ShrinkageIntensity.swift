import Torch

/// How far the covariance of a view is best shrunk towards its mean variance, in closed form: the c of
/// (1 - c) S + c (trace S / p) I.
struct ShrinkageIntensity {
  /// Rows, columns.
  private let n: Double
  private let p: Double
  /// Traces of S² and S, with S divided by n.
  private let square: Double
  private let trace: Double
  /// Σ ‖x‖⁴ of the centered rows.
  private let fourth: Double

  /// Gathers what the rules need of view `view` in passes over the data, a chunk at a time.
  ///
  /// - Parameters:
  ///   - scaling: of the columns, before anything else.
  ///   - usesRows: hold the rows in memory and work with their Gram matrix, for a view wider than long.
  init(
    _ data: some TrainingSet, view: Int, views: [String], scaling: ColumnScale, usesRows: Bool,
    chunkRows: Int
  ) throws {
    n = Double(data.count)
    let width = try rowsOfViews(data.batch(at: [0]), views)[view].size(along: 1)
    p = Double(width)
    guard !usesRows else {
      let rows = try rowsOfViews(data.all(), views)[view].to(.float64)
      var centered = try rows - rows.mean(along: 0)
      let variances = try centered.squared().mean(along: 0)
      centered = try centered * scaling.factors(variances: variances, constant: variances .<= 0.0)
      let gram = try centered.matmul(centered.transposed()) / n
      square = try gram.squared().sum().item()
      trace = try gram.trace().item()
      fourth = try centered.squared().sum(along: 1).squared().sum().item()
      return
    }
    var joint = try JointCovariance(views: [views[view]], widths: [width])
    try data.forEachChunk(rows: chunkRows) { try joint.add([rowsOfViews($0, views)[view]]) }
    let covariance = try joint.covariance(0, 0) * ((n - 1) / n)
    let scale = try scaling.factors(variances: covariance.diagonal(), constant: joint.isConstant(0))
    let scaled = try covariance * scale.unsqueezed(at: 1) * scale
    square = try scaled.squared().sum().item()
    trace = try scaled.trace().item()
    var sum = 0.0
    try data.forEachChunk(rows: chunkRows) { batch in
      let rows = try (rowsOfViews(batch, views)[view].to(.float64) - joint.means[0]) * scale
      sum += try rows.squared().sum(along: 1).squared().sum().item()
    }
    fourth = sum
  }

  private var spread: Double { square - trace * trace / p }

  /// Ledoit & Wolf, Journal of Multivariate Analysis 2004, eq. 14.
  var ledoitWolf: Double { spread > 0 ? min(1, max(0, (fourth / n - square) / n / spread)) : 1 }

  /// Oracle approximating shrinkage: Chen et al., IEEE Transactions on Signal Processing 2010, eq. 23.
  var oracleApproximating: Double {
    spread > 0 ? min(1, ((1 - 2 / p) * square + trace * trace) / ((n + 1 - 2 / p) * spread)) : 1
  }
}
