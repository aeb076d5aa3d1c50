import Torch

extension CCA {
  /// The test that the configuration asks for; nil when it asks for none.
  func significance(_ data: some TrainingSet, fit: CanonicalFit, solver: CanonicalSolver, seed: UInt64) throws
    -> (any FitSection)?
  {
    switch configuration.tests {
    case .none: return nil
    case .parametric:
      guard solver.ridges.allSatisfy(\.isNone) else {
        throw ConfigurationError.badValue(
          key: "tests", value: "parametric",
          expected: "possible with a ridge; use permutation, or ridge_mode none")
      }
      return try CanonicalSignificance(
        correlations: fit.solution.correlations.values(), ranks: fit.solution.ranks, rows: fit.rows)
    case .permutation: return try permutationTest(data, seed: seed)
    case .bootstrap:
      let found = try CanonicalIntervals(
        rows: rowsOfViews(data.all(), views), views: views, solver: solver, count: configuration.testCount,
        seed: seed)
      return CorrelationIntervals(
        correlations: try rho.values(), intervals: found.ends, samples: configuration.testCount)
    }
  }

  /// Step-down permutation test of all correlations of the analysis without a ridge.
  public func permutationTest(_ data: some TrainingSet, blocks: [Int]? = nil, seed: UInt64) throws
    -> CanonicalPermutationTest
  {
    let rows = try rowsOfViews(data.all(), views).map { try $0.to(.float64) }
    var joint = try JointCovariance(views: views, widths: rows.map { $0.size(along: 1) })
    try joint.add(rows)
    let solution = try CanonicalSolver(rankTolerance: configuration.rankRtol).solve(joint, full: true)
    let z = try rows.indices.map { try (rows[$0] - joint.means[$0]).matmul(solution.weights[$0]) }
    return try CanonicalPermutationTest(
      z[0], z[1], tests: solution.ranks.min() ?? 0,
      permutations: CanonicalPermutationTest.permutations(
        configuration.testCount, rows: data.count, blocks: blocks, seed: seed))
  }
}

/// Correlations with 95 % intervals from samples that were drawn anew.
struct CorrelationIntervals: FitSection {
  let correlations: [Double]
  let intervals: [ClosedRange<Double>]
  let samples: Int

  var facts: [JSON.Member] {
    let ends = intervals.map { JSON.array([.double($0.lowerBound), .double($0.upperBound)]) }
    return [
      JSON.Member(
        "bootstrap", ["samples": .int(samples), "confidence": 0.95, "correlations": .array(ends)])
    ]
  }
}

extension CanonicalSignificance: FitSection {
  public var facts: [JSON.Member] { [JSON.Member("parametric", json)] }

  /// Every statistic by name.
  public var json: JSON {
    func list(_ numbers: [Double]) -> JSON { .array(numbers.map(JSON.double)) }
    return [
      "wilks": list(wilks), "bartlett_chi2": list(bartlett), "bartlett_p": list(bartlettP),
      "lawley_chi2": list(lawley), "lawley_p": list(lawleyP), "chi2_df": list(degrees), "rao_F": list(raoF),
      "F_df1": list(numerator), "F_df2": list(denominator), "F_p": list(raoP), "pillai": .double(pillai),
      "hotelling_lawley": .double(hotellingLawley), "roy": .double(roy),
    ]
  }
}

extension CanonicalPermutationTest: FitSection {
  public var facts: [JSON.Member] { [JSON.Member("permutation", json)] }

  /// Statistics and p-values by name.
  public var json: JSON {
    func list(_ numbers: [Double]) -> JSON { .array(numbers.map(JSON.double)) }
    return [
      "permutations": .int(null.size(along: 0)), "statistic": list(observed),
      "p_uncorrected": list(uncorrected), "p_stepdown": list(stepDown),
    ]
  }
}
