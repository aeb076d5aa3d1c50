import CrossModalLettering
import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Moments over time")
struct MomentTimelineTests {
  init() { Lettering.registerPango() }

  private let finding = MomentFinding(
    moments: [ScoredMoment(start: 1, end: 2, score: 3), ScoredMoment(start: 3, end: 3.5, score: 1)],
    curve: [0, 0.1, 0.8, 0.9, 0.2, -0.3, 0.4, 0],
    clips: ClipTimes(count: 8, seconds: 0.5, duration: 4))

  @Test("says what was found and how well it fits the true moment")
  func sentence() {
    var timeline = MomentTimeline(title: "a dog barks", kicker: "toy", finding: finding)
    #expect(timeline.sentence == "Found from 1.00 s to 2.00 s.")
    timeline.truth = 1...3
    #expect(
      timeline.sentence
        == "Found from 1.00 s to 2.00 s, the true moment is from 1.00 s to 3.00 s: overlap 0.50.")
    timeline.finding.moments = []
    #expect(timeline.sentence == "No moment was found.")
  }

  @Test("shades what was found, marks what is true, and shows frames where there are some")
  func drawing() throws {
    let frame = try Tensor.full([6, 8, 3], 200).to(.uint8)
    let plain = try MomentTimeline(title: "x", kicker: "y", finding: finding).drawing(
      width: 900, isHeaded: false)
    let rich = try MomentTimeline(
      title: "x", kicker: "y", finding: finding, truth: 1...2,
      frames: (0..<8).map { _ in Picture(.pixels(frame)) }
    ).drawing(width: 900, isHeaded: false)
    #expect(rich.height > plain.height)
    // The middle of the best moment is darker than that of no moment, on the line of 1.2 s and of 2.6 s.
    let pixels = try plain.tensor()
    func blue(_ time: Double) throws -> Int {
      let x = Int(140 + (900 - 220) * time / 4)
      return try pixels[200][x][0].item(as: Int.self)
    }
    #expect(try blue(1.2) < blue(2.6))
  }

  @Test("is written as a picture or a page that holds all it needs")
  func files() throws {
    let folder = try TemporaryFolder()
    let timeline = MomentTimeline(title: "a <dog> barks", kicker: "toy", finding: finding, truth: 1...2)
    try timeline.write(to: folder.file("a.png").path)
    try timeline.write(to: folder.file("a.html").path)
    #expect(try Picture(.file(folder.file("a.png"))).size().width == 1720)
    let page = try String(contentsOf: folder.file("a.html"), encoding: .utf8)
    #expect(page.contains("a &lt;dog&gt; barks") && page.contains("overlap 1.00"))
    #expect(throws: ExplanationError.self) { try timeline.write(to: folder.file("a.gif").path) }
  }

  @Test("a video of one clip, or without a rate, is drawn too")
  func odd() throws {
    for clips in [
      ClipTimes(count: 1, seconds: 2, duration: 2), ClipTimes(count: 1, seconds: nil, duration: nil),
    ] {
      let finding = MomentFinding(moments: [ScoredMoment(start: 0, end: 1)], curve: [0.4], clips: clips)
      _ = try MomentTimeline(title: "x", kicker: "y", finding: finding).png()
    }
  }
}
