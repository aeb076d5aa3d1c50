import CrossModal
import Foundation
import Torch

/// Pictures and texts of Wikipedia articles: CCA, and SCM, beside the figures of the paper that made the data.
struct WikipediaDemo {
  /// What papers report on these data.
  let published: [PublishedFigures]
  /// A random ranking's mAP on this data.
  static let chance = 0.118

  let run: Run
  let evaluation: RunEvaluation
  let retrieval: RetrievalResult
  /// CCA that knows the classes.
  let semantic: RetrievalResult
  let test: Split
  /// Correlations without any ridge, as textbooks define them.
  let plain: [Double]

  init(folder: URL, note: (String) -> Void) throws {
    note("Wikipedia: 2,173 articles to learn from, 693 to test on")
    let data = try DataSet(at: BundledData.folder("wikipedia").path)
    published = PublishedFigures.known(of: data.description.name)
    test = try data.split("test")
    run = try Run.fit(CCA.self, settings: RunSettings([:]), data: data)
    (evaluation, retrieval) = try run.measured(on: test)
    semantic = try Run.fit(SCM.self, settings: RunSettings([:]), data: data).measured(on: test).retrieval
    let textbook = try Run.fit(CCA.self, settings: RunSettings(["ridge_mode": "none"]), data: data)
    plain = try (textbook.method as? CCA)?.rho.values() ?? []
    try run.save(to: folder.appendingPathComponent("wikipedia"), reportingOn: data, replacing: true)
  }

  /// mAP of both directions.
  static func precision(_ result: RetrievalResult) -> [Double] {
    [result.retrieval.forward, result.retrieval.backward].map { $0.summary.meanAveragePrecision ?? 0 }
  }
}

extension Run {
  /// An evaluation with what it says of retrieval, the task of all demonstrations.
  func measured(on split: Split) throws -> (evaluation: RunEvaluation, retrieval: RetrievalResult) {
    let evaluation = try evaluate(on: split)
    guard let retrieval = evaluation.result as? RetrievalResult else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "retrieval")
    }
    return (evaluation, retrieval)
  }

  /// Trains by a recipe of the method into a folder, with a report.
  static func trained(
    _ type: any Method.Type, recipe: String, on data: DataSet, into folder: URL
  ) throws -> Run {
    try Run.train(
      type, settings: RunSettings(type.recipe(named: recipe).settings), data: data, into: folder,
      start: .replacing,
      with: { run, outcome, folder in try run.writeReport(of: outcome, on: data, to: folder) }
    ).run
  }
}
