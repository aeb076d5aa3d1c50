import CrossModal
import Foundation
import Testing
import Torch

/// Digits that captions name (`scan.md`, section 12): the recipe of the program on real handwriting.
@Suite("SCAN on scenes of digits")
struct SCANBoundsTests {
  @Test(
    "two epochs find pairs and look at the digit that a word names",
    .enabled(if: SharedData.exists, "the shared data are not here"))
  func scenes() throws {
    let folder = try TemporaryFolder()
    let data = try DataSet(at: SharedData.path("mnist-scenes"))
    let settings = try RunSettings(
      SCAN.recipe(named: "mnist-scenes").settings,
      assignments: ["epochs=2", "evaluate_every=0", "schedule.every=1", "threads=1"])
    let (run, _) = try Run.train(
      SCAN.self, settings: settings, data: data, seed: 1, into: folder.url.appendingPathComponent("run"))
    let test = try data.split("test")
    let metrics = try #require(run.evaluate(on: test).retrieval)
    // Chance is 16; the peer comes to 403 after six epochs.
    #expect((metrics.rsum ?? 0) > 230)
    let mass = try DigitLabels().attention(run, test)
    #expect(mass.found > 0.45 && mass.chance > 0.2 && mass.chance < 0.24)
    // What is opened again is what was trained.
    let opened = try Run.open(folder.url.appendingPathComponent("run").path)
    #expect(try opened.evaluate(on: test).retrieval?.rsum == metrics.rsum)
  }
}

/// The digits behind the regions, found among the pictures of MNIST by their bytes.
struct DigitLabels {
  private let labels: [[UInt8]: Int]
  private static let names = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  ]

  init() throws {
    let data = try DataSet(at: SharedData.path("mnist"))
    var labels: [[UInt8]: Int] = [:]
    let split = try data.split("test")
    guard case .images(let pictures) = try split.items(side: 0), let classes = split.labels(side: 0) else {
      throw DigitsMissing()
    }
    let bytes = try (pictures.to(.float32) * 255).rounded().to(.uint8).values(as: UInt8.self)
    for (row, label) in classes.enumerated() { labels[Array(bytes[row * 784..<(row + 1) * 784])] = label }
    self.labels = labels
  }

  struct DigitsMissing: Error {}

  /// The share of attention that words for digits give to regions of that digit, and the share of such regions.
  func attention(_ run: Run, _ split: Split) throws -> (found: Double, chance: Double) {
    var (found, chance, count) = (0.0, 0.0, 0.0)
    let pairs = split.pairedRows(side: 0)
    for row in stride(from: 0, to: split.count(side: 1), by: 5) {
      let explanation = try run.explanation(of: split, (pairs[row], row))
      let regions = try explanation.sides[0].parts.map { part -> Int? in
        guard case .picture(let picture) = part else { return nil }
        return labels[try picture.selected(0, along: 2).contiguous().values(as: UInt8.self)]
      }
      guard let words = explanation.evidence.first(where: { $0.asking == 1 }) else { continue }
      for (part, weights) in words.weights.enumerated() {
        guard case .word(let word, _) = explanation.sides[1].parts[part],
          let digit = Self.names.firstIndex(where: { word == $0 || word == $0 + "s" })
        else { continue }
        let same = regions.indices.filter { regions[$0] == digit }
        found += same.reduce(0) { $0 + weights[$1] }
        chance += Double(same.count) / Double(regions.count)
        count += 1
      }
    }
    return (found / max(1, count), chance / max(1, count))
  }
}
