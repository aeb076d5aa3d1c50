import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Damaged pictures")
struct DamagedPicturesTests {
  /// Eight pictures with two captions each, of which those at `damaged` are cut short.
  private func folder(_ damaged: [Int]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("images"), withIntermediateDirectories: true)
    for row in 0..<8 {
      let pixels = try Tensor.integers(in: 0..<256, [10, 12, 3], using: Generator(seed: UInt64(row)))
      let png = try Picture.png(pixels.to(.uint8))
      try (damaged.contains(row) ? png.prefix(png.count / 2) : png).write(
        to: folder.url.appendingPathComponent("images/\(row).png"))
    }
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
    }
    try write((0..<8).map { "\($0).png\n" }.joined(), "list.txt")
    try write((0..<16).map { "thing\($0 / 2) number\($0)\n" }.joined(), "captions.txt")
    try write(
      """
      name: shots
      modalities:
        image: { file: images, list: list.txt, kind: images }
        text: { file: captions.txt, kind: text }
      captions_per_item: 2
      splits: { train: "0:6", val: "6:8" }
      """, "dataset.yaml")
    return folder
  }

  @Test("a picture that cannot be decoded is left out with its captions, and said so by name")
  func skipped() throws {
    let folder = try folder([1, 4])
    let split = try DataSet(at: folder.url.path).split("train")
    let (rest, damaged) = try split.withoutDamagedPictures(sides: [0, 1], threads: 2)
    #expect(rest.count(side: 0) == 4 && rest.count == 8)
    #expect(damaged.map(\.file).map { URL(fileURLWithPath: $0).lastPathComponent } == ["1.png", "4.png"])
    guard case .texts(let lines) = try rest.items(side: 1) else { return }
    #expect(
      lines == [0, 2, 3, 5].flatMap { ["thing\($0) number\(2 * $0)", "thing\($0) number\(2 * $0 + 1)"] })
    #expect(damaged.sentence.hasPrefix("2 pictures that cannot be read are left out: "))
    #expect(try split.withoutDamagedPictures(sides: [1]).damaged.isEmpty)
    let all = try self.folder(Array(0..<6))
    #expect(throws: DataError.self) {
      try DataSet(at: all.url.path).split("train").withoutDamagedPictures(sides: [0])
    }
  }

  @Test(
    "training goes on without them, also where they are held out, and the run and its notes say which")
  func training() throws {
    let folder = try folder([2])
    let settings = try RunSettings([
      "hidden": 8, "pictures": ["size": 8], "epochs": 1, "batch_size": 4,
      "features": ["text": ["name": "tfidf", "size": 4]],
    ])
    let out = folder.url.appendingPathComponent("run")
    var notes: [String] = []
    let (run, _) = try Run.train(
      CLIP.self, settings: settings, data: DataSet(at: folder.url.path), into: out
    ) { if case .note(let text) = $0 { notes.append(text) } }
    #expect(run.record.skipped.count == 1 && run.record.skipped[0].hasSuffix("2.png"))
    #expect(notes.contains { $0.contains("2.png") })
    #expect(try RunRecord.begun(in: out).skipped == run.record.skipped)
    try run.writeReport(on: DataSet(at: folder.url.path), to: out)
    let report = try String(contentsOf: out.appendingPathComponent("report.html"), encoding: .utf8)
    #expect(report.contains("pictures left out"))
    let held = try self.folder([7])
    notes = []
    try Run.train(
      CLIP.self, settings: settings, data: DataSet(at: held.url.path),
      into: held.url.appendingPathComponent("run")
    ) { if case .note(let text) = $0 { notes.append(text) } }
    #expect(notes.contains { $0.hasPrefix("val: 1 picture ") && $0.contains("7.png") })
  }
}
