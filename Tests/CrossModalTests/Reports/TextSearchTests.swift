import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Search by text in a report")
struct TextSearchTests {
  private static let colors = ["red", "blue", "green", "grey"]
  private static let things = ["heart", "car", "sun", "moon", "cat", "dog"]

  /// Vectors that say color and thing, and texts of the same; items 3 and 9 have titles that their texts lack.
  private static func data(_ splits: String) throws -> (TemporaryFolder, DataSet) {
    let folder = try TemporaryFolder()
    let items = colors.indices.flatMap { color in things.indices.map { (color, $0) } }
    let rows = items.map { color, thing in
      (0..<10).map { $0 == color || $0 == 4 + thing ? 1.0 : 0 }
    }
    try folder.write(try Tensor(rows.flatMap(\.self), shape: [24, 10]).to(.float32), to: "x.npy")
    let names = items.map { "\(colors[$0]) \(things[$1])" }
    try folder.write(names.map { "\($0), a \($0)" }.joined(separator: "\n"), to: "texts.txt")
    let cards = names.enumerated().map { row, name in
      "{\"id\": \"i\(row)\", \"title\": \"\([3, 9].contains(row) ? "IMG_\(row)" : name.capitalized)\"}"
    }
    try folder.write(cards.joined(separator: "\n"), to: "items.jsonl")
    try folder.write(
      """
      modalities:
        thing: { file: x.npy, kind: vector, items: items.jsonl }
        text: { file: texts.txt, kind: text }
      splits: \(splits)
      """, to: "dataset.yaml")
    return (folder, try DataSet(at: folder.path))
  }

  private static func report(on data: DataSet, _ split: String) throws -> (RetrievalReport, Split) {
    let run = try Run.fit(CCA.self, settings: RunSettings(["k": 6, "ridge": 0.01]), data: data)
    let split = try data.split(split)
    let result = try #require(run.evaluate(on: split).result as? RetrievalResult)
    return (RetrievalReport(run, on: split, result), split)
  }

  private func gallery(_ blocks: [ReportBlock]) throws -> (rows: [PictureGallery.Row], caption: String) {
    for case .gallery(let gallery, let caption) in blocks { return (gallery.rows, caption) }
    throw FeatureError.nothingToEncode
  }

  @Test("names evenly spaced through the split are asked for; a row holds the right item once, at its rank")
  func rows() throws {
    let (_, data) = try Self.data("{ train: \"0:24\" }")
    let (report, split) = try Self.report(on: data, "train")
    let (rows, caption) = try gallery(report.textSearch(queries: 4, shown: 3))
    // Items 3, 9, 15 and 21: of the first two the texts, for their titles are no words of theirs.
    let asked = ["red moon, a red moon", "blue moon, a blue moon", "Green Moon", "Grey Moon"]
    #expect(rows.map(\.query) == asked.map(PictureGallery.Content.text))
    #expect(caption.hasPrefix("4 of the 24 names in the split `train`"))
    let features = try report.run.features(of: split, side: 0)
    for (row, (item, words)) in zip(rows, zip([3, 9, 15, 21], asked)) {
      let query = try report.run.encode(.texts([words]), side: 1)
      let order = try report.run.ranked(query, from: 1, in: features, top: 24)[0].map(\.row)
      let rank = try #require(order.firstIndex(of: item)) + 1
      #expect(row.note == "rank \(rank)")
      #expect(row.found.count == (rank > 3 ? 4 : 3))
      #expect(row.found.map { $0.mark == .hit }.firstIndex(of: true) == min(rank, 4) - 1)
      #expect(row.found.count { $0.mark == .hit } == 1)
    }
  }

  @Test("words that were never learned are named, and counted over the whole split")
  func unknown() throws {
    let (_, data) = try Self.data("{ train: \"0:18\", test: \"18:24\" }")
    let (report, _) = try Self.report(on: data, "test")
    let blocks = try report.textSearch(queries: 2)
    let rows = try gallery(blocks).rows
    #expect(rows.map(\.query) == [.text("Grey Car"), .text("Grey Cat")])
    #expect(rows.allSatisfy { $0.note.hasSuffix("unknown: grey") })
    guard case .text(let introduction) = blocks[1] else {
      Issue.record("no introduction")
      return
    }
    #expect(introduction.contains("Nothing shown was learned from"))
    #expect(introduction.contains("6 of the 6 names hold a word that this run never learned"))
    #expect(report.run.unknownWords(of: "grey GREY red", side: 1) == ["grey"])
    #expect(report.run.unknownWords(of: "grey", side: 0) == [])
  }

  @Test("the section stands in the page of a run on texts, and not in that of two vectors")
  func pages() throws {
    let (_, data) = try Self.data("{ train: \"0:18\", test: \"18:24\" }")
    let (report, _) = try Self.report(on: data, "test")
    #expect(try Report(title: "", blocks: report.blocks()).html.contains(">Search by text</h2>"))
    let halves = try DataSet(at: BundledData.folder("digits-halves").path)
    let (other, _) = try Self.report(on: halves, "test")
    #expect(try other.textSearch().isEmpty)
  }

  @Test("a gallery of several splits knows where each item is from")
  func gallery() throws {
    let (_, data) = try Self.data("{ train: \"0:18\", test: \"18:24\" }")
    let (report, _) = try Self.report(on: data, "test")
    let whole = try Gallery(report.run, of: data.splitNames.map(data.split), side: 0)
    #expect(whole.features.count == 24)
    let best = try whole.search("red sun", top: 1)[0]
    #expect(best.card.title == "Red Sun" && best.rank == 1)
    let all = try whole.search(Items(text: "red sun", as: report.run["text"].description), top: 99)[0]
    #expect(all.count == 24 && all[0].row == best.row)
    // Row i is the item of its split, whichever that is.
    for hit in all { #expect(try data.split(hit.split)["thing"].card(hit.row).id == hit.card.id) }
    // An item of the gallery does not find itself.
    let own = try whole.features.items(3..<4)
    #expect(try whole.search(own, from: 0, top: 30, except: [3])[0].count == 23)
  }

  @Test("equal scores stand in the order of their rows, also where the list is cut among them, and NaN last")
  func ties() throws {
    let (_, data) = try Self.data("{ train: \"0:24\" }")
    let run = try Run.fit(CCA.self, settings: RunSettings(["k": 2, "ridge": 0.01]), data: data)
    let gallery = Features(try Tensor([1.0, 0, .nan, 0, 0, 1, 1, 0, 2, 0, 0, 3]).reshaped(6, 2))
    let query = Features(try Tensor([1.0, 0]).reshaped(1, 2))
    for count in 1...6 {
      let found = try run.ranked(query, from: 0, in: gallery, top: count)[0]
      #expect(found.map(\.row) == Array([0, 3, 4, 2, 5, 1].prefix(count)))
      #expect(found.map(\.rank) == Array(1...count))
    }
  }
}
