import CrossModal
import Testing

@Suite("Answering metrics")
struct AnsweringMetricsTests {
  @Test(
    "answers are brought to one form",
    arguments: [
      ("The Dog.", "dog"), ("10,000 birds", "10000 birds"), ("3.14", "3.14"), ("t-shirt", "t shirt"),
      ("twenty one", "twenty 1"), ("it isnt", "it isn't"), ("shouldnt've", "shouldn't've"), ("a an the", ""),
      ("yall'd've", "y'all'd've"), ("y'alld've", "y'all'd've"), ("somebody'd", "somebodyd"),
      ("'ow'sat", "'ow's'at"), ("Im", "im"), ("its", "its"), ("rock / paper", "rock paper"),
    ])
  func normalized(answer: String, expected: String) {
    #expect(AnswerNormalizer.normalized(answer) == expected)
  }

  @Test("n of ten people who agree are worth 0, 30, 60, 90 and then 100 percent")
  func agreement() {
    for (matches, expected) in zip(0...5, [0, 0.3, 0.6, 0.9, 1, 1]) {
      let answers = (0..<10).map { $0 < matches ? "red" : "blue" }
      #expect(abs(AnsweringMetrics.agreement("red", answers) - expected) < 1e-12)
    }
    #expect(AnsweringMetrics.simpleAgreement("red", ["red", "red", "blue"]) == 2.0 / 3)
  }

  @Test("when all people agree the strings are compared as they are, but for blanks around them")
  func unanimous() {
    let yes = [String](repeating: "yes", count: 10)
    #expect(AnsweringMetrics.agreement("Yes", yes) == 0)
    #expect(AnsweringMetrics.agreement("\tyes\n", yes) == 1)
    #expect(AnsweringMetrics.agreement("Yes.", yes.dropLast() + ["no"]) == 1)
  }

  @Test("accuracy is against the most frequent answer; one answer a question has no agreement")
  func accuracy() throws {
    let several = try AnsweringMetrics(
      predictions: ["cat", "dog"], answers: [["dog", "cat", "cat"], ["cat", "dog"]])
    #expect(several.correct == [1, 0])
    #expect(several.values.map(\.name) == ["accuracy", "vqa_accuracy"])
    #expect(several.values[0].value == 50)
    let single = try AnsweringMetrics(predictions: ["cat"], answers: [["cat"]])
    #expect(single.json.text() == #"{"accuracy": 100.0}"#)
    #expect(throws: EvaluationError.counts("predictions", 1, "questions", 0)) {
      try AnsweringMetrics(predictions: ["cat"], answers: [])
    }
    #expect(throws: EvaluationError.self) { try AnsweringMetrics(predictions: ["cat"], answers: [[]]) }
  }
}
