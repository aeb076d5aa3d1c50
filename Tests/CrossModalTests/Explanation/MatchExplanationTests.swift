import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalLettering

@Suite("Explanation of a match")
struct MatchExplanationTests {
  init() { Lettering.registerPango() }

  static func explanation(
    boxes: Bool, at parts: [MatchExplanation.Part]? = nil
  ) throws -> MatchExplanation {
    let picture = try Tensor.integers(in: 0..<255, [40, 60, 3], using: Generator(seed: 1)).to(.uint8)
    let regions: [MatchExplanation.Part] =
      boxes
      ? [
        .box(left: 0, top: 0, right: 30, bottom: 40), .box(left: 30, top: -5, right: 90, bottom: 20),
        .box(left: 50, top: 30, right: 50, bottom: 30),
      ] : [.number(0), .picture(picture), .number(2)]
    return try MatchExplanation(
      method: "scan", dataset: "toy", score: 0.7,
      sides: [
        .init(
          modality: "image", row: 3, title: "a <picture>", picture: boxes ? picture : nil,
          parts: parts ?? regions),
        .init(
          modality: "text", row: 17, title: "the \"red\" & blue 熊",
          parts: [.word("<start>", isMark: true), .word("red", isMark: false), .word("熊", isMark: false)]),
      ],
      evidence: [
        Evidence(
          asking: 1, attended: 0, weights: [[0.2, 0.3, 0.5], [1, 0, 0], [0, 0, 1]],
          relevance: [0.1, 0.9, 0.2],
          isScored: true),
        Evidence(
          asking: 0, attended: 1, weights: [[0.2, 0.3, 0.5], [1, 0, 0], [0, 0, 1]],
          relevance: [0.1, 0.9, 0.2],
          isScored: false),
      ])
  }

  @Test("the picture decodes, is the same each time, and is not blank", arguments: [true, false])
  func png(boxes: Bool) throws {
    let explanation = try Self.explanation(boxes: boxes)
    let data = try explanation.png()
    #expect(try data == explanation.png())
    let pixels = try Picture(.bytes(data, name: "explanation")).decoded()
    #expect(pixels.size(along: 1) == 1720)
    let values = try pixels.to(.float32)
    #expect(try values.min().item() < 60 && values.mean().item() > 150)
  }

  @Test("the page holds every word, escaped, and its pictures", arguments: [true, false])
  func page(boxes: Bool) throws {
    let html = try Self.explanation(boxes: boxes).report().html
    #expect(html.contains("&quot;red&quot; &amp; blue 熊") && !html.contains("a <picture>"))
    // One for each word that is no mark, one of all regions; once more before the other direction.
    #expect(html.components(separatedBy: "data:image/png").count - 1 == 4)
    #expect(html.contains("0.70"))
  }

  @Test("where a word looks is bright, the rest is pale")
  func attentionIsVisible() throws {
    let explanation = try Self.explanation(boxes: true)
    let panel = try explanation.panel(0, weights: [1, 0, 0], width: 60).tensor().to(.float32)
    let all = try explanation.panel(0, weights: [1, 1, 1], width: 60).tensor().to(.float32)
    let (left, right) = (try panel.narrowed(to: 5..<25, along: 1), try panel.narrowed(to: 35..<60, along: 1))
    #expect(try left.mean().item() < 160 && right.mean().item() > 225)
    #expect(try all.mean().item() < panel.mean().item())
  }

  @Test("boxes far outside the picture show nothing and harm nothing")
  func distantBoxes() throws {
    let explanation = try Self.explanation(
      boxes: true,
      at: [
        .box(left: 1e30, top: 0, right: 2e30, bottom: 5),
        .box(left: -1e30, top: -9, right: 1e30, bottom: 1e30), .box(left: 70, top: 50, right: 60, bottom: 45),
      ])
    #expect(try explanation.png().count > 0)
    #expect(try explanation.report().html.contains("data:image/png"))
  }

  @Test("boxes whose edges are no numbers harm nothing")
  func boxesWithoutEdges() throws {
    let box = MatchExplanation.Part.box(left: .nan, top: .infinity, right: -.infinity, bottom: .nan)
    #expect(try Self.explanation(boxes: true, at: [box, box, box]).png().count > 0)
  }

  @Test("regions without boxes are numbers, however many they are, and no cells of a grid")
  func noGrid() throws {
    let picture = try Tensor.zeros([40, 60, 3], .uint8)
    let parts = try Run.regions(Tensor.normal([36, 5], using: Generator(seed: 1)), nil, of: picture)
    #expect(parts.indices.allSatisfy { if case .number($0) = parts[$0] { true } else { false } })
    #expect(parts.count == 36)
  }

  @Test("shades mean the same in all panels of a direction")
  func oneScale() throws {
    let explanation = try Self.explanation(boxes: true)
    let (panels, strongest) = try explanation.panels(explanation.evidence[0], width: 60)
    // The second word looks at the first region alone: 1; the first word gives it 0.2.
    #expect(strongest == 1)
    let faint = try panels[0].tensor().narrowed(to: 5..<25, along: 1).to(.float32).mean()
    let full = try panels[1].tensor().narrowed(to: 5..<25, along: 1).to(.float32).mean()
    let alone = try explanation.panel(0, weights: [0.2, 0, 0], width: 60).tensor()
      .narrowed(to: 5..<25, along: 1).to(.float32).mean()
    #expect(try faint.item() > full.item() + 40)
    #expect(abs(try alone.item() - full.item()) < 1)
    #expect(explanation.legend(explanation.evidence[0]).contains("cosine"))
    #expect(try explanation.report().html.contains("class=\"shades\""))
  }

