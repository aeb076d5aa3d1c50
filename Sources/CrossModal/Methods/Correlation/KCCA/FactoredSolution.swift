import Torch

/// The components that are wanted and no more, by one Cholesky factor of each regularised kernel matrix.
///
/// Weights of the x view are the leading eigenvectors of C_x⁻¹ K_x K_y C_y⁻¹ K_y K_x in the metric of C_x,
/// which needs solutions with the factors only. Whether eigenvalues of K are to be cut another Cholesky
/// factorisation tells: K - tolerance·l_max is positive definite beside the null vector 1, or it is not. The
/// directions that are cut are found by inverse iteration where they are few; a view that loses many goes
/// through its eigenvalues after all.
struct FactoredSolution {
  let correlations: Tensor
  let weights: [Tensor]
  let scores: [Tensor]
  let ranks: [Int]
  let negative: [Int]
  let chance: Double?

  /// One view and its way from scores to weights.
  private struct Side {
    /// What C⁻¹K is made of.
    enum Form {
      /// The factor of aK + bI, and orthonormal directions that weights keep away from, `[n, c]`.
      case factor(lower: Tensor, upper: Tensor, cut: Tensor)
      case eigen(EigenSolution.Side)
    }

    let form: Form
    /// Nil for a view by columns.
    let gram: Tensor?
    let a: Double
    let b: Double
    /// Whether the constraint is the square of aK + bI and not its product with K.
    let isSquare: Bool
    let rows: Int

    init?(_ view: KernelView, ridge: KernelRidge, name: String, tolerance: Double) throws {
      rows = view.count
      switch ridge {
      case .hardoon(let kappa) where kappa > 0: (a, b, isSquare) = (1, kappa, false)
      case .shrinkage(let c) where c > 0: (a, b, isSquare) = ((1 - c) / Double(rows - 1), c, false)
      case .bach(let kappa) where kappa > 0: (a, b, isSquare) = (1, Double(rows) * kappa / 2, true)
      default: return nil
      }
      if case .gram(let gram) = view {
        self.gram = gram
        let cut = try Side.cut(of: gram, tolerance: tolerance)
        if let directions = cut.directions,
          let lower = try? (gram * a + Tensor.identity(rows, .float64) * b).cholesky()
        {
          form = .factor(lower: lower, upper: try lower.transposed(), cut: directions)
          return
        }
        form = .eigen(
          try EigenSolution.Side(
            view, ridge: ridge, name: name, tolerance: tolerance, isOfLowRank: (rows - cut.count) * 4 <= rows)
        )
      } else {
        gram = nil
        form = .eigen(try EigenSolution.Side(view, ridge: ridge, name: name, tolerance: tolerance))
      }
    }

    var rank: Int {
      switch form {
      case .factor(_, _, let cut): rows - 1 - cut.size(along: 1)
      case .eigen(let side): side.rank
      }
    }

    var negative: Int { if case .eigen(let side) = form { side.negative } else { 0 } }

    /// How many eigenvalues beside the one of the vector of ones are at most `tolerance` times the largest, and
    /// their eigenvectors `[n, count]`: nil when there are more than a few or clearly negative ones.
    private static func cut(of gram: Tensor, tolerance: Double) throws -> (count: Int, directions: Tensor?) {
      let n = gram.size(along: 0)
      let generator = try Generator(seed: 0)
      let top = try LeadingEigenvectors(
        1, of: .init { try gram.matmul($0) }, start: .normal([n, 8], .float64, using: generator),
        tolerance: 1e-8, dimension: n / 2)
      let largest: Double = try top.values[0].item()
      let identity = try Tensor.identity(n, .float64)
      let lifted = try gram + largest / Double(n)
      let lowered = try lifted - identity * (tolerance * largest)
      if (try? lowered.cholesky()) != nil { return (0, try Tensor.zeros([n, 0], .float64)) }
      let count = try lowered.negativeEigenvalueCount()
      guard count > 0, count * 16 <= n,
        let lower = try? (lifted + identity * (1e-12 * largest)).cholesky()
      else { return (count, nil) }
      let upper = try lower.transposed()
      let inverse = LeadingEigenvectors.Problem {
        try upper.solveTriangular(lower.solveTriangular($0), upper: true)
      }
      let found = try LeadingEigenvectors(
        count, of: inverse, start: .normal([n, count + 8], .float64, using: generator), tolerance: 1e-10,
        dimension: n / 2)
      return (count, found.hasConverged && found.values.count == count ? found.vectors : nil)
    }

