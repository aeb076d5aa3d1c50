/// What is added to a kernel matrix so that correlations are learned and not found everywhere
/// (`kcca.md` section 3): the constraint α'C(K)α = 1.
public enum KernelRidge: Sendable, Equatable {
  /// C = K² + κK (Hardoon, Szedmak & Shawe-Taylor 2004).
  case hardoon(Double)
  /// C = (1-c)/(n-1) K² + cK; 1 is kernel partial least squares.
  case shrinkage(Double)
  /// C = (K + nκ/2 I)² (Bach & Jordan 2002).
  case bach(Double)
  /// C = (1-c)K² + cI.
  case identity(Double)
  /// C = K² in the range of K (Zheng, Zhou, Zou & Zhao 2006).
  case range

  /// The eigenvalues of C for those of K, of a matrix of n rows.
  func constraint(_ l: Double, rows n: Int) -> Double {
    switch self {
    case .hardoon(let kappa): l * l + kappa * l
    case .shrinkage(let c): (1 - c) / Double(n - 1) * l * l + c * l
    case .bach(let kappa): (l + Double(n) * kappa / 2) * (l + Double(n) * kappa / 2)
    case .identity(let c): (1 - c) * l * l + c
    case .range: l * l
    }
  }

  /// What the product α'K_xK_yβ is multiplied by.
  func scale(rows n: Int) -> Double { if case .shrinkage = self { 1 / Double(n - 1) } else { 1 } }

  /// Whether correlations of the regularised problem cannot exceed 1.
  var boundsCorrelations: Bool {
    switch self {
    case .shrinkage(let c), .identity(let c): c == 0
    default: true
    }
  }

  /// The same in the space of features, where it exists.
  func ridge() throws -> Ridge {
    switch self {
    case .hardoon(let kappa): .scatter(kappa)
    case .shrinkage(let c): .shrinkage(c)
    case .range: .none
    case .bach, .identity:
      throw KernelError.unsupported(
        "regularisation \(text) needs solver exact; features take hardoon, shrinkage or range")
    }
  }

  /// For people: `shrinkage 0.01`.
  public var text: String {
    switch self {
    case .hardoon(let kappa): "hardoon \(kappa)"
    case .shrinkage(let c): "shrinkage \(c)"
    case .bach(let kappa): "bach \(kappa)"
    case .identity(let c): "identity \(c)"
    case .range: "range"
    }
  }
}
