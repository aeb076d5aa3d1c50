import Torch

/// One view of kernel canonical correlation analysis: training rows, centered.
public enum KernelView: Sendable {
  /// By a centered kernel matrix, `[n, n]`.
  case gram(Tensor)
  /// By its columns themselves, centered and without a ridge, `[n, q]`.
  case columns(Tensor)

  /// Number of rows.
  var count: Int {
    switch self {
    case .gram(let values), .columns(let values): values.size(along: 0)
    }
  }
}

/// The exact solution of kernel canonical correlation analysis (`kcca.md` section 3).
///
/// Scores of training rows are K·weight (or columns·weight). The entry of largest magnitude of each column of
/// the first weight is positive, the second follows.
public struct KernelCorrelation: Sendable {
  /// How it was found; all give the same numbers.
  public enum Route: String, Sendable {
    /// Eigenvalues of every kernel matrix.
    case eigen
    /// One Cholesky factor a view where few eigenvalues are cut, and only the components that are wanted.
    case cholesky
  }

  /// Of the regularised problem, descending, `[k]`. Above 1 is possible with shrinkage and identity.
  public let correlations: Tensor
  /// α and β, `[n, k]`, or `[q, k]` for a view by columns.
  public let weights: [Tensor]
  /// Scores of the training rows, `[n, k]`.
  public let scores: [Tensor]
  /// Eigenvalues above the cut, for each view.
  public let ranks: [Int]
  /// How many correlations are 1 whatever the data, so that any rotation of their components is as good.
  public let trivial: Int
  /// By how much the largest correlation exceeded 1 before it was clipped.
  public let excess: Double
  /// Eigenvalues of each view that were clearly negative and were cut: the kernel is no inner product.
  public let negative: [Int]
  /// Sum of the first correlations, up to ``chanceComponents``, when rows are paired at random: what chance gives.
  public let chance: Double?
  public let route: Route
  /// How many correlations ``chance`` is of, where there are so many: later ones are small whatever the data.
  static let chanceComponents = 10

  /// - Throws: ``CorrelationError/tooFewRows(_:of:needed:)`` for fewer than three.
  static func checkRows(_ n: Int) throws {
    guard n >= 3 else { throw CorrelationError.tooFewRows(n, of: "kernel correlation", needed: 3) }
  }

  /// Solves for two views with the same n rows.
  ///
  /// - Parameters:
  ///   - views: x and y.
  ///   - ridges: of each view; of one kind. A view by columns has none.
  ///   - rankTolerance: eigenvalues below this times the largest count as zero.
  ///   - route: nil takes the fastest that applies.
  ///   - chanceSeed: pairs rows at random with this seed for ``chance``; nil leaves it out.
  /// - Throws: ``KernelError``, ``CorrelationError``.
  /// - Complexity: O(n³); by Cholesky n³/3 operations a view and O(n²) a component.
  public init(
    _ views: [KernelView], ridges: [KernelRidge], names: [String] = ["x", "y"], components: ComponentRequest,
    rankTolerance: Double = 1e-10, route wanted: Route? = nil, chanceSeed: UInt64? = nil
  ) throws {
    let n = views[0].count
    try KernelCorrelation.checkRows(n)
    if wanted != .eigen,
      let fast = try FactoredSolution(
        views, ridges: ridges, components: components, names: names, rankTolerance: rankTolerance,
        isWanted: wanted == .cholesky, chanceSeed: chanceSeed)
    {
      route = .cholesky
      ranks = fast.ranks
      (trivial, negative) = (0, fast.negative)
      chance = fast.chance
      (correlations, excess) = try KernelCorrelation.clipped(fast.correlations, ridges)
      (weights, scores) = (fast.weights, fast.scores)
    } else {
      let slow = try EigenSolution(
        views, ridges: ridges, components: components, names: names, rankTolerance: rankTolerance,
        chanceSeed: chanceSeed)
      route = .eigen
      ranks = slow.sides.map(\.rank)
      negative = slow.sides.map(\.negative)
      trivial = ridges[0] == .range ? max(0, ranks[0] + ranks[1] - (n - 1)) : 0
      chance = slow.chance
      (correlations, excess) = try KernelCorrelation.clipped(slow.correlations, ridges)
      (weights, scores) = (slow.weights, slow.scores)
    }
  }

  private static func clipped(_ found: Tensor, _ ridges: [KernelRidge]) throws -> (Tensor, Double) {
    guard ridges.allSatisfy(\.boundsCorrelations), found.count > 0 else { return (found, 0) }
    return (try found.clamped(to: 1), max(0, try found.max().item() - 1))
  }
}

/// By the eigenvalues of every kernel matrix, of any rank.
struct EigenSolution {
  let correlations: Tensor
  let weights: [Tensor]
  let scores: [Tensor]
  let sides: [Side]
  let chance: Double?

