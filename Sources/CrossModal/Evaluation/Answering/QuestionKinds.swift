import Foundation

/// What tells questions apart, so that each kind is measured by itself: the types of a benchmark, or what their words and
/// answers say.
public struct QuestionKinds: Sendable, Equatable {
  /// Such as `answer_type`.
  public let key: String
  /// The kind of each question.
  public let names: [String]

  /// - Parameter names: the kind of each question.
  public init(_ key: String, _ names: [String]) {
    (self.key, self.names) = (key, names)
  }

  /// Kinds of fewer questions than this, and of a smaller share, are told together.
  private static let least = (count: 5, share: 0.01)
  private static let rest = "other"

  /// The questions of each kind, the largest kinds first; none where all are of one.
  var groups: [(name: String, questions: [Int])] {
    var places: [String: [Int]] = [:]
    for (question, name) in names.enumerated() { places[name, default: []].append(question) }
    let isSmall = { (count: Int) in
      count < Self.least.count || Double(count) < Self.least.share * Double(names.count)
    }
    for (name, questions) in places where name != Self.rest && isSmall(questions.count) {
      places[name] = nil
      places[Self.rest, default: []] += questions
    }
    guard places.count > 1 else { return [] }
    return places.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
      .map { ($0.key, $0.value.sorted()) }
  }

  /// Whether questions ask for yes or no, a number, or something else: as VQA has it, by the most frequent answer.
  static func answerType(of answer: String) -> String {
    switch answer.lowercased() {
    case "yes", "no": "yes/no"
    case let answer where Double(answer)?.isFinite == true: "number"
    default: rest
    }
  }

  /// How a question begins: its first two words.
  static func questionType(of question: String) -> String {
    AnswerNormalizer.words(ofQuestion: question).prefix(2).joined(separator: " ")
  }
}
