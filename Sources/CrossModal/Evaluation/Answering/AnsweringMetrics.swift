import Foundation

/// How well questions were answered: of all, and of questions of a kind.
public struct AnsweringMetrics: TaskResult, Equatable {
  /// What was answered.
  public let predictions: [String]
  /// The most frequent human answer to each question.
  public let truths: [String]
  /// Share of questions whose answer is the most frequent human one, exactly; 0...1 for each question.
  public let correct: [Double]
  /// Agreement with several human answers for each question, 0...1; nil when every question has only one.
  public let agreement: [Double]?
  /// WUPS at 0.9 and at 0.0 for each question; nil without WordNet.
  public let similarity: (at09: [Double], at00: [Double])?
  /// What tells questions apart, each measured by itself too.
  public let kinds: [QuestionKinds]
  /// What is answered without a look at the picture, and what that reaches.
  public let priors: [Prior]

  /// - Parameters:
  ///   - predictions: an answer to each question.
  ///   - answers: what people answered to each question, at least one.
  ///   - form: brings answers to the form that predictions have, before they are compared.
  ///   - nouns: WordNet's nouns for WUPS; nil leaves WUPS out.
  ///   - kinds: what tells questions apart.
  ///   - priors: trivial answers to each question, under their names.
  /// - Throws: ``EvaluationError`` when counts disagree or a question has no answer; ``WordNetError``.
  public init(
    predictions: [String], answers: [[String]], in form: (String) -> String = { $0 },
    nouns: NounSimilarity? = nil, kinds: [QuestionKinds] = [],
    priors: KeyValuePairs<String, [String]> = [:]
  ) throws {
    guard predictions.count == answers.count else {
      throw EvaluationError.counts("predictions", predictions.count, "questions", answers.count)
    }
    guard !answers.isEmpty else { throw EvaluationError.noQueries }
    for other in kinds where other.names.count != answers.count {
      throw EvaluationError.counts("questions", answers.count, "kinds of questions", other.names.count)
    }
    let truths = try answers.enumerated().map { question, answers in
      guard let truth = Self.mostFrequent(answers.map(form)) else {
        throw EvaluationError.badValue(
          "question \(question) has no answer to compare with, expected at least one")
      }
      return truth
    }
    (self.predictions, self.truths, self.kinds) = (predictions, truths, kinds)
    correct = zip(predictions, truths).map { $0 == $1 ? 1 : 0 }
    agreement =
      answers.contains { $0.count > 1 } ? zip(predictions, answers).map { Self.agreement($0, $1) } : nil
    similarity = try nouns.map { nouns in
      func scores(_ threshold: Double) throws -> [Double] {
        try zip(truths, predictions).map { try nouns.score($0, $1, threshold: threshold) }
      }
      return (try scores(0.9), try scores(0))
    }
    self.priors = try priors.map { name, given in
      Prior(
        name,
        try AnsweringMetrics(predictions: given, answers: answers, in: form, nouns: nouns, kinds: kinds)
          .measures)
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

  // MARK: - Numbers

  /// Some of the questions, under a name; all under none.
  struct Group {
    let kinds: String?
    let name: String
    let questions: [Int]

    /// What stands before the names of its measures.
    var prefix: String { kinds.map { "\($0).\(name)." } ?? "" }
  }

  /// All questions, then those of each kind.
  var groups: [Group] {
    [Group(kinds: nil, name: "all", questions: Array(correct.indices))]
      + kinds.flatMap { kinds in
        kinds.groups.map { Group(kinds: kinds.key, name: $0.name, questions: $0.questions) }
      }
  }

  /// The numbers of a group in percent.
  func measures(of group: Group) -> [Measure] {
    each.map { name, values in
      let sum = group.questions.reduce(0.0) { $0 + values[$1] }
      return Measure(group.prefix + name, 100 * sum / Double(max(1, group.questions.count)), .percent)
    }
  }

  /// The numbers in percent, of all questions and then of each kind.
  public var measures: [Measure] { groups.flatMap(measures) }

  public var selection: [Measure] {
    measures(of: groups[0]).filter { ["accuracy", "vqa_accuracy"].contains($0.name) }
  }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  public var json: JSON {
    var json: JSON = .object(measures(of: groups[0]).map { JSON.Member($0.name, $0.json) })
    for kinds in kinds {
      json["per_" + kinds.key] = .object(
        groups.filter { $0.kinds == kinds.key }.map { group in
          let own = measures(of: group).map { measure in
            JSON.Member(String(measure.name.dropFirst(group.prefix.count)), measure.json)
          }
          return JSON.Member(group.name, .object([.init("n", .int(group.questions.count))] + own))
        })
    }
    return json
  }

  public var `protocol`: String {
    "one answer a question, exact match" + (agreement == nil ? "" : ", agreement with several people")
      + (similarity == nil ? "" : ", WUPS over WordNet's nouns")
  }

  public var counts: [(name: String, count: Int)] { [("questions", correct.count)] }

  public var resampled: [any ResampledTest] {
    let means = groups.flatMap { group in
      let isOne = Set(group.questions)
      let shares = group.kinds == nil ? nil : correct.indices.map { isOne.contains($0) ? 1.0 : 0 }
      return each.map { name, values in
        SummedTest.Mean(
          group.prefix + name, shares.map { zip(values, $0).map { $0 * $1 } } ?? values, shares: shares,
          scale: 100)
      }
    }
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
    a.predictions == b.predictions && a.truths == b.truths && a.agreement == b.agreement
      && a.similarity?.at09 == b.similarity?.at09 && a.similarity?.at00 == b.similarity?.at00
      && a.kinds == b.kinds && a.priors == b.priors
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
