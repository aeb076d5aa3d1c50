extension MatchExplanation {
  /// Everything that is shown, for programs: the items with their words or regions; and of every direction and step, the
  /// scored one first, the weights by asking part and the cosine of each part and what it attended to.
  public var json: JSON {
    var json: JSON = [
      "method": .string(method), "dataset": .string(dataset), "score": score.map(JSON.double) ?? .null,
      "items": .array(sides.map(\.json)), "evidence": .array(evidence.map(json)),
    ]
    if let outcome { json[saysCaption ? "caption" : "answer"] = .string(outcome) }
    if let ways {
      json["ways"] = [
        "cells": .array(ways.cells.map(JSON.string)),
        "weights": .array(
          ways.weights.map { .array($0.map { .array($0.map(JSON.double)) }) }),
      ]
    }
    if let concepts { json["concepts"] = concepts.json }
    return json
  }

  /// One direction or step. Of looks there is no cosine, but the share of the part that each saw most of.
  private func json(_ found: Evidence) -> JSON {
    var json: JSON = [
      "from": .string(sides[found.asking].modality), "to": .string(sides[found.attended].modality),
      "scored": .bool(found.isScored),
      "weights": .array(found.weights.map { .array($0.map(JSON.double)) }),
      (found.looks == nil ? "cosines" : "largest_shares"): .array(found.relevance.map(JSON.double)),
    ]
    if let step = found.step { json["step"] = .int(step) }
    if let looks = found.looks { json["looks"] = .array(looks.map(JSON.string)) }
    if let grid = found.grid { json["grid"] = ["rows": .int(grid.height), "columns": .int(grid.width)] }
    return json
  }
}

extension MatchExplanation.Side {
  fileprivate var json: JSON {
    let hasWords = parts.contains { if case .word = $0 { true } else { false } }
    return [
      "modality": .string(modality), "row": row.map(JSON.int) ?? .null, "title": .string(title),
      (hasWords ? "words" : "regions"): .array(
        parts.enumerated().map { number, part in
          switch part {
          case .word(let word, let isMark): ["word": .string(word), "is_mark": .bool(isMark)]
          case .box(let left, let top, let right, let bottom):
            ["number": .int(number), "box": .array([left, top, right, bottom].map(JSON.double))]
          case .clip(let times):
            ["number": .int(number), "seconds": [.double(times.lowerBound), .double(times.upperBound)]]
          case .picture, .number: ["number": .int(number)]
          }
        }),
    ]
  }
}
