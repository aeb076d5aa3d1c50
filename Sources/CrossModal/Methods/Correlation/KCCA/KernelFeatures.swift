import Torch

/// One view as finite features, in which linear correlation analysis stands for the kernel's
/// (`kcca.md` section 4).
struct KernelFeatures {
  /// What makes the features.
  enum Form {
    /// Rows of R, of training rows only.
    case gramSchmidt(PartialGramSchmidt)
    case nystrom(NystromMap)
    case fourier(FourierFeatures)
    /// The columns themselves, without a ridge.
    case columns
  }

  let form: Form
  let kernel: (any Kernel)?
  /// As ``KernelExpansion`` keeps them.
  let points: Tensor
  /// What columns are multiplied by before the kernel; empty where they stay.
  let scale: Tensor
  /// Number of features.
  let width: Int

  /// Features of training rows; `start` is the place of the first.
  func features(_ rows: Tensor, from start: Int) throws -> Tensor {
    let seen = scale.count > 0 ? try rows.to(.float64) * scale : rows
    return switch form {
    case .gramSchmidt(let map): try map.features[start..<(start + rows.size(along: 0))]
    case .nystrom(let map): try map.features(ofKernelValues: kernelValues(seen))
    case .fourier(let map): try map.features(seen)
    case .columns: try rows.to(.float64)
    }
  }

  private func kernelValues(_ rows: Tensor) throws -> Tensor { try kernel?.values(rows, points) ?? rows }

  /// The expansion that gives what weights of features give: (φ(row) - mean)·weight = (features - m)·w.
  ///
  /// - Parameters:
  ///   - weight: w, `[width, k]`.
  ///   - mean: m, the mean of the training rows' features, `[width]`.
  func expansion(weight: Tensor, mean: Tensor) throws -> KernelExpansion {
    var (phases, mean, weight) = (try Tensor.zeros([0], .float64), mean, weight)
    switch form {
    case .gramSchmidt(let map):
      let lower = try map.pivotRows()
      mean = try lower.matmul(mean)
      weight = try lower.transposed().solveTriangular(weight, upper: true)
    case .nystrom(let map):
      mean = try map.inverseRoot.matmul(mean)
      weight = try map.root.matmul(weight)
    case .fourier(let map): phases = map.phases
    case .columns: break
    }
    return KernelExpansion(
      kernel: kernel, points: points, scale: scale, phases: phases, mean: mean, weight: weight)
  }

  /// Trace of the kernel matrix of some rows.
  func trace(_ rows: Tensor) throws -> Double {
    switch form {
    case .nystrom:
      try kernel?.diagonal(scale.count > 0 ? rows.to(.float64) * scale : rows).sum().item() ?? 0
    case .gramSchmidt, .fourier, .columns: 0
    }
  }

  /// Share of the trace of the kernel matrix that the features leave out.
  ///
  /// - Parameters:
  ///   - trace: of the whole kernel matrix, as ``trace(_:)`` adds it up.
  ///   - squares: sum of the squared features of all training rows.
  func residual(trace: Double, squares: Double) -> Double? {
    switch form {
    case .gramSchmidt(let map): map.residual
    case .nystrom: trace > 0 ? max(0, 1 - squares / trace) : 0
    case .fourier, .columns: nil
    }
  }
}

extension KernelRidge {
  /// What weights with unit constraint in covariances are multiplied by to have it in scatters, as the
  /// definitions of hardoon and range say.
  func weightScale(rows n: Int) -> Double {
    if case .shrinkage = self { 1 } else { 1 / Double(n - 1).squareRoot() }
  }
}

extension KCCA.Configuration {
  /// The same of the ridge that is stated.
  func weightScale(rows n: Int) -> Double { ridge(of: 0, trace: 0, rows: n).weightScale(rows: n) }
}
