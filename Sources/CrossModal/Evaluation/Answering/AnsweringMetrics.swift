import Foundation

/// How well questions were answered.
public struct AnsweringMetrics: TaskResult, Equatable {
  /// Share of questions whose answer is the most frequent human one, exactly; 0...1 for each question.
  public let correct: [Double]
  /// Agreement with several human answers for each question, 0...1; nil when every question has only one.
  public let agreement: [Double]?
  /// WUPS at 0.9 and at 0.0 for each question; nil without WordNet.
  public let similarity: (at09: [Double], at00: [Double])?

  /// - Parameters:
  ///   - predictions: an answer to each question.
  ///   - answers: what people answered to each question, at least one.
  ///   - nouns: WordNet's nouns for WUPS; nil leaves WUPS out.
  /// - Throws: ``EvaluationError`` when counts disagree or a question has no answer; ``WordNetError``.
  public init(predictions: [String], answers: [[String]], nouns: NounSimilarity? = nil) throws {
    guard predictions.count == answers.count else {
      throw EvaluationError.counts("predictions", predictions.count, "questions", answers.count)
    }
    guard !answers.isEmpty else { throw EvaluationError.noQueries }
    let truths = try answers.enumerated().map { question, answers in
      guard let truth = Self.mostFrequent(answers) else {
        throw EvaluationError.badValue(
          "question \(question) has no answer to compare with, expected at least one")
      }
      return truth
    }
    correct = zip(predictions, truths).map { $0 == $1 ? 1 : 0 }
    agreement =
      answers.contains { $0.count > 1 } ? zip(predictions, answers).map { Self.agreement($0, $1) } : nil
    similarity = try nouns.map { nouns in
      func scores(_ threshold: Double) throws -> [Double] {
        try zip(truths, predictions).map { try nouns.score($0, $1, threshold: threshold) }
      }
      return (try scores(0.9), try scores(0))
    }
  }

  /// VQA accuracy of one answer: over all ways to leave out one human answer the mean of min(1, matches / 3).
  ///
  /// Unless all people gave the same answer, both sides are normalized first. With one human answer: 1 when
  /// equal.
  public static func agreement(_ prediction: String, _ answers: [String]) -> Double {
    var prediction = cleaned(prediction)
    var answers = answers.map(cleaned)
    if Set(answers).count > 1 {
      prediction = AnswerNormalizer.normalized(prediction)
      answers = answers.map(AnswerNormalizer.normalized)
    }
    guard answers.count > 1 else { return answers.first == prediction ? 1 : 0 }
    let matches = answers.count { $0 == prediction }
    let shares = answers.map { min(1, Double(matches - ($0 == prediction ? 1 : 0)) / 3) }
    return shares.reduce(0, +) / Double(answers.count)
  }

  /// VQA accuracy as its paper writes it: min(1, matches / 3), without leaving anyone out.
  public static func simpleAgreement(_ prediction: String, _ answers: [String]) -> Double {
    let prediction = AnswerNormalizer.normalized(cleaned(prediction))
    let matches = answers.count { AnswerNormalizer.normalized(cleaned($0)) == prediction }
    return min(1, Double(matches) / 3)
  }

  /// The numbers in percent.
  public var measures: [Measure] { each.map { Measure($0.name, 100 * mean($0.values), .percent) } }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  public var `protocol`: String {
    "one answer a question, exact match" + (agreement == nil ? "" : ", agreement with several people")
      + (similarity == nil ? "" : ", WUPS over WordNet's nouns")
  }

  public var counts: [(name: String, count: Int)] { [("questions", correct.count)] }

  public var resampled: [any ResampledTest] {
    let means = each.map { SummedTest.Mean($0.name, $0.values, scale: 100) }
    return (try? SummedTest(means: means)).map { [$0] } ?? []
  }

  /// A number a question of each measure that there is.
  private var each: [(name: String, values: [Double])] {
    let all: [(name: String, values: [Double]?)] = [
      ("accuracy", correct), ("WUPS@0.9", similarity?.at09), ("WUPS@0.0", similarity?.at00),
      ("vqa_accuracy", agreement),
    ]
    return all.compactMap { name, values in values.map { (name, $0) } }
  }

  public static func == (a: AnsweringMetrics, b: AnsweringMetrics) -> Bool {
    a.correct == b.correct && a.agreement == b.agreement && a.similarity?.at09 == b.similarity?.at09
      && a.similarity?.at00 == b.similarity?.at00
  }

  /// The answer that most people gave, the first one among equals.
  static func mostFrequent(_ answers: [String]) -> String? {
    var counts: [ExactText: Int] = [:]
    for answer in answers { counts[ExactText(answer), default: 0] += 1 }
    let most = counts.values.max()
    return answers.first { counts[ExactText($0)] == most }
  }

  private static func cleaned(_ answer: String) -> String {
    String(answer.map { $0 == "\n" || $0 == "\t" ? " " : $0 }).trimmingCharacters(in: .whitespaces)
  }
}

private func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }
