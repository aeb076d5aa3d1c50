import CrossModal
import Foundation
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("YAML reads as a person means it")
  func yaml() throws {
    let tree = try JSON(
      yaml: """
        name: wikipedia
        rows: 2173
        rate: 1e-3
        whole: 3.0
        on: true
        word: yes
        none: null
        quoted: "12"
        split: "0:2173"
        list: [1, two, {k: v}]
        """)
    #expect(tree["rows"] == 2173)
    #expect(tree["rate"] == 0.001)
    #expect(tree["whole"]?.int == 3)
    #expect(tree["on"] == true)
    #expect(tree["word"] == "yes")
    #expect(tree["none"] == .null)
    #expect(tree["quoted"] == "12")
    #expect(tree["split"] == "0:2173")
    #expect(tree["list"] == [1, "two", ["k": "v"]])
    #expect(tree.members?.map(\.key).prefix(3) == ["name", "rows", "rate"])
    #expect(throws: (any Error).self) { try JSON(yaml: "a: [1") }
  }

  @Test("what is written reads back equal, as JSON and as YAML")
  func roundTrip() throws {
    let tree: JSON = [
      "text": "line\n\"quoted\" \\ \u{1} ü 中", "number": 0.1, "large": 1e300, "negative": -7, "flag": false,
      "nothing": nil, "empty": [], "like a number": "1.5", "like nothing": "null", "deep": ["a": [1, [2.5]]],
    ]
    #expect(try JSON(yaml: tree.text()) == tree)
    #expect(try JSON(yaml: tree.text(pretty: true)) == tree)
    #expect(try JSON(yaml: tree.yaml()) == tree)
    #expect(try JSON(json: Data(tree.text().utf8))["text"] == tree["text"])
    #expect(JSON.double(.nan).text() == "null")
  }
}