    /// C⁻¹Kz and its scores: what this view makes of scores `[n, b]`, one below the other.
    func smoothed(_ scores: Tensor) throws -> Tensor {
      switch form {
      case .eigen(let side):
        let inner = try side.rows.transposed().matmul(scores)
        return try Tensor.concatenated([side.map.matmul(inner), side.rows.matmul(inner)])
      case .factor(let lower, let upper, let cut):
        func solved(_ right: Tensor) throws -> Tensor {
          try upper.solveTriangular(lower.solveTriangular(right), upper: true)
        }
        let gram = gram ?? lower
        let whole = isSquare ? try solved(solved(gram.matmul(scores))) : try solved(scores)
        let weight = try whole.addingProduct(cut, cut.transposed().matmul(whole), scale: -1)
        return try Tensor.concatenated([weight, gram.matmul(weight)])
      }
    }

    /// One half of the metric: left(u)'right(v) = u'Cv for weights that carry their scores.
    func left(_ both: Tensor) throws -> Tensor { isSquare ? try right(both) : try scores(both) }
    func right(_ both: Tensor) throws -> Tensor { try scores(both) * a + weights(both) * b }

    func weights(_ both: Tensor) throws -> Tensor { try both[0..<(both.size(along: 0) - rows)] }
    func scores(_ both: Tensor) throws -> Tensor {
      try both[(both.size(along: 0) - rows)..<both.size(along: 0)]
    }
  }

  /// Nil when it does not apply: the first view by columns, no ridge, too many components for the rows, or no
  /// convergence.
  ///
  /// - Parameter isWanted: apply it also where a full decomposition is as fast.
  init?(
    _ views: [KernelView], ridges: [KernelRidge], components: ComponentRequest, names: [String],
    rankTolerance: Double, isWanted: Bool, chanceSeed: UInt64?
  ) throws {
    let n = views[0].count
    guard case .gram = views[0] else { return nil }
    let likely = try components.count(ranks: [n - 1, n - 1], views: names)
    guard likely * 4 <= n, isWanted || (n >= 256 && likely * 16 <= n) else { return nil }
    guard
      let x = try Side(views[0], ridge: ridges[0], name: names[0], tolerance: rankTolerance),
      let y = try Side(views[1], ridge: ridges[1], name: names[1], tolerance: rankTolerance)
    else { return nil }
    ranks = [x.rank, y.rank]
    negative = [x.negative, y.negative]
    let k = try components.count(ranks: ranks, views: names)

    let width = max(k, 8)
    let random = try Tensor.normal([n, width], .float64, using: try Generator(seed: 0))
    let start = try x.smoothed(random - random.mean(along: 0))
    let problem = LeadingEigenvectors.Problem(left: x.left, right: x.right) {
      try x.smoothed(y.scores(y.smoothed(x.scores($0))))
    }
    let found = try LeadingEigenvectors(k, of: problem, start: start, dimension: n / 2)
    guard found.hasConverged, found.values.count == k,
      try found.values[k - 1].item() > 1e-12 * found.values[0].item()
    else { return nil }

    let xScores = try x.scores(found.vectors)
    let image = try y.smoothed(xScores)
    let lengths = try (xScores * y.scores(image)).sum(along: 0).squareRoot()
    let scale = ridges[0].scale(rows: n)
    correlations = try lengths * scale
    let signs = try columnSigns(of: x.weights(found.vectors))
    weights = [try x.weights(found.vectors) * signs, try y.weights(image) / lengths * signs]
    scores = [try xScores * signs, try y.scores(image) / lengths * signs]
    chance = try chanceSeed.map { seed in
      let order = try Tensor.permutation(n, using: Generator(seed: seed))
      let back = try order.argsorted()
      let shuffled = LeadingEigenvectors.Problem(left: x.left, right: x.right) {
        let paired = try y.scores(y.smoothed(x.scores($0).rows(at: order)))
        return try x.smoothed(paired.rows(at: back))
      }
      let rough = try LeadingEigenvectors(
        min(k, KernelCorrelation.chanceComponents), of: shuffled, start: start, tolerance: 1e-2,
        dimension: 4 * width)
      return try rough.values.clamped(from: 0).squareRoot().sum().item() * scale
    }
  }
}
