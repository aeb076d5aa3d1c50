import Foundation
import Torch

/// An answer in words and how sure the run is of it.
public struct RankedAnswer: Sendable, Equatable {
  public let text: String
  /// From 0 to 1.
  public let probability: Double

  public init(text: String, probability: Double) {
    self.text = text
    self.probability = probability
  }
}

extension Run {
  /// The best answers to each of some questions about one item, such as a picture, which is encoded once.
  ///
  /// ```swift
  /// let answers = try run.answers(to: ["what color is it?"], about: Items(file: "a.png", as: run.record.data.modalities[0]))
  /// ```
  /// - Parameters:
  ///   - questions: as people write them.
  ///   - item: one item of the other modality, as it comes from a data set or a user.
  ///   - count: how many answers to each question; fewer when the list is shorter.
  /// - Throws: ``RunError`` for a run of another task; ``AnswerError`` for a question without words and for more than one
  ///   item.
  public func answers(
    to questions: [String], about item: Items, top count: Int = 5
  ) throws -> [[RankedAnswer]] {
    let method = try answering()
    guard item.count == 1 else { throw AnswerError.severalItems(item.count) }
    guard !questions.isEmpty else { return [] }
    let asked = try questionSide
    for question in questions where try featurized(.texts([question]), side: asked).lengths == [0] {
      throw AnswerError.noWords(question)
    }
    let one = try featurized(item, side: 1 - asked).rows(at: questions.map { _ in 0 })
    let words = try featurized(.texts(questions), side: asked)
    let rows = [questions.map { _ in 0 }, Array(questions.indices)]
    let batch = Batch(
      modalities: modalities, items: asked == 1 ? [one, words] : [words, one],
      rows: asked == 1 ? rows : rows.reversed())
    return try withoutGradient { try method.answers(to: batch, count: count).map { $0.map(rankedAnswer) } }
  }

  /// Which modality has the questions.
  ///
  /// - Throws: ``RunError`` for a run of another task, or of data without texts beside another modality.
  public var questionSide: Int {
    get throws {
      _ = try answering()
      let kinds = record.data.modalities.map(\.kind)
      guard kinds.count == 2, let side = kinds.firstIndex(of: .text) else {
        throw AnswerError.noQuestions(modalities)
      }
      return side
    }
  }

  private func answering() throws -> any Answering {
    guard let answering = method as? any Answering else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "answering")
    }
    return answering
  }

  /// An answer of the method's list in words.
  func rankedAnswer(_ answer: Answer) -> RankedAnswer {
    let list = targets.first { $0.target.name == Target.answers.name }?.output
    return RankedAnswer(text: list?.text(of: [answer.number]) ?? "", probability: answer.probability)
  }
}

/// A question that cannot be answered.
public enum AnswerError: LocalizedError, UserMistake, Equatable {
  case noWords(String)
  case severalItems(Int)
  case noQuestions([String])

  public var errorDescription: String? {
    switch self {
    case .noWords(let question): "the question '\(question)' has no words, expected one or more"
    case .severalItems(let count): "a question is about one item, here are \(count)"
    case .noQuestions(let modalities):
      "the run has no questions as texts, only \(modalities.joined(separator: ", "))"
    }
  }
}
