import CrossModal
import Testing

@Suite("Answer list")
struct AnswerListTests {
  private func list(_ answers: [[String]], _ settings: JSON = .null) throws -> AnswerList {
    try AnswerList(fittedTo: TargetSource(answers), AnswerList.Configuration(overrides: settings))
  }

  @Test(
    "the most frequent answers have numbers; those of one frequency in the order of their first appearance")
  func order() throws {
    let answers = [["red", "red", "blue"], ["green"], ["green", "yes"], ["no"], ["red"]]
    #expect(try list(answers).answers == ["red", "green", "blue", "yes", "no"])
    #expect(try list(answers, ["count": 3]).answers == ["red", "green", "blue"])
  }

  @Test(
    "a pair has the numbers of its answers in the list, as often as people gave them, and none outside of it")
  func numbers() throws {
    let list = AnswerList(["red", "2"])
    #expect(list.numbers(of: ["Red", "two", "a red.", "blue"]) == [0, 1, 0])
    #expect(list.numbers(of: ["blue"]) == [])
    let target = list.output(named: "answers")
    #expect(target == .init(name: "answers", texts: ["red", "2"], isNormalized: true) && target.count == 2)
    #expect(target.text(of: [1]) == "2" && target.text(of: [0, 1]) == "red, 2" && target.text(of: [7]) == "")
  }

  @Test("answers of which the one form leaves nothing stay; without it, blanks alone do not count")
  func form() throws {
    #expect(try list([["A", "the  cat"], ["a"]]).answers == ["a", "cat"])
    let raw = try list([["The  Cat "], ["two"]], ["normalize": false])
    #expect(raw.answers == ["The Cat", "two"] && raw.number(of: "the cat") == nil)
  }

  @Test("what is stored makes the same list; what is no list is refused")
  func stored() throws {
    let list = AnswerList(["red", "The"], normalizes: false)
    let read = try AnswerList(settings: list.settings, document: list.document)
    #expect(read.answers == list.answers && !read.normalizes)
    for document: JSON in [["answers": []], ["answers": ["a", 2]], ["answers": ["a", "a"]], [:]] {
      #expect(throws: TargetError.self) { try AnswerList(settings: list.settings, document: document) }
    }
    #expect(throws: TargetError.self) { try self.list([["", " "]]) }
  }
}
