import Foundation
import Torch

extension Run {
  /// What a closed-form fit found: its facts, cautions, how settings were chosen, tests, and loadings. Nothing
  /// for a run that was read from a folder, which no longer knows.
  ///
  /// - Parameter split: says what columns are called.
  func fitBlocks(_ split: Split) -> [ReportBlock] {
    guard let report = (method as? any FitReporting)?.fitReport else { return [] }
    var blocks: [ReportBlock] = []
    let facts = report.sections(FitFact.self).compactMap { fact in
      short(fact.value).map { (name: fact.name.replacingOccurrences(of: "_", with: " "), value: $0) }
    }
    if !facts.isEmpty { blocks.append(.facts(facts)) }
    if !report.warnings.isEmpty { blocks.append(.points(report.warnings)) }
    blocks += report.sections(FitSelection.self).flatMap(selection)
    blocks += report.sections(CanonicalSignificance.self).map(table)
    blocks += report.sections(CanonicalPermutationTest.self).map(table)
    blocks += report.sections(CorrelationIntervals.self).map(table)
    blocks += report.sections(CanonicalShares.self).flatMap { shares($0, split) }
    return blocks.isEmpty ? [] : [.section("What was learned")] + blocks
  }

  /// A fact in a line; nil for what is shown otherwise or too long.
  private func short(_ value: JSON) -> String? {
    switch value {
    case .double(let number): String(format: "%.4g", number)
    case .int(let number): "\(number)"
    case .string(let text): text
    case .object(let members):
      members.allSatisfy { $0.value.array == nil && $0.value.members == nil }
        ? members.compactMap { member in short(member.value).map { "\(member.key) \($0)" } }
          .joined(separator: ", ") : nil
    default: nil
    }
  }

  // MARK: - Selection

  private func selection(_ selection: FitSelection) -> [ReportBlock] {
    let points = selection.tried.map { candidate in
      let setting = candidate.setting.map { "\($0.name) \(NumberText.shortest($0.value))" } ?? ""
      return (
        name: setting + (candidate.variant.map { " \($0)" } ?? ""), k: Double(candidate.components),
        value: candidate.value
      )
    }
    let names = points.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let series = names.map { name in
      let own = points.filter { $0.name == name }
      return LinePlot.Series(name, x: own.map(\.k), y: own.map(\.value))
    }
    let said = [("Chosen", selection.best), ("Within one standard error", selection.plainest)]
      .compactMap { label, found in found.flatMap { short($0.json) }.map { "\(label): \($0)." } }
    // Without several numbers of components there is no curve but a list.
    guard Set(points.map(\.k)).count > 1, series.count <= 8 else {
      let rows = points.map { [ReportTable.Cell.text($0.name), .number($0.value)] }
      return [
        .table(
          ReportTable(columns: [.init("Setting"), .init(selection.measure, decimals: 3)], rows: rows),
          caption: "How candidates did on held-out pairs of the training part. \(said.joined(separator: " "))"
        )
      ]
    }
    return [
      .figure(
        LinePlot(
          "Held-out folds decide the settings.", x: PlotAxis("components"), y: PlotAxis(selection.measure),
          series: series),
        caption: "How candidates did on held-out folds of the training part. \(said.joined(separator: " "))")
    ]
  }

  // MARK: - Tests

  private func table(_ tests: CanonicalSignificance) -> ReportBlock {
    let overall = [
      ("Pillai", tests.pillai), ("Hotelling-Lawley", tests.hotellingLawley), ("Roy", tests.roy),
    ].map { "\($0) \(String(format: "%.4g", $1))" }
    return table(
      [
        ("Wilks' Λ", tests.wilks), ("Bartlett χ²", tests.bartlett), ("df", tests.degrees),
        ("p", tests.bartlettP), ("Lawley p", tests.lawleyP), ("Rao F", tests.raoF),
        ("df₁", tests.numerator), ("df₂", tests.denominator), ("p", tests.raoP),
      ],
      caption: "Tests of the hypothesis that this correlation and all that follow are zero. "
        + overall.joined(separator: ", ") + ".")
  }

