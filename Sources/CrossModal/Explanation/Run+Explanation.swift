import Foundation
import Torch

extension Run {
  /// Why two items of a split match.
  ///
  /// - Parameters:
  ///   - split: rows with the run's modalities.
  ///   - rows: row of the first modality, row of the second; of the same where there is but one.
  ///   - threshold: cosine of the places that are shown, where two pictures are compared place by place.
  /// - Throws: ``ExplanationError`` for a method without parts to show; ``DataError`` for rows that do not exist.
  public func explanation(
    of split: Split, _ rows: (Int, Int), threshold: Double = -1
  ) throws -> MatchExplanation {
    let truth = split.moments.flatMap { moments in
      (0..<split.count).first {
        split.pairedRows(side: 0)[$0] == rows.0 && split.pairedRows(side: 1)[$0] == rows.1
      }.map { moments[$0] }
    }
    return try explanation(
      of: [(comparedSides.first, rows.0), (comparedSides.second, rows.1)].map { side, row in
        let card = try split.card(side: side, row: row)
        return Explained(
          side: side, items: try split.items(side: side, at: [row]), row: row, title: card.label,
          picture: card.picture,
          boxes: try split.boxes(side: side, row: row))
      }, on: split.description.name, truth: truth, threshold: threshold)
  }

  /// Why items that are in no data set match, one of each modality: a picture with a question.
  ///
  /// - Parameters:
  ///   - items: one of each modality, in the run's order.
  ///   - titles: what each is called.
  /// - Throws: ``ExplanationError`` for a method without parts to show.
  public func explanation(of items: [Items], titled titles: [String]) throws -> MatchExplanation {
    try explanation(
      of: zip(items, titles).enumerated().map { place, item in
        let (items, title) = item
        var picture: Picture?
        if case .pictures(let pictures) = items { picture = pictures.first }
        if case .images(let rows) = items { picture = Picture(.pixels(try rows[0])) }
        return Explained(
          side: place == 0 ? comparedSides.first : comparedSides.second, items: items, row: nil, title: title,
          picture: picture, boxes: nil)
      }, on: record.data.name)
  }

  /// An item with what is shown of it.
  private struct Explained {
    /// Its modality.
    let side: Int
    let items: Items
    let row: Int?
    let title: String
    let picture: Picture?
    let boxes: Tensor?
  }

  /// - Parameters:
  ///   - truth: the true moment, of data that have moments.
  ///   - threshold: cosine of the places that are shown.
  private func explanation(
    of pair: [Explained], on dataset: String, truth: ClosedRange<Double>? = nil, threshold: Double = -1
  ) throws -> MatchExplanation {
    guard let method = method as? any Explaining else {
      throw ExplanationError.notExplaining(
        method: about.name,
        known: MethodList.all.filter { $0 is any Explaining.Type }.map { $0.description.name })
    }
    let seen = try pair.map { try featurized($0.items, side: $0.side) }
    return try withoutGradient { () -> MatchExplanation in
      let evidence = try method.evidence(seen)
      // A method of another task than retrieval has evidence and no score.
      var score: Double?
      if let alignment = method as? any Alignment { score = try self.score(of: seen, by: alignment) }
      return try MatchExplanation(
        method: about.name, dataset: dataset, score: score,
        outcome: try outcome(of: method, seen),
        sides: pair.enumerated().map { side, own in
          try self.side(own, seen[side], evidence.first { $0.attended == side })
        }, evidence: evidence, ways: method.ways(seen),
        timeline: (method as? any CurveGrounding).flatMap { method in
          guard evidence.contains(where: { $0.clips?.seconds != nil }) else { return nil }
          let batch = Batch(modalities: modalities, items: seen, rows: [[0], [0]])
          return MomentTimeline(
            title: pair[1 - method.videoSide].title, kicker: about.name,
            finding: try method.findings(in: batch)[0],
            truth: truth)
        }, links: method.links(seen)?.atLeast(threshold),
        concepts: method.concepts(seen).map { found in
          let known = vocabulary(side: pair[found.wordSide].side)
          return found.named { known?.word($0) }
        })
    }
  }

  /// The words of a modality by their numbers; nil where its texts do not become words.
  private func vocabulary(side: Int) -> Vocabulary? {
    (featurizers[modalities[side]] as? WordFeaturizer)?.vocabulary
  }

