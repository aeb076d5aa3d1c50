import Torch

extension CanonicalFit {
  /// What a user sees after a fit.
  func report(views: [String], ridges: [Ridge]) throws -> FitReport {
    let k = achieved.count
    let reached = try achieved.values(as: Double.self)
    let rho = Array(try solution.correlations.values(as: Double.self).prefix(k))
    let widths = means.map(\.count)
    let ranks = zip(views, solution.ranks).map { JSON.Member($0, .int($1)) }
    let stated = zip(views, ridges).map { JSON.Member($0, .string($1.text)) }
    var report = FitReport(
      facts: [
        "pairs": .int(rows), "ranks": .object(ranks), "k": .int(k), "ridge": .object(stated),
        "rho": .array(rho.map(JSON.double)), "correlations": .array(reached.map(JSON.double)),
        "total_correlation": .double(reached.reduce(0, +)),
      ])
    func shares(_ of: (CanonicalLoadings) throws -> Tensor) throws -> JSON {
      .object(
        try zip(views, loadings).map { view, found in
          JSON.Member(view, .array(try of(found).values(as: Double.self).map(JSON.double)))
        })
    }
    report.facts["variance_extracted"] = try shares { try $0.varianceExtracted() }
    report.facts["redundancy"] = try shares { try $0.redundancy() }
    for (view, (rank, width)) in zip(views, zip(solution.ranks, widths)) where rank < min(width, rows - 1) {
      report.warnings.append(
        "\(view) has rank \(rank) of \(width) columns: columns that depend on others add nothing")
    }
    if ridges.allSatisfy(\.isNone), solution.ranks.reduce(0, +) > rows - 1 {
      report.warnings.append(
        "\(rows) pairs are too few for ranks \(solution.ranks[0]) and \(solution.ranks[1]) without a ridge: "
          + "\(solution.ranks.reduce(0, +) - rows + 1) correlations are trivially 1")
    }
    if solution.excess > 1e-8 {
      report.warnings.append(
        "a correlation exceeded 1 by \(solution.excess) and was set to 1: a view is almost rank-deficient; "
          + "a larger rank_rtol or a ridge makes it stable")
    }
    return report
  }
}

extension Ridge {
  /// For people: `relative 0.001`.
  var text: String {
    switch self {
    case .none: "none"
    case .absolute(let r): "absolute \(r)"
    case .shrinkage(let c): "shrinkage \(c)"
    case .towardsMean(let c): "shrinkage \(c) towards the mean variance"
    case .relative(let r): "relative \(r)"
    case .scatter(let kappa): "scatter \(kappa)"
    }
  }
}
