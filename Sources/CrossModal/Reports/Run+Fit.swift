import Foundation
import Torch

extension Run {
  /// What a closed-form fit found: its facts, cautions, how settings were chosen, tests, and loadings. Nothing
  /// for a run that was read from a folder, which no longer knows.
  var fitBlocks: [ReportBlock] {
    guard let report = (method as? any FitReporting)?.fitReport else { return [] }
    var blocks: [ReportBlock] = []
    let facts = (report.facts.members ?? []).compactMap { fact in
      short(fact.value).map { (name: fact.key.replacingOccurrences(of: "_", with: " "), value: $0) }
    }
    if !facts.isEmpty { blocks.append(.facts(facts)) }
    if !report.warnings.isEmpty { blocks.append(.points(report.warnings)) }
    if let chosen = report.facts["selection"] { blocks += selection(chosen) }
    blocks += tests(report.facts)
    blocks += loadings(report.facts)
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

  private func selection(_ chosen: JSON) -> [ReportBlock] {
    let tried = chosen["tried"]?.array ?? []
    let measure = tried.first?["map"] != nil ? "map" : "criterion"
    let group = measure == "map" ? "c" : "ridge"
    let points = tried.compactMap { candidate -> (name: String, k: Double, value: Double)? in
      guard let k = candidate["k"]?.double, let value = candidate[measure]?.double else { return nil }
      let score = candidate["score"]?.string.map { " \($0)" } ?? ""
      return (candidate[group]?.double.map { "\(group) \(NumberText.shortest($0))\(score)" } ?? "", k, value)
    }
    let names = points.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let series = names.map { name in
      let own = points.filter { $0.name == name }
      return LinePlot.Series(name, x: own.map(\.k), y: own.map(\.value))
    }
    let said = [("Chosen", chosen["best"]), ("Within one standard error", chosen["one_standard_error"])]
      .compactMap { label, found in found.flatMap(short).map { "\(label): \($0)." } }
    guard points.count > 1, series.count <= 8 else {
      return said.isEmpty ? [] : [.text(said.joined(separator: " "))]
    }
    return [
      .figure(
        LinePlot(
          "Held-out folds decide the settings.", x: PlotAxis("components"),
          y: PlotAxis(measure == "map" ? "mAP on held-out folds" : "held-out criterion"), series: series),
        caption: "How candidates did on held-out folds of the training part. \(said.joined(separator: " "))")
    ]
  }

  // MARK: - Tests

  private func tests(_ facts: JSON) -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    if let found = facts["parametric"] {
      let columns = [
        ("Wilks' Λ", "wilks"), ("Bartlett χ²", "bartlett_chi2"), ("df", "chi2_df"), ("p", "bartlett_p"),
        ("Lawley p", "lawley_p"), ("Rao F", "rao_F"), ("df₁", "F_df1"), ("df₂", "F_df2"), ("p", "F_p"),
      ]
      blocks.append(
        table(
          found, columns,
          caption: "Tests of the hypothesis that this correlation and all that follow are zero. "
            + ["pillai", "hotelling_lawley", "roy"].compactMap { name in
              found[name]?.double.map {
                "\(name.replacingOccurrences(of: "_", with: "-").capitalized) \(String(format: "%.4g", $0))"
              }
            }.joined(separator: ", ") + "."))
    }
    if let found = facts["permutation"] {
      blocks.append(
        table(
          found,
          [("-ln Λ", "statistic"), ("p", "p_uncorrected"), ("p, step-down", "p_stepdown")],
          caption:
            "Step-down permutation test, \(found["permutations"]?.int ?? 0) permutations: this correlation and all that follow are zero."
        ))
    }
    if let found = facts["bootstrap"], let ranges = found["correlations"]?.array,
      let rho = facts["rho"]?.array
    {
      let rows = zip(rho, ranges).enumerated().compactMap { place, pair -> [ReportTable.Cell]? in
        guard let value = pair.0.double, let low = pair.1.array?.first?.double,
          let high = pair.1.array?.last?.double, low <= high
        else { return nil }
        return [.count(place + 1), .estimate(value, low...high)]
      }
      blocks.append(
        .table(
          ReportTable(columns: [.init("Component"), .init("Correlation")], rows: rows),
          caption: "95 % intervals by resampling the training pairs, \(found["samples"]?.int ?? 0) samples."))
    }
    return blocks
  }

  private func table(_ found: JSON, _ columns: [(title: String, key: String)], caption: String) -> ReportBlock
  {
    let lists = columns.map { found[$0.key]?.array?.map { $0.double } ?? [] }
    let rows = (0..<min(lists[0].count, 20)).map { row in
      [ReportTable.Cell.count(row + 1)]
        + lists.map { list in
          row < list.count ? list[row].map { .text(String(format: "%.4g", $0)) } ?? .missing : .missing
        }
    }
    return .table(
      ReportTable(
        columns: [.init("From")] + columns.map { .init($0.title, isNumeric: true) }, rows: rows),
      caption: caption)
  }

  // MARK: - Loadings

  /// Columns of each view that correlate most with its scores, and how much of the view the scores carry.
  private func loadings(_ facts: JSON) -> [ReportBlock] {
    guard let explained = facts["variance_extracted"]?.members, let redundancy = facts["redundancy"] else {
      return []
    }
    let k = min(5, explained.first?.value.array?.count ?? 0)
    let rows = explained.map { view in
      [ReportTable.Cell.text(view.key)]
        + (0..<k).flatMap { component -> [ReportTable.Cell] in
          [view.value, redundancy[view.key] ?? .null].map { list in
            list.array?[component].double.map { .number(100 * $0) } ?? .missing
          }
        }
    }
    let columns =
      [ReportTable.Column("Percent of")]
      + (1...max(1, k)).flatMap {
        [ReportTable.Column("\($0) own", decimals: 1), .init("other", decimals: 1)]
      }
    var blocks: [ReportBlock] = [
      .table(
        ReportTable(columns: columns, rows: rows),
        caption:
          "Share of each modality's variance that its own scores carry, and that the other's scores explain (redundancy), by component."
      )
    ]
    let tables = explained.enumerated().compactMap { side, view in
      columnsThatMatter(view.key, state: side == 0 ? "loadings_x" : "loadings_y", components: min(3, k))
    }
    if !tables.isEmpty { blocks.append(.columns(tables.map { [$0] })) }
    return blocks
  }

  private func columnsThatMatter(_ view: String, state: String, components: Int) -> ReportBlock? {
    guard let loadings = method.stateEntries.first(where: { $0.name == state })?.tensor,
      loadings.rank == 2, loadings.size(along: 1) >= components, components > 0,
      let all = try? loadings.values(as: Double.self)
    else { return nil }
    let (p, k) = (loadings.size(along: 0), loadings.size(along: 1))
    let order = (0..<components).map { component in
      (0..<p).sorted { abs(all[$0 * k + component]) > abs(all[$1 * k + component]) }
    }
    let rows = (0..<min(5, p)).map { place in
      order.enumerated().flatMap { component, columns -> [ReportTable.Cell] in
        [.count(columns[place]), .number(all[columns[place] * k + component])]
      }
    }
    let columns = (1...components).flatMap {
      [ReportTable.Column("\($0): column"), .init("loading", decimals: 2)]
    }
    return .table(
      ReportTable(columns: columns, rows: rows),
      caption: "Columns of \(view) (from 0) that correlate most with each score.")
  }
}
