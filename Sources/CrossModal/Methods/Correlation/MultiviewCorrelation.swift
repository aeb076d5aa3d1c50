import Torch

/// Correlation of two or more views at once, from their joint covariance (Kettenring 1971; `cca.md` section 3).
public struct MultiviewCorrelation: Sendable {
  /// What is made large.
  public enum Objective: String, Codable, Sendable, CaseIterable {
    /// SUMCOR with the average-variance constraint: the sum of covariances between views.
    case mcca
    /// MAXVAR: a shared variable T close to every view.
    case gcca
  }

  /// Descending, float64 `[k]`. For two views under `mcca` the canonical correlations.
  public let eigenvalues: Tensor
  /// Directions of each view, `[p_i, k]`.
  public let weights: [Tensor]
  /// What gives the shared variable T of `gcca` from centered rows: T = Σ X_i · sharedWeights_i; T'T = I.
  public let sharedWeights: [Tensor]
  /// Directions in which each view varies.
  public let ranks: [Int]

  /// - Parameters:
  ///   - joint: covariances of all views.
  ///   - solver: ridges (one for all views, or one each), centring, scaling, rank tolerance and components;
  ///     when a number is asked for it may go up to the sum of the ranks.
  ///   - viewWeights: importance of each view under `gcca`, above 0; equal when nil.
  /// - Throws: ``CorrelationError`` that names the view.
  /// - Complexity: O((Σ ranks)³).
  public init(
    _ objective: Objective, of joint: JointCovariance, solver: CanonicalSolver, viewWeights: [Double]? = nil
  ) throws {
    let count = joint.views.count
    let importance = viewWeights ?? Array(repeating: 1, count: count)
    guard importance.count == count, importance.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ConfigurationError.badValue(
        key: "view_weights", value: "\(importance)", expected: "a number above 0 for each of \(count) views")
    }
    let whitening = try solver.whitenings(of: joint)
    ranks = whitening.map(\.rank)
    let k = try MultiviewCorrelation.count(solver.components, ranks: ranks, views: joint.views)
    let blocks = try (0..<count).map { i in
      let left = try whitening[i].weight.transposed()
      return try Tensor.concatenated(
        (0..<count).map { j in
          let product = try left.matmul(joint.covariance(i, j, centered: solver.centring))
            .matmul(whitening[j].weight)
          switch objective {
          case .mcca: return i == j ? try product.zerosLike() : product
          case .gcca: return try product * (importance[i] * importance[j]).squareRoot()
          }
        }, along: 1)
    }
    let (values, vectors) = try Tensor.concatenated(blocks).symmetricEigen()
    let total = values.count
    eigenvalues = try values[(total - k)..<total].reversed(along: 0)
    let top = try vectors.narrowed(to: (total - k)..<total, along: 1).reversed(along: 1)
    var made: [Tensor] = []
    var start = 0
    for i in 0..<count {
      let width = whitening[i].weight.size(along: 1)
      let part = try whitening[i].weight.matmul(top[start..<(start + width)])
      start += width
      switch objective {
      case .mcca: made.append(try part * Double(count).squareRoot())
      case .gcca:
        made.append(try part * (eigenvalues / (importance[i] * (joint.weight - 1))).squareRoot())
      }
    }
    let signs = try columnSigns(of: Tensor.concatenated(made))
    let oriented = try made.map { try $0 * signs }
    weights = oriented
    let largest = eigenvalues
    sharedWeights =
      objective == .gcca ? try zip(oriented, importance).map { try $0 * $1 / largest } : []
  }

  private static func count(_ request: ComponentRequest, ranks: [Int], views: [String]) throws -> Int {
    if case .exactly(let k) = request, k <= ranks.reduce(0, +) { return k }
    return try request.count(ranks: ranks, views: views)
  }
}
