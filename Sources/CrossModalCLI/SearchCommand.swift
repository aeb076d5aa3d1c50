import ArgumentParser
import CrossModal
import Foundation
import Torch

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Find the nearest items of the other modality, or of the same.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal search runs/emoji --query-text "red heart"
        crossmodal search runs/emoji --query-text "red heart" --split test -k 3
        crossmodal search runs/emoji --query-file heart.jpg
        crossmodal search runs/emoji --from image --to image --query-file heart.jpg
        crossmodal search runs/emoji --queries words.txt --out found.html
        crossmodal search runs/wikipedia --from image --query-row 3 --json

      Looks at every item of the data set; --split names the part to look at. --from and --to are needed where there \
      is a choice. What was encoded is kept in the run's folder, so that the next search answers at once.
      """))

  /// Stands for every split, unless one has this name.
  private static let everySplit = "all"
  /// Where rows are taken from when no split is named.
  private static let splitOfRows = "test"

  @Argument(
    help: ArgumentHelp("The folder of a run, as `crossmodal train` wrote it.", valueName: "run"),
    completion: .directory)
  var folder: String

  @Option(help: "The modality of the query.")
  var from: String?

  @Option(help: "The modality that is searched.")
  var to: String?

  @Option(help: "A text to search with.")
  var queryText: String?

  @Option(
    help: "A file to search with: a picture, a text, or a .npy of one vector.", completion: .file())
  var queryFile: String?

  @Option(
    parsing: .unconditional,
    help: "A row of the split to search with, from 0; of the split test where none is named.")
  var queryRow: Int?

  @Option(help: "A file of texts to search with, one a line; - reads standard input.")
  var queries: String?

  @Option(name: .customShort("k"), help: "How many items to find.")
  var count = 10

  @Option(help: "Another data set than the run's own: a folder, or a NAME.dataset.yaml.")
  var data: String?

  @Option(help: "The split that is searched; every split without this.")
  var split: String?

  @Option(help: "An .html page to write, with what was found as pictures.")
  var out: String?

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @Flag(help: "Refuse data with items that cannot be read, and what else is only warned of.")
  var strict = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    let given = [queryText, queryFile, queryRow.map(String.init), queries].compactMap { $0 }
    guard given.count == 1 else {
      throw ValidationError("Give one of --query-text, --query-file, --query-row and --queries.")
    }
    guard count >= 1 else { throw ValidationError("-k: \(count) is not a whole number from 1") }
  }

  func run() throws {
    let start = ContinuousClock.now
    if let out {
      try OutputOptions.check(out, endsWith: ".html", because: "what was found is written as a page")
      try StagedFile.check(out, replacing: force)
    }
    let run = try Run.open(folder)
    let set = try RunOptions.dataSet(of: run, data: data, strict: strict, output)
    let (source, target) = try SearchSides(of: run, from: from, to: to, query: kind).places
    let names = searched(set)
    guard split != Self.everySplit || names.count == 1 || queryRow == nil else {
      throw UsageError("--query-row is a row of one split; name it with --split")
    }
    let gallery = try gallery(run, names.map(set.split), side: target)
    let queries = try queries(run, set, gallery, side: source)
    // Within one modality a row does not find itself.
    let own = source == target ? queries.compactMap { gallery.place(split: $0.split, row: $0.row) } : []
    let hits = try gallery.search(
      Features(joining: queries.map(\.features)), from: source, top: count,
      except: own.isEmpty ? nil : own)
    let answers = zip(queries, hits).map { SearchAnswer(query: $0, hits: $1) }
    if let out {
      let page = SearchPage(run: run, to: target, searched: gallery.count, answers: answers)
      try page.report.write(to: URL(fileURLWithPath: out))
    }
    guard output.json else {
      for answer in answers { Console.out(answer.text(isAlone: answers.count == 1, naming: names.count > 1)) }
      if let out {
        output.note("\(out): \(answers.count == 1 ? "what was found" : "what each found"), as a page")
      }
      return
    }
    var json: JSON = [
      "from": .string(run.modalities[source]), "to": .string(run.modalities[target]),
      "dataset": .string(set.description.name), "split": .string(split ?? Self.everySplit),
    ]
    if self.queries == nil, let only = answers.first {
      json["results"] = only.results
    } else {
      json["queries"] = .array(
        answers.map { ["query": .string($0.query.card.label), "results": $0.results] })
    }
    json["seconds"] = .double((ContinuousClock.now - start) / .seconds(1))
    Console.out(json)
  }

  /// What the query is made of.
  private var kind: SearchSides.Query {
    if queryText != nil || queries != nil { return .text }
    return queryFile.map { .file($0) } ?? .row
  }

  /// Names of the splits that are searched.
  private func searched(_ set: DataSet) -> [String] {
    guard let split, split != Self.everySplit || set.splitNames.contains(split) else { return set.splitNames }
    return [split]
  }

  private func gallery(_ run: Run, _ splits: [Split], side: Int) throws -> Gallery {
    let total = splits.reduce(0) { $0 + $1.count(side: side) }
    let progress = Progress("encoding \(run.modalities[side])", of: total, quiet: output.quiet)
    let gallery = try Gallery(
      run, of: splits, side: side, kept: KeptFeatures(in: URL(fileURLWithPath: folder))
    ) { progress.update($0) }
    progress.finish()
    for (split, damaged) in zip(splits, gallery.damaged) {
      try RunOptions.tell(damaged, of: split, strict: strict, output)
    }
    return gallery
  }

  private func queries(
    _ run: Run, _ set: DataSet, _ gallery: Gallery, side: Int
  ) throws -> [SearchQuery] {
    let modality = run.record.data.modalities[side]
    if let queryRow {
      let name = split ?? Self.splitOfRows
      // Rows are counted as they are in the gallery, without the items that cannot be read.
      let rows =
        try gallery.splits.first { $0.name == name }
        ?? RunOptions.readable(set.split(name), strict: strict, output)
      let count = rows.count(side: side)
      guard (0..<count).contains(queryRow) else {
        throw UsageError(
          "--query-row \(queryRow): split '\(name)' has rows 0 to \(count - 1) of \(modality.name)")
      }
      return [
        SearchQuery(
          card: try rows.card(side: side, row: queryRow),
          features: try run.encode(rows.items(side: side, rows: queryRow..<queryRow + 1), side: side),
          split: name, row: queryRow)
      ]
    }
    if let queryFile {
      let items = try Items(file: queryFile, as: modality)
      guard items.count == 1 else {
        throw UsageError("\(queryFile): holds \(items.count) items, expected one")
      }
      warn(of: items, run, side: side)
      return [SearchQuery(card: card(queryFile, items), features: try run.encode(items, side: side))]
    }
    return try texts(as: modality).map { text in
      let items = try Items(text: text, as: modality)
      warn(of: items, run, side: side)
      return SearchQuery(card: Card(id: "query", text: text), features: try run.encode(items, side: side))
    }
  }

  private func texts(as modality: DataDescription.Modality) throws -> [String] {
    guard let queries else { return [queryText ?? ""] }
    let lines: [String]
    if queries == "-" {
      guard let text = String(validating: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
      else {
        throw UsageError("standard input: is not valid UTF-8")
      }
      lines = text.split(whereSeparator: \.isNewline).map(String.init)
    } else {
      guard modality.kind == .text, case .texts(let texts) = try Items(file: queries, as: modality) else {
        throw QueryError.notText(modality: modality.name, kind: modality.kind)
      }
      lines = texts
    }
    let texts = lines.filter { !$0.allSatisfy(\.isWhitespace) }
    guard !texts.isEmpty else {
      throw UsageError(
        "\(queries == "-" ? "standard input" : queries): holds no text, expected one line a query")
    }
    return texts
  }

  private func warn(of items: Items, _ run: Run, side: Int) {
    guard case .texts(let texts) = items else { return }
    for text in texts {
      if let warning = run.warning(ofQuery: text, side: side) { output.warn(warning) }
    }
  }

  /// What a page shows of a file that is a query.
  private func card(_ file: String, _ items: Items) -> Card {
    let name = (file as NSString).lastPathComponent
    return switch items {
    case .texts(let texts): Card(id: "query", text: texts[0])
    case .pictures(let pictures): Card(id: "query", title: name, picture: pictures[0])
    case .images: Card(id: "query", title: name, picture: Picture(.file(URL(fileURLWithPath: file))))
    default: Card(id: "query", title: name)
    }
  }
}
