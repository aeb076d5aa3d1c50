import Torch

/// What is added to a within-view covariance S before it is inverted (`cca.md` section 3).
public enum Ridge: Sendable, Equatable {
  /// Nothing: directions without variance are left out.
  case none
  /// S + r I.
  case absolute(Double)
  /// (1 - c) S + c I, c in 0...1; 1 is partial least squares.
  case shrinkage(Double)
  /// (1 - c) S + c (trace S / p) I, c in 0...1, as Ledoit and Wolf shrink.
  case towardsMean(Double)
  /// S + r (trace S / p) I: the same for features of any scale.
  case relative(Double)
  /// X'X + κ I, that is S + κ/(n - 1) I.
  case scatter(Double)
  /// S + c (trace S / n) I, which is X'X + c (mean squared length of a centered row) I: stronger the wider a view is
  /// for its rows.
  case perRow(Double)

  /// The ridge of a mode with its number; nil for modes that take their number from the data.
  public init?(_ mode: CCA.RidgeMode, _ value: Double) {
    switch mode {
    case .none: self = .none
    case .absolute: self = .absolute(value)
    case .shrinkage: self = .shrinkage(value)
    case .relative: self = .relative(value)
    case .scatter: self = .scatter(value)
    case .perRow: self = .perRow(value)
    case .auto, .crossValidated, .ledoitWolf, .oas: return nil
    }
  }

  /// The factor of S and the multiple of I that make the regularised covariance.
  ///
  /// - Parameters:
  ///   - trace: of S.
  ///   - columns: p.
  ///   - degrees: n - 1.
  func coefficients(trace: Double, columns: Int, degrees: Double) -> (keep: Double, add: Double) {
    let meanVariance = trace / Double(max(1, columns))
    return switch self {
    case .none: (1, 0)
    case .absolute(let r): (1, r)
    case .shrinkage(let c): (1 - c, c)
    case .towardsMean(let c): (1 - c, c * meanVariance)
    case .relative(let r): (1, r * meanVariance)
    case .scatter(let kappa): (1, kappa / degrees)
    case .perRow(let c): (1, c * trace / (degrees + 1))
    }
  }

  /// Whether it is zero, so that S itself is inverted and the columns may be scaled at will.
  var isNone: Bool {
    switch self {
    case .none: true
    case .absolute(let r), .shrinkage(let r), .towardsMean(let r), .relative(let r), .scatter(let r),
      .perRow(let r):
      r == 0
    }
  }

  /// Whether correlations of the regularised problem cannot exceed 1.
  var boundsCorrelations: Bool {
    switch self {
    case .shrinkage(let c), .towardsMean(let c): c == 0
    default: true
    }
  }

  /// Throws when the number is negative, not finite or, for shrinkage, above 1.
  func validate(key: String = "ridge") throws {
    switch self {
    case .none: return
    case .shrinkage(let c), .towardsMean(let c):
      guard c >= 0, c <= 1 else {
        throw ConfigurationError.badValue(key: key, value: "\(c)", expected: "a shrinkage from 0 to 1")
      }
    case .absolute(let r), .relative(let r), .scatter(let r), .perRow(let r):
      guard r >= 0, r.isFinite else {
        throw ConfigurationError.badValue(key: key, value: "\(r)", expected: "a ridge of 0 or more")
      }
    }
  }
}
