import Foundation

/// The most frequent answers of the training part, each with its number: answering is choosing one of them.
///
/// Every accepted answer of every pair counts; answers of one frequency stand in the order in which they first occur.
/// A run folder holds the list as `answers.json`.
public struct AnswerList: TargetEncoder {
  public static let documentName = "answers"

  public struct Configuration: MethodConfiguration {
    public var count = 1000
    public var normalize = true

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "count", "how many answers, the most frequent ones", aliases: ["num_answers", "top_answers"],
        in: .count(1...1 << 24)),
      ConfigurationKey(
        "normalize",
        "bring answers to one form first: lower case, no punctuation, no articles, digits for numbers"),
    ]
  }

  /// The answers in the order of their numbers.
  public let answers: [String]
  /// Whether texts are brought to one form before they are looked up.
  public let normalizes: Bool
  private let places: [ExactText: Int]

  /// - Parameter normalizes: whether texts are brought to one form before they are looked up; the list has that form.
  public init(_ answers: [String], normalizes: Bool = true) {
    self.answers = answers
    self.normalizes = normalizes
    places = Dictionary(answers.enumerated().map { (ExactText($1), $0) }) { first, _ in first }
  }

  public init(fittedTo source: TargetSource, _ configuration: Configuration) throws {
    var counts: [ExactText: (count: Int, first: Int)] = [:]
    try source.forEachChunk { pairs in
      for text in pairs.joined() {
        let next = counts.count
        counts[
          ExactText(AnswerNormalizer.form(of: text, normalizes: configuration.normalize)), default: (0, next)
        ]
        .count += 1
      }
    }
    // An answer of blanks alone is none.
    counts[""] = nil
    guard !counts.isEmpty else {
      throw TargetError.nothingToLearn(target: "answers", reason: "there are no answers")
    }
    let sorted = counts.sorted { ($1.value.count, $0.value.first) < ($0.value.count, $1.value.first) }
    self.init(sorted.prefix(configuration.count).map(\.key.text), normalizes: configuration.normalize)
  }

  public init(settings: JSON, document: JSON) throws {
    let list = document["answers"]?.array ?? []
    let answers = list.compactMap(\.string)
    guard !answers.isEmpty, answers.count == list.count, Set(answers).count == answers.count else {
      throw TargetError.badState(
        target: "answers", reason: "it is no list of different texts under 'answers'")
    }
    guard let normalizes = settings["normalize"]?.bool else {
      throw TargetError.badState(
        target: "answers", reason: "'normalize' is missing or neither true nor false")
    }
    self.init(answers, normalizes: normalizes)
  }

  public var settings: JSON { ["normalize": .bool(normalizes)] }
  public var document: JSON { ["answers": .array(answers.map(JSON.string))] }

  public func output(named name: String) -> DataDescription.Target {
    .init(name: name, texts: answers, isNormalized: normalizes)
  }

  /// The number of an answer; nil when it is outside of the list.
  public func number(of answer: String) -> Int? {
    places[ExactText(AnswerNormalizer.form(of: answer, normalizes: normalizes))]
  }

  /// Numbers of the answers that are in the list, in their order; an answer that several people gave is there as often.
  public func numbers(of texts: [String]) -> [Int] { texts.compactMap(number) }
}
