// Decompositions and solutions through LAPACK; use float64 where exactness matters.

extension Tensor {
  /// Eigenvalues (ascending) and eigenvectors (columns) of a symmetric matrix.
  public func symmetricEigen() throws(TorchError) -> (values: Tensor, vectors: Tensor) {
    let found = try Op.eigh.all(.tensor(self), .string("L"))
    return (found[0], found[1])
  }

  /// How many eigenvalues of a symmetric matrix are negative, by the inertia of its factors L D Lᵀ: a tenth of
  /// the work of the eigenvalues.
  public func negativeEigenvalueCount() throws(TorchError) -> Int {
    let found = try Op.ldl.all(.tensor(self), .bool(false))
    let blocks = try found[1].values(as: Int.self)
    let diagonal = try found[0].diagonal().values(as: Double.self)
    // A negative entry of the pivots marks one of the two rows of a 2 x 2 block, which has one of each sign.
    let pairs = blocks.filter { $0 < 0 }.count / 2
    return pairs + zip(blocks, diagonal).filter { $0 > 0 && $1 < 0 }.count
  }

  /// Thin singular value decomposition: `self = u · diag(s) · vt`, s descending.
  ///
  /// - Parameter full: give square `u` and `vt`.
  public func svd(full: Bool = false) throws(TorchError) -> (u: Tensor, s: Tensor, vt: Tensor) {
    let found = try Op.svd.all(.tensor(self), .bool(full))
    return (found[0], found[1], found[2])
  }

  /// Singular values, descending.
  public func singularValues() throws(TorchError) -> Tensor { try Op.svdvals(.tensor(self)) }

  /// Lower factor `l` of a positive definite matrix: `self = l · lᵀ`.
  ///
  /// - Throws: ``TorchError`` when the matrix is not positive definite.
  public func cholesky() throws(TorchError) -> Tensor { try Op.cholesky(.tensor(self)) }

  /// Orthonormal columns and upper triangle: `self = q · r`.
  public func qr() throws(TorchError) -> (q: Tensor, r: Tensor) {
    let found = try Op.qr.all(.tensor(self), .string("reduced"))
    return (found[0], found[1])
  }

  /// `x` with `self · x = right` for a square matrix.
  public func solve(_ right: Tensor) throws(TorchError) -> Tensor {
    try Op.solve(.tensor(self), .tensor(right))
  }

  /// `x` with `self · x = right` for a triangular matrix.
  public func solveTriangular(_ right: Tensor, upper: Bool = false) throws(TorchError) -> Tensor {
    try Op.solveTriangular(.tensor(self), .tensor(right), .bool(upper))
  }

  /// Inverse of a square matrix.
  public func inverse() throws(TorchError) -> Tensor { try Op.inverse(.tensor(self)) }

  /// Sum of the diagonal.
  public func trace() throws(TorchError) -> Tensor { try Op.trace(.tensor(self)) }

  /// Distances of order `p` between the rows of `self` `[n, d]` and of `other` `[m, d]`: `[n, m]`.
  ///
  /// - Parameter exact: subtract before squaring, as the definition says; the faster matrix product
  ///   loses digits where distances are small.
  public func distances(to other: Tensor, order p: Double = 2, exact: Bool = true)
    throws(TorchError) -> Tensor
  { try Op.cdist(.tensor(self), .tensor(other), .double(p), .int(exact ? 2 : 1)) }

  private enum Op {
    static let eigh = Operator("linalg_eigh")
    static let ldl = Operator("linalg_ldl_factor")
    static let svd = Operator("linalg_svd")
    static let svdvals = Operator("linalg_svdvals")
    static let cholesky = Operator("linalg_cholesky")
    static let qr = Operator("linalg_qr")
    static let solve = Operator("linalg_solve")
    static let solveTriangular = Operator("linalg_solve_triangular")
    static let inverse = Operator("linalg_inv")
    static let trace = Operator("trace")
    static let cdist = Operator("cdist")
  }
}
