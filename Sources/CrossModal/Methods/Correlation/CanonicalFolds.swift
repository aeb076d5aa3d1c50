import Torch

/// Training pairs divided into folds, so that an analysis can be fitted to all but one and tested on that one.
///
/// Covariances of every fold come from one pass over the data; those of a training part are merged from the
/// other folds. Views wider than long are held in memory instead.
struct CanonicalFolds {
  private enum Source {
    case covariances([JointCovariance])
    case rows([Tensor], FoldAssignment)
  }

  let views: [String]
  let count: Int
  private let source: Source
  /// Rows of each fold beside its covariances, where they are wanted.
  private var sample: [[Tensor]] = []
  /// Which item each pair of a fold has on each side; nil where every pair has its own.
  private let itemsOfFolds: [[[Int]]]?

  /// Rows of a fold that are kept beside covariances.
  private static let mostRows = 500

  /// - Parameter keepsRows: whether ``rows(of:)`` will be asked.
  init(
    _ data: some TrainingSet, views: [String], folds: Int, seed: UInt64, route: CCA.Solver, chunkRows: Int,
    keepsRows: Bool = false
  ) throws {
    let assignment = try FoldAssignment(rows: data.count, folds: folds, seed: seed)
    let asked = (0..<folds).map { Array(assignment.split($0).test.prefix(CanonicalFolds.mostRows)) }
    itemsOfFolds = data.itemsOfPairs.map { items in
      asked.map { fold in items.map { own in fold.map { own[$0] } } }
    }
    let widths = try rowsOfViews(data.batch(at: [0]), views).map { $0.size(along: 1) }
    self.views = views
    count = folds
    guard !route.usesRows(widths: widths, count: data.count) else {
      let rows = try rowsOfViews(data.all(), views).map { try $0.to(.float64) }
      for (view, tensor) in zip(views, rows) { try checkFinite(tensor, view: view) }
      source = .rows(rows, assignment)
      return
    }
    var parts = try (0..<folds).map { _ in try JointCovariance(views: views, widths: widths) }
    var start = 0
    try data.forEachChunk(rows: chunkRows) { batch in
      let rows = try rowsOfViews(batch, views)
      for (view, tensor) in zip(views, rows) { try checkFinite(tensor, view: view, firstRow: start) }
      for fold in 0..<folds {
        let places = (0..<batch.count).filter { assignment.folds[start + $0] == fold }
        try parts[fold].add(rows.map { try $0.rows(at: places) })
      }
      start += batch.count
    }
    source = .covariances(parts)
    if keepsRows { sample = try asked.map { try rowsOfViews(data.batch(at: $0), views) } }
  }

  /// Rows of a fold, or the first of many, to compare with each other.
  func rows(of fold: Int) throws -> [Tensor] {
    guard case .rows(let rows, let assignment) = source else { return sample[fold] }
    let places = Array(assignment.split(fold).test.prefix(CanonicalFolds.mostRows))
    return try rows.map { try $0.rows(at: places) }
  }

  /// Which item each pair of ``rows(of:)`` has on each side; nil where every pair has its own.
  func items(of fold: Int) -> [[Int]]? { itemsOfFolds?[fold] }

  /// The analysis of everything but a fold.
  func fit(without fold: Int, with solver: CanonicalSolver) throws -> CanonicalFit {
    switch source {
    case .covariances(let parts):
      var joint = try JointCovariance(views: views, widths: parts[fold].widths)
      for (other, part) in parts.enumerated() where other != fold { try joint.merge(part) }
      return try CanonicalFit(joint, with: solver)
    case .rows(let rows, let assignment):
      let places = assignment.split(fold).train
      return try solver.fit(rows.map { try $0.rows(at: places) }, views: views)
    }
  }

  /// Pearson correlation of each pair of scores on a fold, `[k]`.
  func correlations(of fit: CanonicalFit, on fold: Int) throws -> [Double] {
    switch source {
    case .covariances(let parts):
      return try achievedCorrelations(of: fit.solution.weights, in: parts[fold]).values()
    case .rows(let rows, let assignment):
      let scores = try rows.enumerated().map { view, rows in
        try fit.scores(rows.rows(at: assignment.split(fold).test), view: view)
      }
      return try pearsonCorrelations(scores[0], scores[1]).values()
    }
  }

  /// Share of the second view's variance on a fold that the first k components predict from the first view,
  /// for k from 1; negative when worse than the training mean.
  func explained(by fit: CanonicalFit, on fold: Int) throws -> [Double] {
    let k = fit.achieved.count
    let decoded = try fit.decoders[1] * fit.solution.correlations[0..<k].unsqueezed(at: 1)
    let mean: (x: Tensor, y: Tensor)
    let second: (xx: Tensor, xy: Tensor, yy: Double)
    switch source {
    case .covariances(let parts):
      let part = parts[fold]
      // Second moments about the training means.
      mean = (try part.means[0] - fit.means[0], try part.means[1] - fit.means[1])
      let n = part.weight / (part.weight - 1)
      second = (
        try part.covariance(0, 0).addingProduct(mean.x.unsqueezed(at: 1), mean.x.unsqueezed(at: 0), scale: n),
        try part.covariance(0, 1).addingProduct(mean.x.unsqueezed(at: 1), mean.y.unsqueezed(at: 0), scale: n),
        try (part.covariance(1, 1).trace() + mean.y.squared().sum() * n).item()
      )
      let z = fit.solution.weights[0]
      let zz = try z.transposed().matmul(second.xx).matmul(z)
      let zy = try z.transposed().matmul(second.xy)
      return try (1...k).map { k in
        let kept = try decoded[0..<k]
        let cross: Double = try (kept * zy[0..<k]).sum().item()
        let inner = try zz[0..<k].narrowed(to: 0..<k, along: 1)
        let own: Double = try (inner.matmul(kept) * kept).sum().item()
        return (2 * cross - own) / second.yy
      }
    case .rows(let rows, let assignment):
      let test = assignment.split(fold).test
      let z = try fit.scores(rows[0].rows(at: test), view: 0)
      let y = try rows[1].rows(at: test) - fit.means[1]
      let whole: Double = try y.squared().sum().item()
      return try (1...k).map { k in
        let rest = try y - z.narrowed(to: 0..<k, along: 1).matmul(decoded[0..<k])
        return 1 - (try rest.squared().sum().item()) / whole
      }
    }
  }
}
