import Foundation
import Testing

@testable import CrossModal

@Suite("Markup")
struct MarkupTests {
  @Test("whatever a text holds, it stays text")
  func escaping() {
    #expect(
      Markup.escape("<script>alert('a & \"b\"')</script>")
        == "&lt;script&gt;alert(&#39;a &amp; &quot;b&quot;&#39;)&lt;/script&gt;")
    #expect(Markup.escape("爱 ❤️ é") == "爱 ❤️ é")
  }

  @Test("characters that XML forbids are replaced")
  func forbiddenCharacters() {
    #expect(Markup.escape("a\u{0}b\u{1B}c\u{FFFE}d\te\n") == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\te\n")
  }

  @Test("code and strong words have their elements, unpaired marks stay as they are")
  func prose() {
    #expect(Markup.prose("use `a<b>` **now**") == "use <code>a&lt;b&gt;</code> <strong>now</strong>")
    #expect(Markup.prose("one ` mark and **two") == "one ` mark and **two")
    #expect(Markup.prose("`**` stays") == "<code>**</code> stays")
  }

  @Test(
    "numbers have a fixed number of decimals, thousands apart and a true minus",
    arguments: [
      (0.25, 3, "0.250"), (-0.0004, 3, "0.000"), (-12_345.678, 1, "−12,345.7"), (1_000_000, 0, "1,000,000"),
      (999, 0, "999"), (.nan, 2, "–"), (-.infinity, 2, "−∞"),
    ])
  func fixedNumbers(value: Double, decimals: Int, expected: String) {
    #expect(NumberText.fixed(value, decimals: decimals) == expected)
  }

  @Test("shortest numbers and coordinates have no trailing zeros")
  func shortestNumbers() {
    #expect(NumberText.shortest(0.5) == "0.5")
    #expect(NumberText.shortest(100) == "100")
    #expect(Markup.coordinate(3.10) == "3.1")
    #expect(Markup.coordinate(-0.001) == "0")
    #expect(Markup.coordinate(.nan) == "0")
  }
}
