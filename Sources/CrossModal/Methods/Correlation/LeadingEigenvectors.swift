import Torch

/// The largest eigenvalues of an operator that is self-adjoint and positive in some metric, with their
/// vectors, by block Lanczos with full reorthogonalisation (Golub & Van Loan, Matrix Computations, 10.3).
///
/// For a few components of a large problem this costs a hundredth of a full decomposition. Vectors are the
/// columns of matrices of any height; the metric is `left(u)' right(v)`.
struct LeadingEigenvectors {
  /// Descending, as many as were asked for or as there are, `[k]`.
  let values: Tensor
  /// Unit vectors in the metric, `[d, k]`.
  let vectors: Tensor
  /// Whether every residual is below the tolerance times the largest eigenvalue.
  let hasConverged: Bool

  /// What the vectors are and what is done with them.
  struct Problem {
    let left: (Tensor) throws -> Tensor
    let right: (Tensor) throws -> Tensor
    let apply: (Tensor) throws -> Tensor

    /// A metric of its own and an operator.
    init(
      left: @escaping (Tensor) throws -> Tensor, right: @escaping (Tensor) throws -> Tensor,
      apply: @escaping (Tensor) throws -> Tensor
    ) {
      self.left = left
      self.right = right
      self.apply = apply
    }

    /// The Euclidean metric.
    init(apply: @escaping (Tensor) throws -> Tensor) {
      self.init(left: { $0 }, right: { $0 }, apply: apply)
    }

    func products(_ a: Tensor, _ b: Tensor) throws -> Tensor { try a.transposed().matmul(right(b)) }
  }

  /// - Parameters:
  ///   - count: eigenvalues wanted.
  ///   - start: the first block, `[d, b]`; any vectors that are not orthogonal to what is sought.
  ///   - dimension: how large the searched space may grow before the search is given up.
  init(
    _ count: Int, of problem: Problem, start: Tensor, tolerance: Double = 1e-12, dimension: Int
  ) throws {
    var block = try LeadingEigenvectors.orthonormal(start, problem, floor: 0).vectors
    var basis = block
    var lefts = try problem.left(block)
    var projected: Tensor?
    while true {
      let m = basis.size(along: 1)
      let b = block.size(along: 1)
      var rest = try problem.apply(block)
      var column = try problem.products(lefts, rest)
      rest = try rest.addingProduct(basis, column, scale: -1)
      let again = try problem.products(lefts, rest)
      rest = try rest.addingProduct(basis, again, scale: -1)
      column = try column + again
      let matrix = try LeadingEigenvectors.bordered(projected, column, last: b)
      projected = matrix
      let (ascending, combinations) = try ((matrix + matrix.transposed()) / 2.0).symmetricEigen()
      let kept = min(count, m)
      let order = Array((0..<m).reversed().prefix(kept))
      let values = try ascending.rows(at: order)
      let chosen = try combinations.rows(at: order, along: 1)
      let largest: Double = try values[0].item()

      let next = try LeadingEigenvectors.orthonormal(rest, problem, floor: 1e-14 * largest)
      let isComplete = next.vectors.size(along: 1) == 0
      let residual =
        isComplete
        ? 0 : try next.factor.matmul(chosen[(m - b)..<m]).norm(along: 0).max().item(as: Double.self)
      let isFound = isComplete || (m >= count && residual <= tolerance * largest)
      if isFound || m + next.vectors.size(along: 1) > dimension {
        self.values = values
        vectors = try basis.matmul(chosen)
        hasConverged = isFound
        return
      }
      let repeated = try problem.products(lefts, next.vectors)
      block = try LeadingEigenvectors.orthonormal(
        next.vectors.addingProduct(basis, repeated, scale: -1), problem, floor: 0
      ).vectors
      basis = try Tensor.concatenated([basis, block], along: 1)
      lefts = try Tensor.concatenated([lefts, problem.left(block)], along: 1)
    }
  }

  /// A symmetric matrix with further columns, of which the `last` rows are below it.
  private static func bordered(_ matrix: Tensor?, _ column: Tensor, last: Int) throws -> Tensor {
    guard let matrix else { return column }
    let m = column.size(along: 0)
    let above = try column[0..<(m - last)]
    let below = try column[(m - last)..<m]
    return try Tensor.concatenated([
      .concatenated([matrix, above], along: 1), .concatenated([above.transposed(), below], along: 1),
    ])
  }

  /// Orthonormal vectors q that span the columns of w, and the factor b of w = q b; directions shorter than
  /// `floor` are left out.
  private static func orthonormal(_ w: Tensor, _ problem: Problem, floor: Double) throws -> (
    vectors: Tensor, factor: Tensor
  ) {
    // Twice, because a Gram matrix loses half of the digits: the first pass only brings all directions to
    // about the same length.
    let (lengths, turn) = try gramEigen(w, problem)
    let longest: Double = try lengths.max().item()
    let scale = try lengths.clamped(from: max(longest * 1e-14, .leastNormalMagnitude)).squareRoot()
    let even = try w.matmul(turn) / scale
    let (second, secondTurn) = try gramEigen(even, problem)
    let limit = longest > 0 ? max(1e-12, floor * floor / longest) : .infinity
    let kept = try second.values(as: Double.self).enumerated().filter { $0.element > limit }.map(\.offset)
    let roots = try second.rows(at: kept).squareRoot()
    let axes = try secondTurn.rows(at: kept, along: 1)
    let factor = try (axes.transposed() * scale).matmul(turn.transposed()) * roots.unsqueezed(at: 1)
    return (try even.matmul(axes) / roots, factor)
  }

  private static func gramEigen(_ w: Tensor, _ problem: Problem) throws -> (values: Tensor, vectors: Tensor) {
    let gram = try problem.products(problem.left(w), w)
    return try ((gram + gram.transposed()) / 2.0).symmetricEigen()
  }
}

/// The first k singular vectors, as columns, and values of a matrix.
///
/// - Parameter isRough: values within about a percent will do.
func leadingSingularVectors(_ matrix: Tensor, _ k: Int, isRough: Bool = false) throws -> (
  u: Tensor, s: Tensor, v: Tensor
) {
  let smaller = min(matrix.size(along: 0), matrix.size(along: 1))
  // Beyond some dozen vectors a full decomposition is as fast.
  if smaller >= 256, k <= 64, k * 8 <= smaller {
    let transposed = try matrix.transposed()
    let start = try Tensor.normal(
      [matrix.size(along: 0), max(k, 8)], .float64, using: try Generator(seed: 0))
    let found = try LeadingEigenvectors(
      k, of: .init { try matrix.matmul(transposed.matmul($0)) }, start: start,
      tolerance: isRough ? 1e-2 : 1e-12, dimension: isRough ? 4 * max(k, 8) : smaller / 2)
    if (found.hasConverged || isRough) && found.values.count == k {
      // Once more on the space that was found: the operator squares the singular values.
      let (u, s, vt) = try transposed.matmul(found.vectors).svd()
      return (try found.vectors.matmul(vt.transposed()), s, u)
    }
  }
  let (u, s, vt) = try matrix.svd()
  return (try u.narrowed(to: 0..<k, along: 1), try s[0..<k], try vt[0..<k].transposed())
}
