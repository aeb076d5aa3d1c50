import CrossModal
import Foundation
import Torch

/// Emoji found by words: CCA and CLIP between the same features of pictures and texts.
struct EmojiDemo {
  /// One query and what it found among all pictures.
  struct Search {
    let query: String
    let found: [(card: Card, score: Double, isUnseen: Bool)]

    var json: JSON {
      [
        "query": .string(query),
        "found": .array(
          found.map {
            ["id": .string($0.card.id), "title": .string($0.card.label), "score": .double($0.score)]
          }),
      ]
    }
  }

  static let queries = [
    "red heart", "strawberry", "moon", "clock half past three", "smiling face", "keycap five",
    "woman with dark skin tone", "biking in the mountains",
  ]
  /// Those that are shown for both methods.
  static let compared = ["moon", "clock half past three", "biking in the mountains"]

  /// CLIP, the better one here.
  let run: Run
  let evaluation: RunEvaluation
  let retrieval: RetrievalResult
  /// CCA.
  let linear: (evaluation: RunEvaluation, retrieval: RetrievalResult)
  let test: Split
  let searches: [Search]
  /// What CCA finds for the queries that are compared.
  let linearSearches: [Search]

  init(folder: URL, note: (String) -> Void) throws {
    note("Emoji: 1,764 pictures with their words to learn from, 296 to test on")
    let data = try DataSet(
      at: BundledData.folder("emoji").appendingPathComponent("names.dataset.yaml").path)
    test = try data.split("test")
    let features = try CLIP.recipe(named: "clip-emoji").settings["features"] ?? .null
    let linear = try Run.fit(
      CCA.self,
      settings: RunSettings(["features": features, "k": 60, "ridge_mode": "relative", "ridge": 0.6]),
      data: data)
    self.linear = try linear.measured(on: test)
    try linear.save(to: folder.appendingPathComponent("emoji-cca"), reportingOn: data, replacing: true)
    run = try .trained(
      CLIP.self, recipe: "clip-emoji", on: data, into: folder.appendingPathComponent("emoji"))
    (evaluation, retrieval) = try run.measured(on: test)
    note("searching all pictures by words")
    searches = try Self.searched(run, data, Self.queries)
    linearSearches = try Self.searched(linear, data, Self.compared)
  }

  private static func searched(_ run: Run, _ data: DataSet, _ queries: [String]) throws -> [Search] {
    let gallery = try Gallery(run, of: data.splitNames.map(data.split), side: 0)
    let asked = try run.encode(.texts(queries), side: 1)
    return try zip(queries, gallery.search(asked, from: 1, top: 8)).map { query, hits in
      Search(query: query, found: hits.map { ($0.card, $0.score, $0.split == "test") })
    }
  }
}
