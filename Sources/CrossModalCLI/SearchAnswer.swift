import CrossModal
import Foundation
import Torch

/// What is searched with.
struct SearchQuery {
  let card: Card
  /// Of one item.
  let features: Features
  /// Where the item is in the data set, if it is from there.
  var split = ""
  var row = -1
}

/// A query with what it found.
struct SearchAnswer {
  let query: SearchQuery
  let hits: [Gallery.Hit]

  var results: JSON {
    .array(
      hits.map { hit in
        var json: JSON = [
          "rank": .int(hit.rank), "split": .string(hit.split), "row": .int(hit.row),
          "score": .double(hit.score), "id": .string(hit.card.id),
        ]
        if let title = hit.card.title ?? hit.card.text { json["title"] = .string(title) }
        if let path = hit.card.picture?.path { json["picture"] = .string(path) }
        return json
      })
  }

  /// Lines for a terminal.
  ///
  /// - Parameters:
  ///   - isAlone: the only answer, which needs no heading.
  ///   - isNaming: whether the split is told with the row.
  func text(isAlone: Bool, naming isNaming: Bool) -> String {
    let labels = hits.map(\.card.label)
    let width = min(40, labels.map(\.count).max() ?? 0)
    let lines = zip(hits, labels).map { hit, label in
      let place = "\(isNaming ? hit.split : "row") \(hit.row)"
      var line =
        String(format: "%3d  %8.4f  ", hit.rank, hit.score)
        + place.padding(toLength: max(place.count, isNaming ? 12 : 10), withPad: " ", startingAt: 0) + " "
        + label
      if let path = hit.card.picture?.path, path.hasSuffix(label) == false {
        line += String(repeating: " ", count: max(0, width - label.count)) + "  " + path
      }
      return line
    }
    return ((isAlone ? [] : [query.card.label]) + lines + (isAlone ? [] : [""])).joined(separator: "\n")
  }
}

/// What was found, as a page with pictures.
struct SearchPage {
  let run: Run
  /// The modality that was searched.
  let to: Int
  /// How many items were searched.
  let searched: Int
  let answers: [SearchAnswer]

  var report: Report {
    let rows = answers.map { answer in
      PictureGallery.Row(
        answer.query.card.content, note: note(answer.query.card),
        found: answer.hits.map { hit in
          let content = hit.card.content
          // A text says itself what it is.
          if case .text = content { return .init(content, score: hit.score) }
          return .init(content, title: hit.card.label, score: hit.score)
        })
    }
    return Report(
      title: answers.count == 1 ? answers[0].query.card.label : "\(answers.count) searches",
      kicker: "\(run.about.name) on \(run.record.data.name)",
      lead:
        "\(answers.count == 1 ? "What it found" : "What each query found") among \(NumberText.fixed(Double(searched), decimals: 0)) items of \(run.modalities[to]), best first, with the score of each.",
      blocks: [
        .gallery(PictureGallery(rows: rows), caption: "The query on the left, what it found beside it.")
      ],
      footer: "CrossModal \(CrossModalVersion.current)")
  }

  private func note(_ card: Card) -> String {
    if case .picture = card.content { card.title ?? "" } else { "" }
  }
}