  private func score(of items: [Items], by method: some Alignment) throws -> Double {
    try method.similarity(method.encode(items[0], side: 0), method.encode(items[1], side: 1)).item()
  }

  /// The best answer with its probability, or the caption.
  private func outcome(of method: any Explaining, _ items: [Items]) throws -> String? {
    if let method = method as? any Answering { return try answer(of: method, to: items) }
    guard let method = method as? any Captioning else { return nil }
    return try method.captions(of: items[method.describedSide]).first.map(captionText)
  }

  /// The best answer with its probability.
  private func answer(of method: any Answering, to items: [Items]) throws -> String {
    let batch = Batch(modalities: modalities, items: items, rows: items.map { _ in [0] })
    let best = try method.answers(to: batch, count: 1)[0].first
    return best.map(rankedAnswer).map { "\($0.text) (\(String(format: "%.0f", 100 * $0.probability)) %)" }
      ?? ""
  }

  private func side(
    _ own: Explained, _ seen: Items, _ attended: Evidence?
  ) throws -> MatchExplanation.Side {
    let grid = attended?.grid
    var made = MatchExplanation.Side(
      modality: modalities[own.side], row: own.row, title: own.title, picture: try own.picture?.decoded(),
      parts: [],
      grid: grid)
    if let clips = attended?.clips {
      made.parts = (0..<clips.count).map { clip in clips.times(of: clip).map { .clip($0) } ?? .number(clip) }
      return made
    }
    switch seen {
    case .tokens(_, let lengths):
      let words = tokens(of: own.items, side: own.side)?.first
      made.parts = words?.map { .word($0.text, isMark: $0.isMark) } ?? (0..<lengths[0]).map { .number($0) }
    case .sets(let rows, let lengths), .sequences(let rows, let lengths):
      made.parts = try Self.regions(rows[0][0..<lengths[0]], own.boxes, of: made.picture)
    case .images, .pictures:
      made.parts =
        grid.map { grid in made.picture.map { grid.boxes(on: $0) } ?? (0..<grid.cells).map { .number($0) } }
        ?? []
    default: break
    }
    return made
  }

  /// Regions by what is known of them: boxes on a picture, pixels, or their numbers.
  static func regions(
    _ features: Tensor, _ boxes: Tensor?, of picture: Tensor?
  ) throws -> [MatchExplanation.Part] {
    let count = features.size(along: 0)
    if picture != nil, let boxes, boxes.size(along: 0) >= count {
      let edges = try boxes.values(as: Double.self)
      return (0..<count).map {
        .box(left: edges[$0 * 4], top: edges[$0 * 4 + 1], right: edges[$0 * 4 + 2], bottom: edges[$0 * 4 + 3])
      }
    }
    if let pictures = try pixels(features) { return pictures.map { .picture($0) } }
    return (0..<count).map { .number($0) }
  }

  /// Features that are the pixels of square pictures: as many as a square of 14 or more has, from 0 to 1 or to 255.
  private static func pixels(_ features: Tensor) throws -> [Tensor]? {
    let width = features.size(along: 1)
    let side = Int(Double(width).squareRoot().rounded())
    guard side >= 14, side * side == width, features.count > 0 else { return nil }
    let values = try features.to(.float32)
    let (low, high): (Double, Double) = (try values.min().item(), try values.max().item())
    guard low >= 0, high <= 255 else { return nil }
    let grey = try (high <= 1 ? values * 255 : values).rounded().to(.uint8).reshaped(-1, side, side, 1)
    return try (0..<grey.size(along: 0)).map { try grey[$0].expanded(to: [side, side, 3]).contiguous() }
  }
}

extension PictureGrid {
  /// The cells as rectangles of a picture `[h, w, 3]`.
  fileprivate func boxes(on picture: Tensor) -> [MatchExplanation.Part] {
    let (down, across) = (
      Double(picture.size(along: 0)) / Double(height), Double(picture.size(along: 1)) / Double(width)
    )
    return (0..<cells).map { cell in
      let (row, column) = (Double(cell / width), Double(cell % width))
      return .box(
        left: column * across, top: row * down, right: (column + 1) * across, bottom: (row + 1) * down)
    }
  }
}
