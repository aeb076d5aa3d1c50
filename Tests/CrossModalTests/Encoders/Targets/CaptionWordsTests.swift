import CrossModal
import Testing

@Suite("Caption words")
struct CaptionWordsTests {
  private let captions = [["a red car"], ["a red sun"], ["a blue car"], ["a car, red"]]

  @Test("captions are words between marks and come back as texts")
  func words() throws {
    let words = try CaptionWords(
      fittedTo: TargetSource(captions), CaptionWords.Configuration(overrides: ["threshold": 2]))
    let target = words.output(named: "captions")
    let marks = try #require(target.marks)
    #expect(target.count == 7)
    let numbers = words.numbers(of: ["A red moon"])
    #expect(numbers.first == marks.start && numbers.last == marks.end && numbers[3] == marks.unknown)
    #expect(target.text(of: numbers) == "a red <unk>")
    #expect(target.text(of: [numbers[1], marks.end, numbers[2]]) == "a")
    #expect(target.text(of: numbers + [marks.padding, marks.padding]) == "a red <unk>")
    let read = try CaptionWords(settings: words.settings, document: words.document)
    #expect(read.numbers(of: ["a blue car"]) == words.numbers(of: ["a blue car"]))
  }

  @Test("at most so many numbers, the most frequent words first")
  func limit() throws {
    let words = try CaptionWords(
      fittedTo: TargetSource(captions),
      CaptionWords.Configuration(overrides: ["threshold": 1, "most_words": 6]))
    #expect(words.words.vocabulary.words.dropFirst(4) == ["a", "car"])
    #expect(throws: ConfigurationError.self) { try CaptionWords.Configuration(overrides: ["most_words": 4]) }
  }
}
