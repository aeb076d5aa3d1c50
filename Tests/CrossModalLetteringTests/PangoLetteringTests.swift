import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalLettering

@Suite("Letters in pictures")
struct PangoLetteringTests {
  private func set(_ text: String, room: Double = 2_000, lines: Int = 1, size: Double = 40) throws -> SetText
  {
    try PangoLettering().set(text, LetterStyle(size: size, room: room, lines: lines, color: 0x102030))
  }

  @Test("letters cover what they enclose, and holes stay free")
  func ink() throws {
    Lettering.registerPango()
    var canvas = Canvas(width: 200, height: 120)
    try canvas.text("O", 20, 100, size: 100, .ink)
    let ink = try canvas.tensor().selected(0, along: 2)
    func value(_ x: Int, _ y: Int) throws -> Int { try ink[y][x].item(as: Int.self) }
    // An O of this size: stroke at the left, hole in the middle, nothing outside.
    #expect(try (20..<45).contains { try value($0, 63) < 60 })
    #expect(try value(60, 63) > 240 && value(150, 63) > 240 && value(60, 112) > 240)
  }

  @Test("a text is as wide as its letters and never wider than its room")
  func widths() throws {
    #expect(try set("il").advance < set("MW").advance)
    let cut = try set("a long line of text that does not fit", room: 150)
    #expect(cut.advance <= 150 && cut.lines == 1)
    #expect(try set("a long line of text that does not fit", room: 150, lines: 9).lines > 3)
    // Chinese has no spaces to break lines at.
    #expect(try set("两只熊在河里捕鱼两只熊在河里捕鱼", room: 200, lines: 9).lines > 2)
  }

  @Test("the color is the one asked for, and edges are its shades")
  func color() throws {
    let text = try set("H")
    let opaque = stride(from: 0, to: text.pixels.count, by: 4).filter { text.pixels[$0 + 3] == 255 }
    #expect(!opaque.isEmpty)
    #expect(opaque.allSatisfy { Array(text.pixels[$0..<$0 + 3]) == [0x10, 0x20, 0x30] })
    #expect(try set("H") == text)
  }

  @Test("Arabic letters join and run from right to left: a word is narrower than its letters")
  func arabic() throws {
    let word = "كتاب"
    let letters = try word.map { try set(String($0)).advance }.reduce(0, +)
    #expect(try set(word).advance < 0.95 * letters)
    #expect(word.isRightToLeft && "שלום 12".isRightToLeft && "12 \"كتاب\"".isRightToLeft)
    #expect(!"a كتاب".isRightToLeft && !"两只熊".isRightToLeft && !"123".isRightToLeft)
  }

  @Test("a letter that no font has is said, and what joins letters is none")
  func unknown() throws {
    Lettering.registerPango()
    #expect(try Lettering.unknownLetters(of: ["red heart", "e\u{301}", "a\u{200D}b\n\tc"]).isEmpty)
    // A place of Unicode that is nobody's.
    #expect(try Lettering.unknownLetters(of: ["a\u{E123}b", "\u{E123}c"]) == "\u{E123}")
    #expect(try set("").width > 0)
  }

  @Test("texts of any length and any letters are set")
  func anyText() throws {
    Lettering.registerPango()
    let texts = [
      "", "\0", String(repeating: "x", count: 100_000), String(repeating: "a\u{301}", count: 3_000),
      "\u{202E}abc\u{202C}", "👩🏽‍🚀 👨‍👩‍👧‍👦 🇩🇪", "\u{FFFF}\u{10FFFF}",
    ]
    for text in texts {
      #expect(try Lettering.set(text, LetterStyle(size: 20, room: .infinity)).height > 0)
      #expect(try Lettering.set(text, LetterStyle(size: 20, room: 0, lines: 3)).height > 0)
    }
  }
}
