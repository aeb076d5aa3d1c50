import Torch

extension CanonicalFit {
  /// What a user sees after a fit.
  ///
  /// - Parameter showsColumns: whether a report names the columns that matter to the scores.
  func report(views: [String], ridges: [Ridge], showsColumns: Bool = false) throws -> FitReport {
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
    report.add(
      CanonicalShares(
        views: try zip(views, loadings).map { view, found in
          CanonicalShares.View(
            name: view, extracted: try found.varianceExtracted().values(),
            redundancy: try found.redundancy().values(), loadings: showsColumns ? found.loadings : nil)
        }))
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

/// How much of each modality the canonical scores carry.
struct CanonicalShares: FitSection {
  struct View: Sendable {
    let name: String
    /// Share of its variance that each of its own scores carries.
    let extracted: [Double]
    /// Share of its variance that each score of the other modality explains.
    let redundancy: [Double]
    /// Correlations of columns and scores, `[p, k]`; nil where they are not to be shown.
    let loadings: Tensor?
  }

  let views: [View]

  var facts: [JSON.Member] {
    func shares(_ name: String, _ of: (View) -> [Double]) -> JSON.Member {
      JSON.Member(name, .object(views.map { JSON.Member($0.name, .array(of($0).map(JSON.double))) }))
    }
    return [shares("variance_extracted", \.extracted), shares("redundancy", \.redundancy)]
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
    case .perRow(let c): "per-row \(c)"
    }
  }
}
