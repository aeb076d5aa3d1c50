import CrossModal
import Foundation

/// Which modality a query is of, and which is searched: as they are named, else as the query lets only one be.
struct SearchSides {
  enum Query {
    case text
    case file(String)
    /// A row of the data set, which may be of any modality.
    case row
  }

  /// Places of the two among the run's modalities.
  let places: (from: Int, to: Int)

  /// - Throws: ``UsageError`` where there is a choice.
  init(of run: Run, from: String?, to: String?, query: Query) throws {
    let modalities = run.record.data.modalities
    guard modalities.count > 1 else {
      places = try (from.map(run.side) ?? 0, to.map(run.side) ?? 0)
      return
    }
    let target = try to.map(run.side)
    let source = try from.map(run.side) ?? Self.source(of: query, modalities, besides: target)
    let others = modalities.indices.filter { $0 != source }
    guard let found = target ?? (others.count == 1 ? others[0] : nil) else {
      throw UsageError("--to: name the modality that is searched, \(Self.list(others, modalities))")
    }
    places = (source, found)
  }

  /// The only modality that the query can be of.
  private static func source(
    of query: Query, _ modalities: [DataDescription.Modality], besides target: Int?
  ) throws -> Int {
    let possible = modalities.indices.filter { $0 != target }
    if possible.count == 1 { return possible[0] }
    if case .file(let file) = query, !FileManager.default.fileExists(atPath: file) {
      throw QueryError.noFile(file)
    }
    let fitting = possible.filter { query.fits(modalities[$0].kind) }
    if fitting.count == 1 { return fitting[0] }
    guard fitting.isEmpty else {
      throw UsageError("--from: name the modality of the query, \(list(fitting, modalities))")
    }
    let kinds = possible.map { "\(modalities[$0].name) is of kind \(modalities[$0].kind.rawValue)" }
    throw UsageError("no modality of the run takes \(query.name): \(kinds.joined(separator: ", "))")
  }

  private static func list(_ places: [Int], _ modalities: [DataDescription.Modality]) -> String {
    places.map { modalities[$0].name }.joined(separator: " or ")
  }
}

extension SearchSides.Query {
  fileprivate var name: String {
    switch self {
    case .text: "a text"
    case .file(let file): file
    case .row: "a row"
    }
  }

  /// Whether an item of such a kind may be what was given.
  fileprivate func fits(_ kind: ModalityKind) -> Bool {
    switch self {
    case .text: kind == .text
    case .row: true
    case .file(let file): kind.takes(file: file)
    }
  }
}
