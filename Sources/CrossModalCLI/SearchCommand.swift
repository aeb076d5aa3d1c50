import ArgumentParser
import CrossModal
import Foundation
import Torch

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Find the nearest items of the other modality.",
    discussion: """
      EXAMPLES
        crossmodal search runs/emoji --from text --to image --query-text "red heart"
        crossmodal search runs/emoji --from text --to image --query-text "red heart" --split all
        crossmodal search runs/emoji --from image --to text --query-file h.jpg
        crossmodal search runs/wikipedia --from image --to text --query-row 3 --json

      Searches the split test unless told otherwise; --split all takes the items of every split.
      """)

  /// Stands for every split, unless one has this name.
  private static let everySplit = "all"

  @OptionGroup var options: RunOptions

  @Option(help: "The modality of the query.")
  var from: String

  @Option(help: "The modality that is searched.")
  var to: String

  @Option(help: "A text to search with.")
  var queryText: String?

  @Option(help: "A file to search with: a picture, a text, or a .npy of one vector.")
  var queryFile: String?

  @Option(parsing: .unconditional, help: "A row of the split to search with, from 0.")
  var queryRow: Int?

  @Option(name: .customShort("k"), help: "How many items to find.")
  var count = 10

  @OptionGroup var output: OutputOptions

  func validate() throws {
    let given = [queryText, queryFile, queryRow.map(String.init)].compactMap { $0 }
    guard given.count == 1 else {
      throw ValidationError("Give one of --query-text, --query-file and --query-row.")
    }
    guard count >= 1 else { throw ValidationError("-k: \(count) is not a whole number from 1") }
  }

  func run() throws {
    let start = ContinuousClock.now
    let run = try options.open()
    let source = try run.side(of: from)
    let target = try run.side(of: to)
    let isWithin = source == target
    guard !isWithin || run.modalities.count == 1 else {
      throw UsageError("--from and --to are both '\(from)'; search crosses modalities")
    }
    let set = try RunOptions.dataSet(of: run, data: options.data, strict: options.strict, output)
    let isWhole = options.split == Self.everySplit && !set.splitNames.contains(Self.everySplit)
    guard !isWhole || queryRow == nil else {
      throw UsageError("--query-row is a row of one split; name it with --split")
    }
    let splits = try (isWhole ? set.splitNames : [options.split]).map {
      try RunOptions.readable(set.split($0), strict: options.strict, output)
    }
    let query = try query(run, splits[0], side: source)
    let gallery = try Gallery(run, of: splits, side: target)
    // Within one modality a row of the split does not find itself.
    let own = isWithin ? queryRow.map { [$0] } : nil
    let hits = try gallery.search(query, from: source, top: count, except: own)[0]
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if output.json {
      Console.out([
        "from": .string(from), "to": .string(to), "dataset": .string(set.description.name),
        "split": .string(options.split), "results": .array(hits.map(json)), "seconds": .double(seconds),
      ])
    } else {
      for hit in hits { Console.out(line(hit, named: isWhole)) }
    }
  }

  private func query(_ run: Run, _ split: Split, side: Int) throws -> Features {
    if let queryRow {
      let rows = split.count(side: side)
      guard (0..<rows).contains(queryRow) else {
        throw UsageError(
          "--query-row \(queryRow): split '\(options.split)' has rows 0 to \(rows - 1) of \(from)")
      }
      return try run.encode(split.items(side: side, rows: queryRow..<queryRow + 1), side: side)
    }
    let modality = run.record.data.modalities[side]
    let items =
      try queryText.map { try Items(text: $0, as: modality) }
      ?? Items(file: queryFile ?? "", as: modality)
    guard items.count == 1 else {
      throw UsageError("\(queryFile ?? ""): holds \(items.count) items, expected one")
    }
    if case .texts(let texts) = items, let warning = run.warning(ofQuery: texts[0], side: side) {
      output.warn(warning)
    }
    return try run.encode(items, side: side)
  }

  private func json(_ hit: Gallery.Hit) -> JSON {
    var json: JSON = [
      "rank": .int(hit.rank), "split": .string(hit.split), "row": .int(hit.row), "score": .double(hit.score),
      "id": .string(hit.card.id),
    ]
    if let title = hit.card.title ?? hit.card.text { json["title"] = .string(title) }
    return json
  }

  /// - Parameter named: whether the split is told with the row.
  private func line(_ hit: Gallery.Hit, named: Bool) -> String {
    let place = "\(named ? hit.split : "row") \(hit.row)"
    return String(format: "%3d  %8.4f  ", hit.rank, hit.score)
      + place.padding(toLength: max(place.count, named ? 12 : 10), withPad: " ", startingAt: 0) + " "
      + hit.card.label
  }
}
