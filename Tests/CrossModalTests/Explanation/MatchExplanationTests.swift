import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Explanation of a match")
struct MatchExplanationTests {
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

  @Test("letters cover what their outlines enclose, and holes stay free")
  func letters() throws {
    var canvas = Canvas(width: 200, height: 120)
    canvas.text("O", 20, 100, size: 100, .ink)
    let ink = try canvas.tensor().selected(0, along: 2)
    func value(_ x: Int, _ y: Int) throws -> Int { try ink[y][x].item(as: Int.self) }
    // An O of this size: stroke at the left, hole in the middle, nothing outside.
    #expect(try (20..<45).contains { try value($0, 63) < 60 })
    #expect(try value(59, 63) > 240 && value(150, 63) > 240 && value(59, 110) > 240)
    #expect(Lettering.standard.width("il", size: 10) < Lettering.standard.width("MW", size: 10))
    #expect(Lettering.standard.fitted("a long line of text", to: 40, size: 10).hasSuffix("…"))
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
}
