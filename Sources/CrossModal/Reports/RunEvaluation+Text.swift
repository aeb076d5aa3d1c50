import Foundation

extension RunEvaluation: CustomStringConvertible {
  /// The measures as a table for the terminal.
  public var description: String { text() }

  /// The measures as a table for the terminal, with intervals by name.
  public func text(_ intervals: [(name: String, interval: ConfidenceInterval)] = []) -> String {
    let known = Dictionary(intervals.map { ($0.name, $0.interval) }) { first, _ in first }
    return
      ([
        "\(method) on \(dataset), split \(split): \(result.protocol)",
        "\(TextTable(result.shownTable(known)))",
      ] + result.shownLines(known) + (learned.map { [$0.sentence] } ?? [])).joined(separator: "\n")
  }

  /// What is to be said where trivial answers reach as much, in a sentence each.
  public var cautions: [String] { result.cautions }

  /// What two runs differ by, with its significance, as a table for the terminal.
  public static func text(of comparisons: [(name: String, comparison: PairedComparison)]) -> String {
    let holm = holmCorrected(comparisons.map(\.comparison.randomization))
    let table = ReportTable(
      columns: [
        .init("Metric"), .init("Difference"), .init("95 % interval", isNumeric: true),
        .init("p (exchange)", decimals: 4), .init("p (Holm)", decimals: 4),
        .init("p (bootstrap)", decimals: 4),
      ],
      rows: zip(comparisons, holm).map { entry, corrected in
        let difference = entry.comparison.difference
        return [
          .text(Measure.shown(entry.name)), .number(difference.value),
          .text(
            [difference.lower, difference.upper].map { NumberText.fixed($0, decimals: 3) }
              .joined(separator: " to ")),
          .number(entry.comparison.randomization), .number(corrected), .number(entry.comparison.bootstrap),
        ]
      })
    return "\(TextTable(table))"
  }
}
