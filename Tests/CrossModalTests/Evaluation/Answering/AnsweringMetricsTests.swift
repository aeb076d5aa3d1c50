import Testing

@testable import CrossModal

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

  // MARK: - Kinds of questions and priors

  private static let answers = [
    ["yes"], ["no"], ["yes"], ["red"], ["blue"], ["red"], ["red"], ["yes"], ["2"], ["yes"],
  ]

  @Test("questions of a kind are measured by themselves; rare kinds are told together, and one alone is none")
  func kinds() throws {
    let truths = Self.answers.map { $0[0] }
    let types = truths.map(QuestionKinds.answerType)
    #expect(Set(types) == ["yes/no", "number", "other"])
    let metrics = try AnsweringMetrics(
      predictions: truths.map { $0 == "no" ? "yes" : $0 }, answers: Self.answers,
      kinds: [
        QuestionKinds("answer_type", types), QuestionKinds("question_type", truths.map { _ in "is it" }),
      ])
    #expect(
      metrics.values.map(\.name) == ["accuracy", "answer_type.other.accuracy", "answer_type.yes/no.accuracy"])
    #expect(metrics.values.map(\.value) == [90, 100, 80])
    #expect(
      metrics.json["per_answer_type"]?.text()
        == #"{"other": {"n": 5, "accuracy": 100.0}, "yes/no": {"n": 5, "accuracy": 80.0}}"#)
    #expect(metrics.selection.map(\.name) == ["accuracy"])
    // The same numbers come out of items that count once each.
    let test = try #require(metrics.resampled.first)
    #expect(test.names == metrics.values.map(\.name))
    let again = test.values(weights: Array(repeating: 1, count: 10))
    #expect(zip(again, metrics.values).allSatisfy { abs($0 - $1.value) < 1e-9 })
    let groups = metrics.kinds[0].groups
    #expect(groups.map(\.name) == ["other", "yes/no"] && groups[0].questions == [3, 4, 5, 6, 8])
  }

  @Test("the words and the answer of a question say its kind")
  func derived() {
    #expect(QuestionKinds.questionType(of: "What color is the shape?") == "what color")
    #expect(QuestionKinds.questionType(of: "Why?") == "why")
    #expect(
      ["Yes", "no", "3", "2.5", "three cats"].map(QuestionKinds.answerType) == [
        "yes/no", "yes/no", "number", "number", "other",
      ])
  }

  @Test("priors answer with what the training part has most often, of all questions and of the very question")
  func priors() throws {
    let questions = ["Is it red?", "is it red", "is it red?", "what is it?", "what is it?"]
    let priors = try #require(
      AnswerPriors(truths: ["no", "no", "yes", "circle", "no"], questions: questions))
    let given = priors.answers(to: ["is it red?", "What is it", "why?"], count: 3)
    #expect(given.map(\.key) == ["most frequent answer", "most frequent answer to the question"])
    #expect(given.map(\.value) == [["no", "no", "no"], ["no", "circle", "no"]])
    #expect(AnswerPriors(truths: [], questions: nil) == nil)

    let metrics = try AnsweringMetrics(
      predictions: ["no", "no", "no"], answers: [["no"], ["circle"], ["no"]], priors: given)
    #expect(metrics.priors.map(\.name) == given.map(\.key))
    #expect(metrics.priors.map { $0.measures[0].value.rounded() } == [67, 100])
    // Not better than either: both are said, and that nothing but one answer is given.
    #expect(
      metrics.cautions.count == 2
        && metrics.cautions[1].contains("(most frequent answer to the question) reaches too: 100.0 %"))
    #expect(metrics.lines([:]).first?.contains("100.0 % of the questions are answered with 'no'") == true)
    let good = try AnsweringMetrics(
      predictions: ["no", "circle", "no"], answers: [["no"], ["circle"], ["no"]],
      priors: ["most frequent answer": ["no", "no", "no"]])
    #expect(good.cautions == [] && good.lines([:]) == [])
  }

  @Test("answers are compared in the form of the list")
  func form() throws {
    let list = DataDescription.Target(name: "answers", texts: ["yes"], isNormalized: true)
    let metrics = try AnsweringMetrics(
      predictions: ["yes", "red dog"], answers: [["Yes"], ["The red dog."]], in: list.form)
    #expect(metrics.correct == [1, 1] && metrics.truths == ["yes", "red dog"])
    #expect(list.form(of: "a") == "a")
    #expect(DataDescription.Target(name: "answers", texts: []).form(of: "  The  Dog ") == "The Dog")
  }
}
