import Foundation
import Torch

extension RetrievalReport {
  /// Names of some items of the split, typed as queries, with the pictures (or other items) that each finds; nothing
  /// where not exactly one of the two modalities is texts.
  ///
  /// The items are evenly spaced through the split, whatever is found for them.
  ///
  /// - Parameters:
  ///   - queries: how many names at most.
  ///   - shown: how many items each finds.
  public func textSearch(queries: Int = 8, shown: Int = 7) throws -> [ReportBlock] {
    let texts = (0..<min(2, run.modalities.count)).filter { run.record.data.modalities[$0].kind == .text }
    guard texts.count == 1, run.modalities.count > 1, let from = texts.first else { return [] }
    let names = try self.names(from: from)
    guard !names.isEmpty else { return [] }
    let count = min(queries, names.count)
    let chosen = (0..<count).map { names[(2 * $0 + 1) * names.count / (2 * count)] }
    let gallery = try vectors(side: 1 - from)
    let ranked = try run.ranked(
      run.encode(.texts(chosen.map(\.text)), side: from), from: from, in: gallery, top: gallery.count)
    let rows = try zip(chosen, ranked).map { name, ranked in
      try row(name, ranked, from: from, shown: shown)
    }
    let other = run.modalities[1 - from]
    let word = names.contains { $0.isTitle } ? "names" : "first texts of \(other) items"
    let name = chosen[0].text.replacingOccurrences(of: "\"", with: "")
    let caption = """
      \(count) of the \(names.count) \(word) in the split `\(split.name)`, evenly spaced, and what \
      each finds among all \(gallery.count) items of \(other), best first. Where the right one is farther down it \
      stands last, with its rank.
      """
    return [
      .section("Search by text"), .text(introduction(names, word, from: from)),
      .gallery(PictureGallery(rows: rows), caption: caption),
      .code(
        "crossmodal search RUN --query-text \"\(name)\"",
        caption:
          "The same with words of your own, over all items of \(other) (`--split` names a part of them):"),
    ]
  }

  /// Those of the evaluation, where they were kept.
  private func vectors(side: Int) throws -> Features {
    if let known = result.vectors?[side] { return known }
    return try run.features(of: split, side: side)
  }

  /// The name of an item of the modality that is no text, and the item's row.
  private typealias ItemName = (text: String, row: Int, isTitle: Bool)

  /// A name for every item that has a text: its title where its text says so too, else the text.
  private func names(from: Int) throws -> [ItemName] {
    var texts = [Int?](repeating: nil, count: split.count(side: 1 - from))
    for (row, text) in zip(split.pairedRows(side: 1 - from), split.pairedRows(side: from))
    where texts[row] == nil {
      texts[row] = text
    }
    return try texts.enumerated().compactMap { row, place in
      guard let place, let text = try split.card(side: from, row: place).text, !text.isEmpty else {
        return nil
      }
      guard let title = try split.card(side: 1 - from, row: row).title, !title.isEmpty,
        text.range(of: title, options: .caseInsensitive) != nil
      else { return (text, row, false) }
      return (title, row, true)
    }
  }

  private func introduction(_ names: [ItemName], _ word: String, from: Int) -> String {
    var text = "Free text is mapped into the common space, and what lies nearest there is found."
    if split.name != run.record.split { text += " Nothing shown was learned from." }
    if word == "names" {
      text += " The queries are names alone, as one types them; the figures above are about the whole texts."
    }
    let unknown = names.count { !run.unknownWords(of: $0.text, side: from).isEmpty }
    if unknown > 0 {
      text +=
        " \(unknown) of the \(names.count) \(word) hold a word that this run never learned: "
        + "it finds them by their other words, or not at all."
    }
    return text
  }

  private func row(
    _ name: ItemName, _ ranked: [RankedRow], from: Int, shown: Int
  ) throws -> PictureGallery.Row {
    let own = ranked.first { $0.row == name.row }
    var found = try ranked.prefix(shown).map { match in
      try self.found(match.row, side: 1 - from, note: "", mark: match.row == name.row ? .hit : .none)
    }
    if let own, own.rank > shown {
      found.append(try self.found(own.row, side: 1 - from, note: "rank \(own.rank)", mark: .hit))
    }
    let unknown = run.unknownWords(of: name.text, side: from)
    let notes = [
      own.map { "rank \($0.rank)" }, unknown.isEmpty ? nil : "unknown: \(unknown.joined(separator: ", "))",
    ]
    return PictureGallery.Row(
      .text(Card.shortened(name.text)),
      note: notes.compactMap(\.self).joined(separator: "; "), found: found)
  }
}
