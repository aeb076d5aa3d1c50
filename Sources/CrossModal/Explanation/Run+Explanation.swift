import Foundation
import Torch

extension Run {
  /// Why two items of a split match.
  ///
  /// - Parameters:
  ///   - split: rows with the run's modalities.
  ///   - rows: row of the first modality, row of the second.
  /// - Throws: ``ExplanationError`` for a method without parts to show; ``DataError`` for rows that do not exist.
  public func explanation(of split: Split, _ rows: (Int, Int)) throws -> MatchExplanation {
    guard let method = method as? any Explaining else {
      throw ExplanationError.notExplaining(
        method: about.name,
        known: MethodList.all.filter { $0 is any Explaining.Type }.map { $0.description.name })
    }
    var (items, sides): ([Items], [MatchExplanation.Side]) = ([], [])
    for (side, row) in [rows.0, rows.1].enumerated() {
      let own = try split.items(side: side, at: [row])
      let seen = try featurizers[modalities[side]]?.featurized(own) ?? own
      items.append(seen)
      sides.append(try self.side(split, side, row, own, seen))
    }
    return try withoutGradient { () -> MatchExplanation in
      // A method of another task than retrieval has evidence and no score.
      var score: Double?
      if let alignment = method as? any Alignment { score = try self.score(of: items, by: alignment) }
      return try MatchExplanation(
        method: about.name, dataset: split.description.name, score: score, sides: sides,
        evidence: method.evidence(items))
    }
  }

  private func score(of items: [Items], by method: some Alignment) throws -> Double {
    try method.similarity(method.encode(items[0], side: 0), method.encode(items[1], side: 1)).item()
  }

  private func side(
    _ split: Split, _ side: Int, _ row: Int, _ own: Items, _ seen: Items
  ) throws -> MatchExplanation.Side {
    let card = try split.card(side: side, row: row)
    var made = MatchExplanation.Side(
      modality: modalities[side], row: row, title: card.label, picture: try card.picture?.decoded(), parts: []
    )
    switch seen {
    case .tokens(_, let lengths):
      let words = tokens(of: own, side: side)?.first
      made.parts = words?.map { .word($0.text, isMark: $0.isMark) } ?? (0..<lengths[0]).map { .number($0) }
    case .sets(let rows, let lengths), .sequences(let rows, let lengths):
      made.parts = try Self.regions(
        rows[0][0..<lengths[0]], split.boxes(side: side, row: row), of: made.picture)
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
