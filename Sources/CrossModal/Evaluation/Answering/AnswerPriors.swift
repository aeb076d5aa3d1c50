import Foundation

/// What can be answered without a look: the most frequent answer of the training part, and the most frequent one to the
/// very question.
struct AnswerPriors {
  private let mostFrequent: String
  private let ofQuestion: [ExactText: String]

  /// - Parameters:
  ///   - truths: the most frequent human answer to each question that was learned from.
  ///   - questions: their texts; nil where there are none.
  init?(truths: [String], questions: [String]?) {
    guard let most = AnsweringMetrics.mostFrequent(truths) else { return nil }
    mostFrequent = most
    // Many ask the same: each text is brought to its form once.
    let asked = Dictionary(grouping: zip(questions ?? [], truths).enumerated()) { ExactText($0.element.0) }
    var answers: [ExactText: [(place: Int, truth: String)]] = [:]
    for (question, own) in asked {
      answers[Self.form(of: question.text), default: []] += own.map { ($0.offset, $0.element.1) }
    }
    ofQuestion = answers.compactMapValues { own in
      AnsweringMetrics.mostFrequent(own.sorted { $0.place < $1.place }.map(\.truth))
    }
  }

  /// The answers to questions by name.
  ///
  /// - Parameter questions: their texts; nil where there are none.
  func answers(to questions: [String]?, count: Int) -> KeyValuePairs<String, [String]> {
    let first = [String](repeating: mostFrequent, count: count)
    guard let questions, !ofQuestion.isEmpty else { return ["most frequent answer": first] }
    return [
      "most frequent answer": first,
      "most frequent answer to the question": questions.map {
        ofQuestion[Self.form(of: $0)] ?? mostFrequent
      },
    ]
  }

  private static func form(of question: String) -> ExactText {
    ExactText(AnswerNormalizer.words(ofQuestion: question).joined(separator: " "))
  }
}
