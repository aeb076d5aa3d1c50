import Foundation

/// Metrics of question answering (`san.md` section 6).
enum AnsweringMetricsReference: ReferenceComponents {
  static let method = "vqa-metrics"
  static let components = ["accuracy", "wups"]

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "accuracy": try accuracy(reference).mapValues(ReferenceOutput.text)
    case "wups": try similarity(reference).mapValues(ReferenceOutput.text)
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  private static func accuracy(_ reference: ReferenceCase) throws -> [String: JSON] {
    let items = reference.text["items"]?.array ?? []
    let each = items.map { item in
      100
        * AnsweringMetrics.agreement(
          item["prediction"]?.string ?? "", item["answers"]?.array?.compactMap(\.string) ?? [])
    }
    func means(by key: String) -> JSON {
      let groups = Dictionary(grouping: items.indices) { items[$0][key]?.string ?? "" }
      return .object(
        groups.sorted { $0.key < $1.key }.map { name, members in
          JSON.Member(name, .double(members.reduce(0.0) { $0 + each[$1] } / Double(members.count)))
        })
    }
    let strings = reference.text["strings"]?.array?.compactMap(\.string) ?? []
    return [
      "each": .array(each.map(JSON.double)),
      "overall": .double(each.reduce(0, +) / Double(max(1, each.count))),
      "per_answer_type": means(by: "answer_type"), "per_question_type": means(by: "question_type"),
      "normalised": .array(strings.map { .string(AnswerNormalizer.normalized($0)) }),
    ]
  }

  private static func similarity(_ reference: ReferenceCase) throws -> [String: JSON] {
    let nouns = try NounSimilarity(folder: reference.dataFolder)
    let pairs = try (reference.text["pairs"]?.array ?? []).map { pair in
      guard let words = pair.array?.compactMap(\.string), words.count == 2 else {
        throw ReferenceError.badSetting("pairs", pair.text(), "[truth, prediction]")
      }
      return (truth: words[0], prediction: words[1])
    }
    func scores(_ threshold: Double) throws -> [Double] {
      try pairs.map { try nouns.score($0.truth, $0.prediction, threshold: threshold) }
    }
    func mean(_ numbers: [Double]) -> JSON { .double(numbers.reduce(0, +) / Double(max(1, numbers.count))) }
    let (strict, lenient) = (try scores(0.9), try scores(0))
    return [
      "wup_raw": .array(
        try pairs.map { .double(try nouns.similarity($0.truth, $0.prediction)) }),
      "wups_09": .array(strict.map(JSON.double)), "wups_00": .array(lenient.map(JSON.double)),
      "WUPS@0.9": mean(strict), "WUPS@0.0": mean(lenient),
      "accuracy": mean(pairs.map { $0.truth == $0.prediction ? 1 : 0 }),
    ]
  }
}
