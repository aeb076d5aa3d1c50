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
    /// A stretch of time, in seconds.
    case clip(ClosedRange<Double>)
    /// Known by its number alone.
    case number(Int)
  }

  /// One of the two items.
  public struct Side: Sendable {
    /// Name of the modality.
    public var modality: String
    /// Row of the item in the split; nil for one of no data set.
    public var row: Int?
    /// What the item is called, or its text.
    public var title: String
    /// uint8 `[h, w, 3]`, where there is a picture.
    public var picture: Tensor?
    public var parts: [Part]
    /// The grid that the parts are cells of, over the whole picture.
    public var grid: PictureGrid?

    /// The modality, with the row where there is one.
    var name: String { row.map { "\(modality) \($0)" } ?? modality }

    public init(
      modality: String, row: Int?, title: String, picture: Tensor? = nil, parts: [Part],
      grid: PictureGrid? = nil
    ) {
      self.modality = modality
      self.row = row
      self.title = title
      self.picture = picture
      self.parts = parts
      self.grid = grid
    }
  }

  public let method: String
  public let dataset: String
  /// Score of the pair; nil of a method that gives none.
  public let score: Double?
  /// What the method makes of the two, such as an answer with its probability; nil of a method that only scores.
  public let outcome: String?
  /// The first modality's item, then the second's.
  public let sides: [Side]
  /// The direction that the score comes from first.
  public let evidence: [Evidence]
  /// The way of the pair, of a method that chooses one.
  public let ways: CellWays?
  /// When the text is true of the video, of a method that finds moments.
  public let timeline: MomentTimeline?
  /// Which cells of two pictures belong together, of a method that compares them place by place.
  public let links: CellLinks?
  /// Which words met which regions in which learned concepts, of a method that has such.
  public let concepts: ConceptMatches?

  /// - Throws: ``ExplanationError`` when the evidence does not fit the parts.
  public init(
    method: String, dataset: String, score: Double?, outcome: String? = nil, sides: [Side],
    evidence: [Evidence],
    ways: CellWays? = nil, timeline: MomentTimeline? = nil, links: CellLinks? = nil,
    concepts: ConceptMatches? = nil
  ) throws {
    for found in evidence {
      guard sides.indices.contains(found.asking), sides.indices.contains(found.attended),
        found.weights.count == found.looks?.count ?? sides[found.asking].parts.count,
        found.relevance.count == found.weights.count,
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
    self.outcome = outcome
    self.sides = sides
    self.evidence = evidence
    self.ways = ways
    self.timeline = timeline
    self.links = links
    self.concepts = concepts
  }

  /// Which of the items consists of words; the second where both do, the one that looks where neither does.
  var wordSide: Int {
    sides.firstIndex { side in
      side.parts.contains { if case .word = $0 { true } else { false } }
    } ?? evidence.first { $0.looks != nil }?.asking ?? 1
  }

  /// Name of what asks: a look, or a part; nil for a mark, which is no word of a text, and for punctuation.
  func asker(_ number: Int, _ found: Evidence) -> String? {
    if let looks = found.looks { return looks[number] }
    if case .word(let word, let isMark) = sides[found.asking].parts[number],
      isMark || word.allSatisfy(\.isPunctuation)
    {
      return nil
    }
    return name(number, of: found.asking)
  }

  /// Name of a part: the word, or the kind and number of a region.
  func name(_ part: Int, of side: Int) -> String {
    if case .word(let word, _) = sides[side].parts[part] { return word }
    if case .clip(let times) = sides[side].parts[part] { return String(format: "%.2f s", times.lowerBound) }
    return evidence.contains { $0.attended == side && $0.clips != nil } ? "clip \(part)" : "region \(part)"
  }

  /// One sentence on a direction.
  func sentence(_ found: Evidence) -> String {
    let (asking, attended) = (sides[found.asking].modality, sides[found.attended].modality)
    if found.looks != nil, found.purpose == .saying {
      return "Before each word of what is said the method looks at the \(attended)."
    }
    if let looks = found.looks {
      return "The \(asking) looks at the \(attended) "
        + (looks.count == 1
          ? "once." : "\(looks.count) times, each time knowing what it saw before; the last look decides.")
    }
    if found.clips != nil {
      return "How much each word of the \(asking) stands out at each moment of the \(attended)."
    }
    if found.purpose == .comparing {
      return
        "Which regions of the \(attended) each word of the \(asking) is most like, as they are compared in training; the "
        + "score is of both as wholes."
    }
    let what = "Parts of the \(asking) attend to parts of the \(attended)"
    if let step = found.step {
      let after = step == 1 ? what : what + " once more, after they took in what they found before"
      return "Step \(step): \(after)."
    }
    return found.isScored
      ? what + "; the score comes from this."
      : what + ": the same vectors the other way round, which the score does not use."
  }

  /// Name of a direction.
  func title(_ found: Evidence) -> String {
    "\(sides[found.asking].modality) → \(sides[found.attended].modality)"
      + (found.step.map { ", step \($0)" } ?? "")
  }
}

extension MatchExplanation {
  /// Writes the picture, or the page, as the file's name ends.
  ///
  /// - Throws: ``ExplanationError`` for a name that ends in neither .png nor .html; what writing throws.
  public func write(to path: String) throws {
    let target = URL(fileURLWithPath: path)
    switch target.pathExtension.lowercased() {
    case "png": try AtomicFile.write(png(), to: target.path)
    case "html": try report().write(to: target)
    default: throw ExplanationError.unknownFormat(path: path)
    }
  }

  /// The shares of every look for programs: the sizes of the grid where there is one, and a list for each hop, or for each
  /// word that is said; nil where no look is shown.
  public var attention: JSON? {
    guard let found = evidence.first(where: { $0.looks != nil }) else { return nil }
    var json: JSON = [:]
    if let grid = found.grid { json = ["rows": .int(grid.height), "columns": .int(grid.width)] }
    let shares = JSON.array(found.weights.map { .array($0.map(JSON.double)) })
    guard found.purpose == .saying else {
      json["hops"] = shares
      return json
    }
    json["words"] = .array((found.looks ?? []).map(JSON.string))
    json["shares"] = shares
    return json
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
