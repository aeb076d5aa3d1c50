import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Words as numbers")
struct WordFeaturizerTests {
  private static let texts = ["A dog runs.", "a dog", "the cat's dog, a cat"]

  private static func fitted(_ settings: JSON) throws -> WordFeaturizer {
    try WordFeaturizer(
      fittedTo: FeaturizerSource(.texts(texts)), WordFeaturizer.Configuration(overrides: settings))
  }

  @Test("texts become numbers between start and end, padded behind their lengths")
  func numbers() throws {
    let featurizer = try Self.fitted(["threshold": 2])
    #expect(featurizer.vocabulary.words.dropFirst(4) == ["a", "dog", "cat"])
    guard
      case .tokens(let numbers, let lengths) = try featurizer.featurized(.texts(["dog", "A bird, a cat"]))
    else {
      Issue.record("no tokens")
      return
    }
    #expect(numbers.dtype == .int64)
    #expect(lengths == [3, 7])
    #expect(try numbers.values(as: Int.self) == [1, 5, 2, 0, 0, 0, 0, 1, 4, 3, 3, 4, 6, 2])
    let about = featurizer.output(named: "text")
    #expect(about == .init(name: "text", kind: .tokens, vocabulary: 7))
  }

  @Test("words can be shown: unknown ones as they stand in the text")
  func shown() throws {
    let tokens = try Self.fitted(["threshold": 2]).tokens(of: "A bird")
    #expect(
      tokens == [
        TextToken("<start>", number: 1, isMark: true), TextToken("a", number: 4),
        TextToken("bird", number: 3, isUnknown: true), TextToken("<end>", number: 2, isMark: true),
      ])
  }

  @Test("what is stored makes the same featurizer again")
  func stored() throws {
    let featurizer = try Self.fitted(["threshold": 1, "tokenizer": "spaces", "lowercase": false])
    let again = try Featurizers.make(
      "words", settings: featurizer.settings, state: [:], document: featurizer.document)
    #expect((again as? WordFeaturizer)?.vocabulary == featurizer.vocabulary)
    #expect((again as? WordFeaturizer)?.tokenizer == WordTokenizer(.spaces, lowercases: false))
    #expect(throws: FeaturizerError.self) {
      try Featurizers.make("words", settings: featurizer.settings, state: [:])
    }
  }

  @Test("marks can be left out; a text without words then has length 0")
  func withoutMarks() throws {
    let featurizer = try Self.fitted(["threshold": 2, "marks": false])
    guard case .tokens(let numbers, let lengths) = try featurizer.featurized(.texts(["dog", "", "A bird"]))
    else {
      Issue.record("no tokens")
      return
    }
    #expect(lengths == [1, 0, 2])
    #expect(try numbers.values(as: Int.self) == [5, 0, 0, 0, 4, 3])
    let again = try Featurizers.make(
      "words", settings: featurizer.settings, state: [:], document: featurizer.document)
    #expect((again as? WordFeaturizer)?.hasMarks == false)
  }

  @Test("a threshold that nothing reaches, other kinds and wrong settings are refused in words")
  func wrong() throws {
    #expect(
      message { _ = try Self.fitted(["threshold": 9]) }
        == "the featurizer 'words' cannot be fitted: no word occurs 9 times or more; give a smaller threshold"
    )
    #expect(message { _ = try Self.fitted(["threshold": 0]) } == "threshold: 0 is not 1 or more")
    #expect(
      message {
        _ = try Self.fitted(["threshold": 1]).featurized(.vectors(Tensor.zeros([1, 2])))
      } == "the featurizer 'words' takes text, not vector")
  }
}
