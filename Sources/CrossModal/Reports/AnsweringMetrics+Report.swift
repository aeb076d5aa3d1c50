import Foundation

extension AnsweringMetrics: ReportedResult {
  /// Examples of answers that are wrong, and of right ones.
  private static let examples = (wrong: 6, right: 3)

  public func blocks(of run: Run, on split: Split) throws -> [ReportBlock] {
    let figures = selection.map { measure in
      KeyFigure(measure.text, measure.name, note: priors.last.flatMap { note($0, measure) } ?? "")
    }
    let known = Dictionary(Resampling().intervals(of: self).map { ($0.name, $0.interval) }) { first, _ in
      first
    }
    var blocks: [ReportBlock] = [.keyFigures(figures)]
    blocks += cautions.map(ReportBlock.note)
    if let collapse { blocks.append(.note(collapse)) }
    blocks += [
      .section("Answers"),
      .table(
        table(known),
        caption:
          "On the split `\(split.name)`: \(MeasureMeanings.explained(`protocol`)); percent. Intervals by drawing the questions again "
          + "(bootstrap)."
          + (priors.isEmpty
            ? "" : " Beside them the accuracy of answers that need no look, as the training part has them.")
      ),
    ]
    return blocks + (try examples(run, split))
  }

  /// A row for all questions, and one for each kind of question.
  public func table(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    let names = measures(of: groups[0]).map(\.name)
    let columns =
      [ReportTable.Column("Questions"), .init("Number")]
      + (names + priors.map { $0.name.prefix(1).uppercased() + $0.name.dropFirst() })
      .map { .init($0.replacingOccurrences(of: "_", with: " "), decimals: 1) }
    let rows = groups.map { group in
      let title =
        group.kinds.map { "\($0.replacingOccurrences(of: "_", with: " ")): \(group.name)" } ?? group.name
      let values = measures(of: group).map { $0.cell(intervals[$0.name]) }
      let others = priors.map { prior in
        prior.measures.first { $0.name == group.prefix + "accuracy" }.map {
          ReportTable.Cell.number($0.value)
        }
          ?? .missing
      }
      return [.text(title), .count(group.questions.count)] + values + others
    }
    return ReportTable(columns: columns, rows: rows)
  }

  public func lines(_ intervals: [String: ConfidenceInterval]) -> [String] { [collapse].compactMap(\.self) }

  /// That nearly every question gets the same answer, which is not the right one as often.
  private var collapse: String? {
    guard correct.count > 1, let most = Self.mostFrequent(predictions) else { return nil }
    func share(_ answers: [String]) -> Double {
      Double(answers.count { $0 == most }) / Double(answers.count)
    }
    guard share(predictions) > 0.95, share(truths) < 0.9 else { return nil }
    return "\(NumberText.fixed(100 * share(predictions), decimals: 1)) % of the questions are answered with "
      + "'\(most)', which is right for \(NumberText.fixed(100 * share(truths), decimals: 1)) %: "
      + "the model has learned little more than the most frequent answer."
  }

  private func examples(_ run: Run, _ split: Split) throws -> [ReportBlock] {
    guard split.count == correct.count, split.description.modalities.count == 2,
      let side = split.description.modalities.firstIndex(where: { $0.kind == .text })
    else { return [] }
    func spaced(_ questions: [Int], _ count: Int) -> [Int] {
      (0..<min(count, questions.count)).map { questions[$0 * questions.count / min(count, questions.count)] }
    }
    let wrong = spaced(correct.indices.filter { correct[$0] == 0 }, Self.examples.wrong)
    let right = spaced(correct.indices.filter { correct[$0] == 1 }, Self.examples.right)
    let rows = try (wrong + right).map { question in
      let isRight = correct[question] == 1
      let asked = try split.card(side: side, row: split.pairedRows(side: side)[question]).label
      let shown = try split.card(side: 1 - side, row: split.pairedRows(side: 1 - side)[question])
      let answer = PictureGallery.Found(.text(predictions[question]), mark: isRight ? .hit : .miss)
      return PictureGallery.Row(
        shown.content, note: Card.shortened(asked),
        found: [answer] + (isRight ? [] : [.init(.text("\(truths[question]) (what people answered)"))]))
    }
    guard !rows.isEmpty else { return [] }
    return [
      .section("Examples"),
      .gallery(
        PictureGallery(rows: rows),
        caption: "Questions that are answered wrong, then some that are answered right."),
    ]
  }
}
