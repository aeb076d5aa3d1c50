import Foundation
import Torch

/// What is in a data set, and what may be wrong with it.
public struct DataInspection: Sendable {
  /// The data set's name and file.
  public let name: String
  public let file: String
  /// What a person sees of a few items of the first split.
  public let samples: [Sample]
  public let modalities: [ModalitySummary]
  public let splits: [SplitSummary]
  /// Names of the classes, in the order of the counts of ``SplitSummary/classCounts``.
  public let classNames: [String]
  /// What was found, the most serious first.
  public let findings: [Finding]

  /// One modality over all splits.
  public struct ModalitySummary: Sendable {
    public let name: String
    public let kind: ModalityKind
    /// Sizes that every row shares.
    public let shape: [Int]?
    /// Type of the numbers in the file.
    public let dtype: DataType?
    /// Smallest, largest and mean number; of texts their words, of sets and sequences nil.
    public let range: (least: Double, most: Double, mean: Double)?
  }

  /// One split.
  public struct SplitSummary: Sendable {
    public let name: String
    /// Items of each modality.
    public let items: [Int]
    public let pairs: Int
    /// Items of the first modality in each class.
    public let classCounts: [Int]?
    /// Pairs with answers and with moments.
    public let hasAnswers: Bool
    public let hasMoments: Bool
  }

  /// Something that was found.
  public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Severity: String, Sendable {
      /// Training or measuring will fail or mislead.
      case problem
      /// Worth knowing; often meant so.
      case note
    }

    /// What it is about.
    public enum Kind: String, Sendable {
      case notFinite = "not-finite"
      case unreadable
      case overlap
      case leakage
      case duplicates
      case constantColumns = "constant-columns"
      case dependentColumns = "dependent-columns"
      case empty
      case unmatched
      case classes
    }

    public let severity: Severity
    public let kind: Kind
    public let split: String?
    public let modality: String?
    /// One sentence.
    public let sentence: String
  }

  /// A pair as a person sees it.
  public struct Sample: Sendable {
    public let row: Int
    /// One a modality.
    public let cards: [Card]
    /// The first numbers of items that are neither a text nor a picture; nil for those that are.
    public let numbers: [String?]
    /// Name of the class of the first item.
    public let className: String?
    public let answers: [String]?
    /// Seconds.
    public let moment: ClosedRange<Double>?
  }

  /// Whether anything was found that training or measuring trips over.
  public var hasProblems: Bool { findings.contains { $0.severity == .problem } }

  /// Reads every split of a data set once.
  ///
  /// - Parameter data: opened with `checksNumbers: false`, so that NaN is found and not thrown.
  /// - Throws: ``DataError`` only for what cannot be read at all; everything else is a finding.
  public init(_ data: DataSet) throws {
    name = data.description.name
    file = data.url.relativeName
    classNames = data.classNames
    var checks = try DataChecks(data)
    try checks.run()
    splits = checks.splits
    modalities = checks.modalities
    findings =
      checks.findings.filter { $0.severity == .problem } + checks.findings.filter { $0.severity == .note }
    samples = checks.samples
  }
}

// MARK: - As JSON and text

extension DataInspection {
  /// Everything but the samples.
  public var json: JSON {
    [
      "name": .string(name), "file": .string(file),
      "modalities": .array(modalities.map(\.json)), "class_names": .array(classNames.map(JSON.string)),
      "splits": .array(splits.map { json(of: $0) }),
      "findings": .array(
        findings.map { finding in
          [
            "severity": .string(finding.severity.rawValue), "kind": .string(finding.kind.rawValue),
            "split": finding.split.map(JSON.string) ?? .null,
            "modality": finding.modality.map(JSON.string) ?? .null, "sentence": .string(finding.sentence),
          ]
        }),
    ]
  }

  private func json(of split: SplitSummary) -> JSON {
    var json: JSON = [
      "name": .string(split.name), "pairs": .int(split.pairs),
      "items": .object(zip(modalities, split.items).map { JSON.Member($0.name, .int($1)) }),
    ]
    if let counts = split.classCounts { json["classes"] = .array(counts.map(JSON.int)) }
    json["answers"] = .bool(split.hasAnswers)
    json["moments"] = .bool(split.hasMoments)
    return json
  }

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
}

extension DataInspection.ModalitySummary {
  fileprivate var json: JSON {
    var json: JSON = ["name": .string(name), "kind": .string(kind.rawValue)]
    json["shape"] = shape.map { .array($0.map(JSON.int)) } ?? .null
    json["dtype"] = dtype.map { .string("\($0)") } ?? .null
    if let range {
      json["least"] = .double(range.least)
      json["most"] = .double(range.most)
      json["mean"] = .double(range.mean)
    }
    return json
  }
}

// MARK: - As a page

extension DataInspection {
  /// A page with tables, findings, and samples as pictures and text.
  public func report() -> Report {
    let problems = findings.count { $0.severity == .problem }
    var blocks: [ReportBlock] = [
      .keyFigures([
        KeyFigure(
          "\(splits.reduce(0) { $0 + $1.pairs })",
          "pairs in \(splits.count) \(splits.count == 1 ? "split" : "splits")"),
        KeyFigure("\(modalities.count)", "modalities"),
        KeyFigure(
          "\(problems)", problems == 1 ? "problem" : "problems",
          note: findings.count - problems == 1 ? "and 1 note" : "and \(findings.count - problems) notes"),
      ]),
      .section("Contents"), .table(modalityTable, caption: "What each modality is."),
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
        .init("modality"), .init("kind"), .init("row"), .init("type"), .init("least"), .init("most"),
        .init("mean"),
      ],
      rows: modalities.map { modality in
        let range = modality.range.map { [$0.least, $0.most, $0.mean] } ?? []
        return [
          .code(modality.name), .text(modality.kind.rawValue),
          modality.shape.map { .text($0.map(String.init).joined(separator: " x ")) } ?? .missing,
          modality.dtype.map { .text("\($0)") } ?? .missing,
        ] + range.map(ReportTable.Cell.number)
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

extension Picture {
  /// The picture for a page: its own bytes, or its pixels as PNG.
  public func embedded(summary: String = "") throws -> EmbeddedPicture {
    if let data = try encoded() {
      return EmbeddedPicture(data, format: data.starts(with: [0xFF, 0xD8]) ? .jpeg : .png, summary: summary)
    }
    return EmbeddedPicture(try Picture.png(decoded()), format: .png, summary: summary)
  }
}
