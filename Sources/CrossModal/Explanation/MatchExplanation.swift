import Foundation
import Torch

/// Why two items match, with what a person sees of them: ``report`` is a page, ``png()`` a picture.
public struct MatchExplanation: Sendable {
  /// A part of an item.
  public enum Part: Sendable {
    /// A word; a mark stands for the beginning or end and is no word of the text.
    case word(String, isMark: Bool)
    /// A rectangle of the item's picture, in pixels.
    case box(left: Double, top: Double, right: Double, bottom: Double)
    /// A picture of its own, uint8 `[h, w, 3]`.
    case picture(Tensor)
    /// Known by its number alone.
    case number(Int)
  }

  /// One of the two items.
  public struct Side: Sendable {
    /// Name of the modality.
    public var modality: String
    /// Row of the item in the split.
    public var row: Int
    /// What the item is called, or its text.
    public var title: String
    /// uint8 `[h, w, 3]`, where there is a picture.
    public var picture: Tensor?
    public var parts: [Part]

    public init(modality: String, row: Int, title: String, picture: Tensor? = nil, parts: [Part]) {
      self.modality = modality
      self.row = row
      self.title = title
      self.picture = picture
      self.parts = parts
    }
  }

  public let method: String
  public let dataset: String
  /// Score of the pair; nil of a method that gives none.
  public let score: Double?
  /// The first modality's item, then the second's.
  public let sides: [Side]
  /// The direction that the score comes from first.
  public let evidence: [Evidence]

  /// - Throws: ``ExplanationError`` when the evidence does not fit the parts.
  public init(method: String, dataset: String, score: Double?, sides: [Side], evidence: [Evidence]) throws {
    for found in evidence {
      guard sides.indices.contains(found.asking), sides.indices.contains(found.attended),
        found.weights.count == sides[found.asking].parts.count, found.relevance.count == found.weights.count,
        found.weights.allSatisfy({ $0.count == sides[found.attended].parts.count })
      else {
        throw ExplanationError.unequalParts(
          evidence: [found.weights.count, found.weights.first?.count ?? 0],
          parts: [found.asking, found.attended].map {
            sides.indices.contains($0) ? sides[$0].parts.count : 0
          })
      }
    }
    self.method = method
    self.dataset = dataset
    self.score = score
    self.sides = sides
    self.evidence = evidence
  }

  /// Which of the items consists of words; the second where both do or neither does.
  var wordSide: Int {
    sides.firstIndex { side in
      side.parts.contains { if case .word = $0 { true } else { false } }
    } ?? 1
  }

  /// Name of a part: the word, or the kind and number of a region.
  func name(_ part: Int, of side: Int) -> String {
    if case .word(let word, _) = sides[side].parts[part] { return word }
    return "region \(part)"
  }

  /// One sentence on a direction.
  func sentence(_ found: Evidence) -> String {
    let (asking, attended) = (sides[found.asking].modality, sides[found.attended].modality)
    let what = "Parts of the \(asking) attend to parts of the \(attended)"
    return found.isScored
      ? what + "; the score comes from this."
      : what + ": the same vectors the other way round, which the score does not use."
  }
}

/// An explanation that cannot be made.
public enum ExplanationError: LocalizedError, Equatable {
  case unequalParts(evidence: [Int], parts: [Int])
  case notExplaining(method: String, known: [String])
  case unknownFormat(path: String)

  public var errorDescription: String? {
    switch self {
    case .unequalParts(let evidence, let parts):
      "the evidence has \(evidence[0]) times \(evidence[1]) weights, the items have \(parts[0]) and \(parts[1]) parts"
    case .notExplaining(let method, let known):
      "\(method) has no parts of items to show; methods that do: \(known.joined(separator: ", "))"
    case .unknownFormat(let path): "\(path): expected a file that ends in .png or .html"
    }
  }
}
