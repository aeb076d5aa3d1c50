import Torch

/// How far a computed value may be from a recorded one: |a − b| ≤ absolute + relative·|b|, integers equal.
struct Tolerance {
  let relative: Double
  let absolute: Double

  func compare(_ found: Tensor, _ expected: Tensor) throws -> Difference {
    guard found.shape == expected.shape else {
      return .failure("has shape \(found.shape), expected \(expected.shape)")
    }
    if expected.dtype.isFloatingPoint {
      return compare(try found.values(as: Double.self), try expected.values(as: Double.self))
    }
    guard !found.dtype.isFloatingPoint else { return .failure("is \(found.dtype), expected whole numbers") }
    let differences = zip(try found.values(as: Int.self), try expected.values(as: Int.self))
      .map { $0 == $1 ? 0 : max(1, abs(Double($0) - Double($1))) }
    let largest = differences.max() ?? 0
    let wrong = differences.count { $0 > 0 }
    return Difference(
      error: largest, ratio: largest > 0 ? .infinity : 0,
      reason: wrong > 0 ? "differs in \(wrong) of \(differences.count) whole numbers" : nil)
  }

  func compare(_ found: [Double], _ expected: [Double]) -> Difference {
    var worst = Difference(error: 0, ratio: 0, reason: nil)
    for (i, (a, b)) in zip(found, expected).enumerated() {
      if a == b || (a.isNaN && b.isNaN) { continue }
      let error = abs(a - b)
      let allowed = absolute + relative * abs(b)
      let ratio = error.isNaN ? .infinity : allowed > 0 ? error / allowed : .infinity
      if ratio > worst.ratio {
        let off = !(error <= allowed)
        worst = Difference(
          error: error, ratio: ratio,
          reason: off ? "is \(a) at element \(i), expected \(b) (allowed \(allowed))" : nil)
      }
    }
    return worst
  }

  func compare(_ found: JSON, _ expected: JSON) -> Difference {
    switch (found, expected) {
    case (.array(let a), .array(let b)):
      guard a.count == b.count else { return .failure("has \(a.count) elements, expected \(b.count)") }
      return worst(zip(a, b).enumerated().map { ("[\($0)]", compare($1.0, $1.1)) })
    case (.object(let a), .object(let b)):
      let keys = Set(a.map(\.key)).symmetricDifference(b.map(\.key))
      guard keys.isEmpty else {
        return .failure("differs in the keys \(keys.sorted().joined(separator: ", "))")
      }
      return worst(b.map { ("." + $0.key, compare(found[$0.key] ?? .null, $0.value)) })
    case (.int(let a), .int(let b)):
      return a == b ? .none : .failure("is \(a), expected \(b)")
    default:
      if let a = found.double, let b = expected.double { return compare([a], [b]) }
      return found == expected ? .none : .failure("is \(found.text()), expected \(expected.text())")
    }
  }

  private func worst(_ parts: [(String, Difference)]) -> Difference {
    guard let (place, part) = parts.max(by: { $0.1.ratio < $1.1.ratio }) else { return .none }
    return Difference(error: part.error, ratio: part.ratio, reason: part.reason.map { "\(place) \($0)" })
  }
}

/// How far apart two values are.
struct Difference {
  /// Largest absolute difference.
  var error: Double
  /// Largest difference divided by what is allowed there; above 1 is too far.
  var ratio: Double
  /// What is wrong, when something is.
  var reason: String?

  static let none = Difference(error: 0, ratio: 0, reason: nil)
  static func failure(_ reason: String) -> Difference {
    Difference(error: .infinity, ratio: .infinity, reason: reason)
  }
}
