import CrossModal
import Foundation
import Torch

/// Pictures and texts of Wikipedia articles: CCA beside the figures of the paper that made the data.
struct WikipediaDemo {
  /// What papers report on these data.
  let published: [PublishedFigures]
  /// A random ranking's mAP on this data.
  static let chance = 0.118

  let run: Run
  let evaluation: RunEvaluation
  let retrieval: RetrievalResult
  let test: Split
  /// Correlations without any ridge, as textbooks define them.
  let plain: [Double]

  init(folder: URL, note: (String) -> Void) throws {
    note("Wikipedia: 2,173 articles to learn from, 693 to test on")
    let data = try DataSet(at: BundledData.folder("wikipedia").path)
    published = PublishedFigures.known(of: data.description.name)
    // The later components correlate less and blur the ranking.
    let settings = try RunSettings(["k": 5, "ridge_mode": "absolute", "ridge": 0.0001])
    run = try Run.fit(CCA.self, settings: settings, data: data, note: note)
    test = try data.split("test")
    (evaluation, retrieval) = try run.measured(on: test)
    let textbook = try Run.fit(CCA.self, settings: RunSettings(["ridge_mode": "none"]), data: data)
    plain = try (textbook.method as? CCA)?.rho.values() ?? []
    try run.save(to: folder.appendingPathComponent("wikipedia"), reportingOn: data, replacing: true)
  }
}

/// Emoji: CCA between what a picture looks like and the words for it.
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
    "red heart", "smiling face", "clock half past three", "moon", "keycap five", "japanese button",
    "woman with dark skin tone", "biking in the mountains",
  ]

  let run: Run
  let evaluation: RunEvaluation
  let retrieval: RetrievalResult
  let test: Split
  let searches: [Search]

  init(folder: URL, note: (String) -> Void) throws {
    note("Emoji: 1,764 pictures with their words to learn from, 296 to test on")
    let data = try DataSet(
      at: BundledData.folder("emoji").appendingPathComponent("names.dataset.yaml").path)
    let settings = try RunSettings([
      "k": 30, "ridge": 0.1,
      "features": ["image": ["name": "descriptor", "size": 120], "text": ["name": "tfidf", "size": 120]],
    ])
    let run = try Run.fit(CCA.self, settings: settings, data: data, note: note)
    self.run = run
    test = try data.split("test")
    (evaluation, retrieval) = try run.measured(on: test)
    note("searching all pictures by words")
    let gallery = try Gallery(run, of: data.splitNames.map(data.split), side: 0)
    let queries = try run.encode(.texts(Self.queries), side: 1)
    searches = try zip(Self.queries, gallery.search(queries, from: 1, top: 8)).map { query, hits in
      Search(query: query, found: hits.map { ($0.card, $0.score, $0.split == "test") })
    }
    try run.save(to: folder.appendingPathComponent("emoji"), reportingOn: data, replacing: true)
  }
}

extension Run {
  /// An evaluation with what it says of retrieval, the task of both demonstrations.
  fileprivate func measured(on split: Split) throws -> (RunEvaluation, RetrievalResult) {
    let evaluation = try evaluate(on: split)
    guard let retrieval = evaluation.result as? RetrievalResult else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "retrieval")
    }
    return (evaluation, retrieval)
  }
}
