import Foundation
import Torch

extension DataInspection {
  /// The tables of ``report()`` for a terminal.
  public var text: String {
    var parts = [
      "\(name) (\(file))", TextTable(modalityTable).description, TextTable(splitTable).description,
    ]
    if let classTable { parts.append(TextTable(classTable).description) }
    if findings.isEmpty {
      parts.append("Nothing found that looks wrong.")
    } else {
      parts.append(findings.map { "\($0.severity.rawValue): \($0.sentence)" }.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }

  /// A page with tables, findings, and samples as pictures and text.
  public func report() -> Report {
    let problems = findings.count { $0.severity == .problem }
    var blocks: [ReportBlock] = [
      .keyFigures([
        KeyFigure(
          NumberText.fixed(Double(splits.reduce(0) { $0 + $1.pairs }), decimals: 0),
          "pairs in \(splits.count) \(splits.count == 1 ? "split" : "splits")"),
        KeyFigure("\(modalities.count)", "modalities"),
        KeyFigure(
          "\(problems)", problems == 1 ? "problem" : "problems",
          note: findings.count - problems == 1 ? "and 1 note" : "and \(findings.count - problems) notes"),
      ]),
      .section("Contents"),
      .table(
        modalityTable,
        caption: "What each modality is, with the range of its numbers; of a text, of its number of words."),
      .table(splitTable, caption: "Items and pairs of each split."),
    ]
    if let classTable {
      blocks.append(
        .table(classTable, caption: "Items of each class; of many classes the largest and the smallest."))
    }
    blocks.append(.section("Findings"))
    if findings.isEmpty {
      blocks.append(.text("Nothing found that looks wrong."))
    } else {
      blocks.append(.points(findings.map { "**\($0.severity.rawValue)** \($0.sentence)" }))
    }
    if !samples.isEmpty {
      blocks += [.section("Samples"), .gallery(gallery, caption: "Pairs of the first split.")]
    }
    return Report(title: name, kicker: "Data set", lead: file, blocks: blocks)
  }

  private var modalityTable: ReportTable {
    ReportTable(
      columns: [
        .init("modality"), .init("kind"), .init("shape of a row"), .init("type"),
        .init("least", isNumeric: true), .init("most", isNumeric: true), .init("mean", isNumeric: true),
      ],
      rows: modalities.map { modality in
        let range = modality.range.map { [$0.least, $0.most, $0.mean] } ?? []
        return [
          .code(modality.name), .text(modality.kind.rawValue),
          modality.shape.map { .text($0.map(String.init).joined(separator: " × ")) } ?? .missing,
          modality.dtype.map { .text("\($0)") } ?? .missing,
        ] + range.map { .text(NumberText.shortest($0, decimals: 3)) }
      })
  }

  private var splitTable: ReportTable {
    let hasClasses = splits.contains { $0.classCounts != nil }
    let (hasAnswers, hasMoments) = (
      splits.contains(where: \.hasAnswers), splits.contains(where: \.hasMoments)
    )
    return ReportTable(
      columns: [.init("split"), .init("pairs")] + modalities.map { .init($0.name) }
        + (hasClasses ? [.init("classes")] : []) + (hasAnswers ? [.init("answers")] : [])
        + (hasMoments ? [.init("moments")] : []),
      rows: splits.map { split in
        var row: [ReportTable.Cell] =
          [.code(split.name), .count(split.pairs)] + split.items.map(ReportTable.Cell.count)
        if hasClasses { row.append(split.classCounts.map { .count($0.count { $0 > 0 }) } ?? .missing) }
        if hasAnswers { row.append(split.hasAnswers ? .count(split.pairs) : .missing) }
        if hasMoments { row.append(split.hasMoments ? .count(split.pairs) : .missing) }
        return row
      })
  }

  /// Items of each class in each split; of many classes the largest and the smallest.
  private var classTable: ReportTable? {
    guard !classNames.isEmpty, splits.contains(where: { $0.classCounts != nil }) else { return nil }
    let totals = classNames.indices.map { at in splits.reduce(0) { $0 + ($1.classCounts?[at] ?? 0) } }
    var shown = Array(classNames.indices)
    if shown.count > 24 {
      let order = shown.sorted { (totals[$1], $0) < (totals[$0], $1) }
      shown = order.prefix(8) + order.suffix(4)
    }
    return ReportTable(
      columns: [.init(shown.count < classNames.count ? "class (of \(classNames.count))" : "class")]
        + splits.map { .init($0.name) },
      rows: shown.map { at in
        [.code(classNames[at])] + splits.map { $0.classCounts.map { .count($0[at]) } ?? .missing }
      })
  }

  private var gallery: PictureGallery {
    PictureGallery(
      rows: samples.map { sample in
        let contents = zip(sample.cards, sample.numbers).map { DataInspection.content(of: $0, $1) }
        return PictureGallery.Row(
          contents[0], note: sample.note,
          found: zip(contents, sample.cards).dropFirst().map { .init($0, title: $1.title ?? "") })
      })
  }

  private static func content(of card: Card, _ numbers: String?) -> PictureGallery.Content {
    guard let picture = card.picture, let embedded = try? picture.embedded(summary: card.label) else {
      return .text(card.text ?? card.caption ?? card.title ?? numbers ?? card.id)
    }
    return .picture(embedded)
  }
}

extension DataInspection.Sample {
  /// What is known of the pair, in a line.
  fileprivate var note: String {
    var parts = ["pair \(row)"]
    if let className { parts.append("class \(className)") }
    if let moment {
      parts.append(
        String(format: "%.1f to %.1f s", moment.lowerBound, moment.upperBound))
    }
    if let answers { parts.append(Set(answers).sorted().prefix(3).joined(separator: ", ")) }
    return parts.joined(separator: " · ")
  }
}
