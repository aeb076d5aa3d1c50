import Torch

/// How many components a correlation method keeps.
public enum ComponentRequest: Sendable, Equatable {
  /// As many as there are, up to this number.
  case upTo(Int)
  /// This number; an error when the views have fewer directions.
  case exactly(Int)

  /// The number for views of the given ranks.
  ///
  /// - Throws: ``CorrelationError/tooManyComponents(k:views:ranks:)``.
  func count(ranks: [Int], views: [String]) throws -> Int {
    let most = ranks.min() ?? 0
    switch self {
    case .upTo(let k): return min(k, most)
    case .exactly(let k):
      guard k <= most else { throw CorrelationError.tooManyComponents(k: k, views: views, ranks: ranks) }
      return k
    }
  }
}

/// Solves canonical correlation analysis of two views, from their covariances or from their rows.
public struct CanonicalSolver: Sendable {
  /// Of view x and of view y.
  public var ridges: [Ridge]
  /// Components whose weights are wanted.
  public var components: ComponentRequest
  /// Subtract the means.
  public var centring: Bool
  /// What the columns are divided by before the ridge is added.
  public var scaling: ColumnScale
  /// Eigenvalues below this times the largest count as zero.
  public var rankTolerance: Double
  /// Whether ranks and correlations beyond the components are wanted; without them a ridge allows a faster
  /// way, and ranks are numbers of columns.
  var isComplete = true

  public init(
    ridges: [Ridge] = [.none, .none], components: ComponentRequest = .upTo(.max), centring: Bool = true,
    scaling: ColumnScale = .none, rankTolerance: Double = 1e-10
  ) {
    self.ridges = ridges
    self.components = components
    self.centring = centring
    self.scaling = scaling
    self.rankTolerance = rankTolerance
  }

  /// From the covariances of two views.
  ///
  /// - Parameter full: keep every direction of both views, also those without a partner.
  /// - Throws: ``CorrelationError`` for fewer than 2 rows, a view that is constant, more components than ranks.
  /// - Complexity: O(p³ + q³).
  public func solve(_ joint: JointCovariance, full: Bool = false) throws -> CanonicalCorrelation {
    let whitening = try whitenings(of: joint)
    let cross = try joint.covariance(0, 1, centered: centring)
    let whitened = try whitening[0].weight.transposed().matmul(cross).matmul(whitening[1].weight)
    return try finish(whitening, whitened, views: joint.views, full: full)
  }

  /// The whitening of every view of `joint`.
  func whitenings(of joint: JointCovariance) throws -> [Whitening] {
    try joint.views.indices.map { view in
      let ridge = ridges[min(view, ridges.count - 1)]
      if !isComplete, scaling == .none,
        let fast = try Whitening(
          byCholesky: joint.covariance(view, view, centered: centring), ridge: ridge,
          degrees: joint.weight - 1, tolerance: rankTolerance)
      {
        return fast
      }
      return try checked(
        Whitening(
          covariance: joint.covariance(view, view, centered: centring),
          constant: joint.isConstant(view, centered: centring), ridge: ridge,
          scaling: scaling, degrees: joint.weight - 1, tolerance: rankTolerance),
        view: joint.views[view])
    }
  }

  /// From the rows of two views; a view wider than long goes through the Gram matrix of its rows.
  ///
  /// - Parameters:
  ///   - rows: float64 `[n, p]` and `[n, q]`, centered when ``centring``.
  ///   - constant: columns that carry nothing, bool `[p]` and `[q]`.
  /// - Complexity: O(n² p) for a wide view.
  public func solve(rows: [Tensor], constant: [Tensor], views: [String]) throws -> CanonicalCorrelation {
    let n = rows[0].size(along: 0)
    guard n >= 2 else { throw CorrelationError.tooFewRows(n) }
    let degrees = Double(n - 1)
    let whitening = try rows.indices.map { view in
      let isWide = rows[view].size(along: 1) > n
      let made =
        isWide
        ? try Whitening(
          rows: rows[view], constant: constant[view], ridge: ridges[view], scaling: scaling,
          degrees: degrees, tolerance: rankTolerance)
        : try Whitening(
          covariance: rows[view].transposed().matmul(rows[view]) / degrees, constant: constant[view],
          ridge: ridges[view], scaling: scaling, degrees: degrees, tolerance: rankTolerance)
      return try checked(made, view: views[view])
    }
    let scores = try zip(rows, whitening).map { try $0.matmul($1.weight) }
    return try finish(
      whitening, scores[0].transposed().matmul(scores[1]) / degrees, views: views, full: false)
  }

  private func checked(_ whitening: Whitening, view: String) throws -> Whitening {
    guard whitening.rank > 0 else { throw CorrelationError.constant(view: view) }
    return whitening
  }

  private func finish(_ whitening: [Whitening], _ cross: Tensor, views: [String], full: Bool) throws
    -> CanonicalCorrelation
  {
    try CanonicalCorrelation(
      whitening: whitening, crossCovariance: cross,
      k: components.count(ranks: whitening.map(\.rank), views: views),
      bounded: ridges.allSatisfy(\.boundsCorrelations), full: full, leadingOnly: !isComplete)
  }
}