  @Test("the document holds words, regions, weights and cosines")
  func document() throws {
    let explanation = try Self.explanation(boxes: true)
    let json = explanation.json
    #expect(json["score"]?.double == 0.7)
    let items = try #require(json["items"]?.array)
    #expect(items[0]["regions"]?.array?[0]["box"]?.array?.compactMap(\.double) == [0, 0, 30, 40])
    #expect(items[1]["words"]?.array?.map { $0["word"]?.string } == ["<start>", "red", "熊"])
    #expect(items[1]["words"]?.array?.map { $0["is_mark"]?.bool } == [true, false, false])
    let scored = try #require(json["evidence"]?.array?.first)
    #expect(scored["from"]?.string == "text" && scored["to"]?.string == "image")
    #expect(scored["weights"]?.array?[1].array?.compactMap(\.double) == [1, 0, 0])
    #expect(scored["cosines"]?.array?.compactMap(\.double) == [0.1, 0.9, 0.2])
  }

  @Test("letters that no font has are said in one sentence, on the picture too")
  func unknownLetters() throws {
    #expect(try Self.explanation(boxes: true).fontCaution()?.contains("熊") != true || !Self.hasChinese)
    var sides = try Self.explanation(boxes: true).sides
    sides[1].title = "a \u{E123}"
    let explanation = try MatchExplanation(
      method: "scan", dataset: "toy", score: nil, sides: sides,
      evidence: Self.explanation(boxes: true).evidence)
    let caution = try #require(try explanation.fontCaution())
    #expect(caution.contains("\u{E123}") && caution.contains("boxes"))
  }

  private static var hasChinese: Bool { (try? Lettering.unknownLetters(of: ["熊"]).isEmpty) ?? false }

  @Test("words from right to left begin at the right, on the page and in the picture")
  func rightToLeft() throws {
    var sides = try Self.explanation(boxes: true).sides
    sides[1].title = "دب أحمر"
    sides[1].parts = ["دب", "أحمر", "كبير"].map { .word($0, isMark: false) }
    let explanation = try MatchExplanation(
      method: "scan", dataset: "toy", score: 0.7, sides: sides,
      evidence: Self.explanation(boxes: true).evidence)
    #expect(try explanation.report().html.contains("<ol class=\"found\" dir=\"rtl\">"))
    let pixels = try Picture(.bytes(explanation.png(), name: "explanation")).decoded().to(.float32)
    // The title stands at the right end of its line.
    let line = pixels.size(along: 0) > 180 ? try pixels.narrowed(to: 120..<180, along: 0) : pixels
    #expect(
      try line.narrowed(to: 1200..<1640, along: 1).mean().item()
        < line.narrowed(to: 80..<520, along: 1).mean().item() - 3)
  }

  @Test("evidence that does not fit the parts is an error")
  func misfit() throws {
    let good = try Self.explanation(boxes: true)
    #expect(throws: ExplanationError.self) {
      try MatchExplanation(
        method: "scan", dataset: "toy", score: 0, sides: good.sides,
        evidence: [Evidence(asking: 1, attended: 0, weights: [[1, 0, 0]], relevance: [1], isScored: true)])
    }
  }

  @Test("places of two pictures that belong together are lines between them, in picture and page")
  func links() throws {
    let picture = try Tensor.full([30, 40, 3], 128).to(.uint8)
    let grids = [
      PictureGrid(height: 3, width: 4, channels: 1), PictureGrid(height: 3, width: 4, channels: 1),
    ]
    func explanation(_ links: [CellLinks.Link]) throws -> MatchExplanation {
      try MatchExplanation(
        method: "densecl", dataset: "toy", score: nil,
        sides: (0..<2).map {
          .init(
            modality: "image", row: $0, title: ["one picture", "another one"][$0], picture: picture, parts: []
          )
        }, evidence: [],
        links: CellLinks(
          grids: grids, links: links, nearest: grids.map { (0..<$0.cells).map { Double($0) / 12 } }))
    }
    let none = try explanation([])
    let some = try explanation([
      .init(from: 0, to: 11, similarity: 0.9), .init(from: 5, to: 6, similarity: 0.2),
    ])
    #expect(try none.png() != some.png())
    #expect(try some.png() == some.png())
    let html = try some.report().html
    #expect(
      html.contains("<h1 dir=\"auto\">one picture ↔ another one</h1>"),
      "\(html.split(separator: "<h1").last?.prefix(80) ?? "")")
    #expect(html.contains("0.20 to 0.90"))
    #expect(html.components(separatedBy: "data:image/png").count - 1 == 2)
    #expect(some.links?.atLeast(0.5).links.count == 1)
    #expect(some.links?.json["links"]?.array?.count == 2)
  }
}
