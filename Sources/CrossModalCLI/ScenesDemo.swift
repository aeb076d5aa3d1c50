import CrossModal
import Foundation
import Torch

/// Scenes of five emoji and captions: SCAN finds out which word means which emoji.
struct ScenesDemo {
  let run: Run
  let evaluation: RunEvaluation
  let retrieval: RetrievalResult
  /// Pairs of scenes that were not learned from, explained.
  let explained: [MatchExplanation]
  /// Words of test captions that name an emoji of their scene, and how many of them look most at that one.
  let named: (words: Int, right: Int)

  /// The scenes of the test part that are explained, each with its first caption.
  static let shown = [0, 3]

  init(folder: URL, note: (String) -> Void) throws {
    note("Scenes: 600 pictures of five emoji with captions to learn from, 120 to test on")
    let place = try BundledData.folder("emoji-scenes")
    let data = try DataSet(at: place.path)
    let test = try data.split("test")
    let run = try Run.trained(
      SCAN.self, recipe: "emoji-scenes", on: data, into: folder.appendingPathComponent("scenes"))
    self.run = run
    (evaluation, retrieval) = try run.measured(on: test)
    note("asking every word what it looks at")
    let captions = test.count(side: 1) / test.count(side: 0)
    explained = try Self.shown.map { try run.explanation(of: test, ($0, $0 * captions)) }
    let all = try String(contentsOf: place.appendingPathComponent("names.txt"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    var named = (words: 0, right: 0)
    for (scene, names) in all.suffix(test.count(side: 0)).enumerated() {
      let found = try Self.checked(run.explanation(of: test, (scene, scene * captions)), names)
      named.words += found.words
      named.right += found.right
    }
    self.named = named
  }

  /// Words of a caption that name an emoji of the scene, and how many of them look most at that one.
  ///
  /// - Parameter names: of the regions in order.
  private static func checked(
    _ explanation: MatchExplanation, _ names: [String]
  ) throws -> (words: Int, right: Int) {
    guard let found = explanation.evidence.first(where: { $0.isScored && $0.asking == 1 }) else {
      return (0, 0)
    }
    let words = explanation.sides[1].parts.map { part in
      if case .word(let word, false) = part { word } else { "" }
    }
    var (count, right) = (0, 0)
    for (region, name) in names.enumerated() {
      let wanted = name.split(separator: " ").map(String.init)
      guard let first = words.indices.first(where: { words[$0...].starts(with: wanted) }) else { continue }
      for word in first..<first + wanted.count {
        let weights = found.weights[word]
        count += 1
        right += weights.firstIndex(of: weights.max() ?? 0) == region ? 1 : 0
      }
    }
    return (count, right)
  }
}