  private func table(_ test: CanonicalPermutationTest) -> ReportBlock {
    table(
      [("-ln Λ", test.observed), ("p", test.uncorrected), ("p, step-down", test.stepDown)],
      caption:
        "Step-down permutation test, \(test.null.size(along: 0)) permutations, of the hypothesis that this correlation and all that follow are zero."
    )
  }

  private func table(_ found: CorrelationIntervals) -> ReportBlock {
    let rows = zip(found.correlations, found.intervals).enumerated().map { place, pair in
      [ReportTable.Cell.count(place + 1), .estimate(pair.0, pair.1)]
    }
    return .table(
      ReportTable(columns: [.init("Component"), .init("Correlation")], rows: rows),
      caption: "95 % intervals by resampling the training pairs, \(found.samples) samples.")
  }

  /// A row a component, of the first ones; tests go on to the rank of the data, of which no more is told.
  private func table(_ columns: [(title: String, values: [Double])], caption: String) -> ReportBlock {
    let components = (method as? any CorrelationReporting)?.learnedCorrelations?.count ?? .max
    let rows = (0..<min(columns[0].values.count, components, 20)).map { row in
      [ReportTable.Cell.count(row + 1)] + columns.map { .text(String(format: "%.4g", $0.values[row])) }
    }
    return .table(
      ReportTable(
        columns: [.init("From")] + columns.map { .init($0.title, isNumeric: true) }, rows: rows),
      caption: caption)
  }

  // MARK: - Loadings

  /// Columns of each view that correlate most with its scores, and how much of the view the scores carry.
  private func shares(_ found: CanonicalShares, _ split: Split) -> [ReportBlock] {
    let k = min(5, found.views.first?.extracted.count ?? 0)
    let names = found.views.map(\.name)
    let columns =
      [ReportTable.Column("Component")]
      + names.map { name in
        .init("of \(name), percent", decimals: 1)
      }
      + names.map { name in
        .init("of \(name), by the other", decimals: 1)
      }
    var blocks: [ReportBlock] = [
      .table(
        ReportTable(
          columns: columns,
          rows: (0..<k).map { component in
            [.count(component + 1)] + found.views.map { .number(100 * $0.extracted[component]) }
              + found.views.map { .number(100 * $0.redundancy[component]) }
          }),
        caption:
          "Share of each modality's variance, in percent, that its own scores carry, and that the other's scores explain (redundancy)."
      )
    ]
    let tables = found.views.enumerated().compactMap { side, view in
      columnsThatMatter(view, components: min(3, k), names: columnNames(of: split, side: side))
    }
    if !tables.isEmpty { blocks.append(.columns(tables.map { [$0] })) }
    return blocks
  }

  private func columnsThatMatter(
    _ view: CanonicalShares.View, components: Int, names: [String]?
  ) -> ReportBlock? {
    guard let loadings = view.loadings, loadings.size(along: 1) >= components, components > 0,
      let all = try? loadings.values(as: Double.self)
    else { return nil }
    let (p, k) = (loadings.size(along: 0), loadings.size(along: 1))
    let order = (0..<components).map { component in
      (0..<p).sorted { abs(all[$0 * k + component]) > abs(all[$1 * k + component]) }
    }
    // A column's name or number and its loading stand together, so that each component is one column of the table.
    let rows = (0..<min(5, p)).map { place in
      order.enumerated().map { component, columns -> ReportTable.Cell in
        let loading = NumberText.fixed(all[columns[place] * k + component], decimals: 2)
        return .text("\(names?[columns[place]].shortened ?? String(columns[place])): \(loading)")
      }
    }
    return .table(
      ReportTable(
        columns: (1...components).map { .init("component \($0)", isNumeric: true) }, rows: rows),
      caption:
        "Columns of \(view.name) that correlate most with each score: \(names == nil ? "number of the column (from 0)" : "the column"), and its correlation (loading)."
    )
  }
}
