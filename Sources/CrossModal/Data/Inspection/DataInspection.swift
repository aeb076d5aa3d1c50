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
      /// How a table of text was read.
      case tableReading = "table-reading"
      case rowNumbers = "row-numbers"
      case sharedColumns = "shared-columns"
      /// Files outside the data set's folder.
      case outside
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
    file = data.origin.name
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

// MARK: - As JSON

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
