import Torch

/// A similarity of rows that is an inner product in some space of features.
public protocol Kernel: Sendable {
  /// k(u, v) of every row u of `rows` `[n, p]` with every v of `points` `[m, p]`: float64 `[n, m]`.
  func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor
  /// All kernel values among training rows, `[n, n]`.
  func gram(_ rows: Tensor) throws -> Tensor
  /// k(u, u) of training rows, `[n]`.
  func diagonal(_ rows: Tensor) throws -> Tensor
  /// What ``values(_:_:)`` needs of the training rows at the given places.
  func points(_ rows: Tensor, at places: [Int]) throws -> Tensor
  /// Kernel values of all training rows with the one at a place, `[n]`, for many places one after another.
  func columns(_ rows: Tensor) throws -> @Sendable (Int) throws -> Tensor
}

extension Kernel {
  public func gram(_ rows: Tensor) throws -> Tensor { try values(rows, rows) }

  public func points(_ rows: Tensor, at places: [Int]) throws -> Tensor { try rows.rows(at: places) }

  public func columns(_ rows: Tensor) throws -> @Sendable (Int) throws -> Tensor {
    { place in try values(rows, points(rows, at: [place])).squeezed(at: 1) }
  }
}

/// u'v.
public struct LinearKernel: Kernel {
  public init() {}
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try rows.to(.float64).matmul(points.to(.float64).transposed())
  }
  public func diagonal(_ rows: Tensor) throws -> Tensor { try rows.to(.float64).squared().sum(along: 1) }
}

/// (γ u'v + c)^degree.
public struct PolynomialKernel: Kernel {
  public let gamma: Double
  public let constant: Double
  public let degree: Int

  public init(gamma: Double = 1, constant: Double = 1, degree: Int = 3) {
    self.gamma = gamma
    self.constant = constant
    self.degree = degree
  }
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try (LinearKernel().values(rows, points) * gamma + constant).power(Double(degree))
  }
  public func diagonal(_ rows: Tensor) throws -> Tensor {
    try (LinearKernel().diagonal(rows) * gamma + constant).power(Double(degree))
  }
}

/// exp(-γ |u - v|²).
public struct RBFKernel: Kernel {
  public let gamma: Double

  public init(gamma: Double) { self.gamma = gamma }

  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try (squaredDistances(rows, points) * -gamma).exp()
  }
  public func gram(_ rows: Tensor) throws -> Tensor { try (squaredDistances(rows) * -gamma).exp() }
  public func diagonal(_ rows: Tensor) throws -> Tensor { try Tensor.ones([rows.size(along: 0)], .float64) }

  public func columns(_ rows: Tensor) throws -> @Sendable (Int) throws -> Tensor {
    let rows = try rows.to(.float64)
    let centered = try rows - rows.mean(along: 0)
    let norms = try centered.squared().sum(along: 1)
    return { place in
      let products = try centered.matmul(centered[place]) * -2.0
      return try ((products + norms + norms[place]).clamped(from: 0) * -gamma).exp()
    }
  }
}

/// exp(-γ |u - v|₁).
public struct LaplacianKernel: Kernel {
  public let gamma: Double

  public init(gamma: Double) { self.gamma = gamma }
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try (rows.to(.float64).distances(to: points.to(.float64), order: 1) * -gamma).exp()
  }
  public func diagonal(_ rows: Tensor) throws -> Tensor { try Tensor.ones([rows.size(along: 0)], .float64) }
}

/// u'v / (|u| |v|); 0 for rows of zeros.
public struct CosineKernel: Kernel {
  public init() {}
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try LinearKernel().values(
      rows.to(.float64).normalized(along: 1), points.to(.float64).normalized(along: 1))
  }
  public func diagonal(_ rows: Tensor) throws -> Tensor {
    try rows.to(.float64).normalized(along: 1).squared().sum(along: 1)
  }
}

/// tanh(γ u'v + c): no inner product for all γ and c, so that eigenvalues may be negative; they are cut.
public struct SigmoidKernel: Kernel {
  public let gamma: Double
  public let constant: Double

  public init(gamma: Double, constant: Double = 1) {
    self.gamma = gamma
    self.constant = constant
  }
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try (LinearKernel().values(rows, points) * gamma + constant).tanh()
  }
  public func diagonal(_ rows: Tensor) throws -> Tensor {
    try (LinearKernel().diagonal(rows) * gamma + constant).tanh()
  }
}

/// Sum or product of kernels.
public struct CombinedKernel: Kernel {
  public enum Rule: Sendable { case sum, product }
  public let rule: Rule
  public let parts: [any Kernel]

  public init(_ rule: Rule, of parts: [any Kernel]) {
    self.rule = rule
    self.parts = parts
  }
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try combined { try $0.values(rows, points) }
  }
  public func gram(_ rows: Tensor) throws -> Tensor { try combined { try $0.gram(rows) } }
  public func diagonal(_ rows: Tensor) throws -> Tensor { try combined { try $0.diagonal(rows) } }

  private func combined(_ part: (any Kernel) throws -> Tensor) throws -> Tensor {
    var all = try parts.map(part)
    let first = all.removeFirst()
    return try all.reduce(first) { rule == .sum ? try $0 + $1 : try $0 * $1 }
  }
}

/// Rows that are kernel values already: column j holds those with training row j. Points are column numbers.
public struct PrecomputedKernel: Kernel {
  public init() {}
  public func values(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
    try rows.to(.float64).rows(at: points.to(.int64).flattened(), along: 1)
  }
  public func gram(_ rows: Tensor) throws -> Tensor { try rows.to(.float64) }
  public func diagonal(_ rows: Tensor) throws -> Tensor { try rows.to(.float64).diagonal() }
  public func points(_ rows: Tensor, at places: [Int]) throws -> Tensor {
    try Tensor(places.map(Double.init), shape: [places.count, 1])
  }
}

/// |u - v|² of every row of `rows` `[n, p]` with every row of `points` `[m, p]`: float64 `[n, m]`, 0 or more.
func squaredDistances(_ rows: Tensor, _ points: Tensor) throws -> Tensor {
  // Distances do not depend on the origin, but the digits that are lost far from it do.
  let origin = try points.to(.float64).mean(along: 0)
  let (a, b) = (try rows.to(.float64) - origin, try points.to(.float64) - origin)
  let norms = try a.squared().sum(along: 1, keepingDimension: true)
  return try b.squared().sum(along: 1).addingProduct(a, b.transposed(), scale: -2).adding(norms)
}

/// |u - v|² among rows, `[n, n]`, exactly 0 on the diagonal.
func squaredDistances(_ rows: Tensor) throws -> Tensor {
  let whole = try rows.to(.float64)
  let centered = try whole - whole.mean(along: 0)
  let products = try centered.matmul(centered.transposed())
  // Norms from the same products, so that the diagonal cancels.
  let norms = try products.diagonal()
  return try (norms - products * 2.0).adding(norms.unsqueezed(at: 1))
}

extension Tensor {
  /// The sum with a broadcast tensor, negative numbers set to 0.
  fileprivate func adding(_ other: Tensor) throws -> Tensor { try (self + other).clamped(from: 0) }
}
