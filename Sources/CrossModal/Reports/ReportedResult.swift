import Foundation

/// A result of which a report, and the terminal, show more than a table of its measures.
public protocol ReportedResult: TaskResult {
  /// Everything about the measurement.
  ///
  /// - Parameters:
  ///   - run: what was measured.
  ///   - split: what it was measured on.
  func blocks(of run: Run, on split: Split) throws -> [ReportBlock]
  /// The measures as a table, with intervals by the names of the measures.
  func table(_ intervals: [String: ConfidenceInterval]) -> ReportTable
  /// What else a terminal shows, a line each.
  func lines(_ intervals: [String: ConfidenceInterval]) -> [String]
}

extension ReportedResult {
  public func lines(_ intervals: [String: ConfidenceInterval]) -> [String] { [] }
}

extension TaskResult {
  /// ``ReportedResult/blocks(of:on:)``, or the table of the measures with their intervals and priors.
  func shownBlocks(of run: Run, on split: Split) throws -> [ReportBlock] {
    if let reported = self as? any ReportedResult { return try reported.blocks(of: run, on: split) }
    var blocks: [ReportBlock] = []
    if let first = selection.first {
      blocks.append(
        .keyFigures([KeyFigure(first.text, first.name, note: priors.first.flatMap { note($0, first) } ?? "")])
      )
    }
    let known = Dictionary(Resampling().intervals(of: self).map { ($0.name, $0.interval) }) { first, _ in
      first
    }
    blocks += cautions.map(ReportBlock.note)
    blocks += [
      .section("Measures"),
      .table(
        measureTable(known),
        caption: "On the split `\(split.name)`: \(MeasureMeanings.explained(`protocol`))."
          + (known.isEmpty ? "" : " " + ConfidenceInterval.origin)),
    ]
    return blocks
  }

  func note(_ prior: Prior, _ measure: Measure) -> String? {
    prior.measures.first { $0.name == measure.name }.map { "\(prior.name): \($0.text)" }
  }

  /// ``ReportedResult/table(_:)``, or a row a measure.
  func shownTable(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    (self as? any ReportedResult)?.table(intervals) ?? measureTable(intervals)
  }

  func shownLines(_ intervals: [String: ConfidenceInterval]) -> [String] {
    ((self as? any ReportedResult)?.lines(intervals) ?? []) + cautions
  }

  /// What is to be said where trivial answers reach as much, in a sentence each.
  var cautions: [String] {
    guard let first = selection.first else { return [] }
    return priors.compactMap { prior in
      guard let other = prior.measures.first(where: { $0.name == first.name }),
        first.increases ? first.value <= other.value : first.value >= other.value
      else { return nil }
      return
        "\(first.name) is \(first.text), which a trivial answer (\(prior.name)) reaches too: \(other.text). "
        + "The model has not learned to use what is asked about."
    }
  }

  /// A row a measure: its value, its interval, and what priors reach.
  private func measureTable(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    let hasIntervals = !intervals.isEmpty
    return ReportTable(
      columns: [.init("Measure"), .init("Value", isNumeric: true)]
        + (hasIntervals ? [.init("95 % interval", isNumeric: true)] : [])
        + priors.map { .init($0.name.prefix(1).uppercased() + $0.name.dropFirst(), isNumeric: true) },
      rows: measures.map { measure in
        let prior = priors.map { prior in
          prior.measures.first { $0.name == measure.name }.map { ReportTable.Cell.text($0.text) } ?? .missing
        }
        let range = intervals[measure.name].map { ReportTable.Cell.text($0.range(measure.unit)) }
        return [MeasureMeanings.cell(measure.name), .text(measure.text)]
          + (hasIntervals ? [range ?? .missing] : []) + prior
      })
  }
}

extension Measure {
  /// A name as people read it: `image_to_text.R@1` is "image to text, R@1".
  static func shown(_ name: String) -> String {
    // Dots part directions from measures; those of thresholds stay.
    name.replacing(/_to_/, with: " to ").replacing(/([a-z])\.(?=[A-Za-z])/) { "\($0.1), " }
      .replacingOccurrences(of: "_", with: " ")
  }

  /// The number with the decimals of its unit.
  var text: String { NumberText.fixed(value, decimals: unit.decimals) + (unit == .percent ? " %" : "") }

  /// The number as it stands in a table of several measures, with its interval where there is one.
  func cell(_ interval: ConfidenceInterval?) -> ReportTable.Cell {
    .measured(value, interval.map { $0.lower...max($0.lower, $0.upper) }, decimals: unit.decimals)
  }
}

extension ConfidenceInterval {
  /// How intervals are found, for the reader of a table.
  static let origin =
    "Intervals: of shares by Wilson's score, of other numbers by weighting the test items anew (Bayesian bootstrap)."

  /// Both ends with the decimals of a unit.
  func range(_ unit: Measure.Unit) -> String {
    [lower, upper].map { NumberText.fixed($0, decimals: unit.decimals) }.joined(separator: "–")
  }
}