  /// One view in coordinates in which its constraint is the identity.
  struct Side {
    /// Training rows, `[n, rank]`.
    let rows: Tensor
    /// From these coordinates to weights, `[n or q, rank]`.
    let map: Tensor
    let negative: Int
    var rank: Int { map.size(along: 1) }

    /// - Parameter isOfLowRank: nil when it is not known.
    init(
      _ view: KernelView, ridge: KernelRidge, name: String, tolerance: Double, isOfLowRank: Bool? = nil
    ) throws {
      switch view {
      case .gram(let gram):
        let n = gram.size(along: 0)
        let (ascending, vectors) = try Side.eigen(of: gram, isOfLowRank: isOfLowRank)
        let all = try ascending.values(as: Double.self)
        let largest = all.last ?? 0
        let kept = all.indices.reversed().filter { all[$0] > 0 && all[$0] > tolerance * largest }
        guard !kept.isEmpty else { throw CorrelationError.constant(view: name) }
        negative = all.filter { $0 < -1e-8 * largest }.count
        let values = try Tensor(kept.map { all[$0] })
        let roots = try Tensor(kept.map { ridge.constraint(all[$0], rows: n) }).inverseSquareRoot()
        let axes = try vectors.rows(at: kept, along: 1)
        map = try axes * roots
        rows = try map * values
      case .columns(let columns):
        let n = columns.size(along: 0)
        let spread = try columns.squared().sum(along: 0)
        let white = try Whitening(
          covariance: columns.transposed().matmul(columns) / Double(n - 1),
          constant: spread .<= (spread.max() * 1e-24), ridge: .none, scaling: .none, degrees: Double(n - 1),
          tolerance: tolerance)
        guard white.rank > 0 else { throw CorrelationError.constant(view: name) }
        negative = 0
        // b'Yc'Yc b = 1, or unit variance where the other view is scaled by n - 1 too.
        map = try white.weight * (ridge.scale(rows: n) / Double(n - 1)).squareRoot() / ridge.scale(rows: n)
        rows = try columns.matmul(map)
      }
    }

    /// Eigenvalues, ascending, and vectors of a kernel matrix; those of rounding may be left out.
    private static func eigen(of gram: Tensor, isOfLowRank: Bool?) throws -> (Tensor, Tensor) {
      let n = gram.size(along: 0)
      // A kernel matrix of low rank is a product RR' to the last digit, and R'R is small.
      if n >= 512, isOfLowRank != false, try gram.diagonal().min().item(as: Double.self) >= 0 {
        let factor = try PartialGramSchmidt(PrecomputedKernel(), gram, eta: 0, maxRank: n / 4)
        if factor.residual < 1e-12, factor.pivots.count > 0 {
          let (values, turn) = try factor.features.transposed().matmul(factor.features).symmetricEigen()
          let kept = try values.values(as: Double.self).enumerated().filter { $0.element > 0 }.map(\.offset)
          let roots = try values.rows(at: kept)
          return (
            roots, try factor.features.matmul(turn.rows(at: kept, along: 1)) / roots.squareRoot()
          )
        }
      }
      return try gram.symmetricEigen()
    }
  }

  init(
    _ views: [KernelView], ridges: [KernelRidge], components: ComponentRequest, names: [String],
    rankTolerance: Double, chanceSeed: UInt64?
  ) throws {
    let n = views[0].count
    let sides = try views.indices.map { view in
      try Side(views[view], ridge: ridges[view], name: names[view], tolerance: rankTolerance)
    }
    self.sides = sides
    let ranks = sides.map(\.rank)
    if ridges[0] == .range, ranks.allSatisfy({ $0 >= n - 1 }) {
      throw KernelError.nothingToLearn(views: names, ranks: ranks, rows: n)
    }
    let k = try components.count(ranks: ranks, views: names)
    let scale = ridges[0].scale(rows: n)
    let (u, s, v) = try leadingSingularVectors(sides[0].rows.transposed().matmul(sides[1].rows) * scale, k)
    correlations = s
    let signs = try columnSigns(of: sides[0].map.matmul(u))
    let turned = [try u * signs, try v * signs]
    weights = try zip(sides, turned).map { try $0.map.matmul($1) }
    scores = try zip(sides, turned).map { try $0.rows.matmul($1) }
    chance = try chanceSeed.map { seed in
      let shuffled = try sides[1].rows.rows(at: Tensor.permutation(n, using: Generator(seed: seed)))
      return try leadingSingularVectors(
        sides[0].rows.transposed().matmul(shuffled) * scale, min(k, KernelCorrelation.chanceComponents),
        isRough: true
      )
      .s.sum().item()
    }
  }
}
