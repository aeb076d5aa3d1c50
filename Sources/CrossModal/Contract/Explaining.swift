/// A method that can show why two items match.
public protocol Explaining: Method {
  /// How much the parts of one item count for the parts of the other, the direction that the score comes from first,
  /// and of several steps each in turn.
  ///
  /// - Parameter items: one item of each modality, in the data set's order, as the method takes them; two of a method of
  ///   one modality.
  func evidence(_ items: [Items]) throws -> [Evidence]
  /// The way that a pair takes through cells which it chooses by itself; nil, the default, where there are none.
  func ways(_ items: [Items]) throws -> CellWays?
  /// Which cells of two pictures belong together; nil, the default, where they are not compared place by place.
  func links(_ items: [Items]) throws -> CellLinks?
  /// Which parts met in which learned concepts; nil, the default, where there are none.
  func concepts(_ items: [Items]) throws -> ConceptMatches?
}

extension Explaining {
  public func ways(_ items: [Items]) throws -> CellWays? { nil }
  public func links(_ items: [Items]) throws -> CellLinks? { nil }
  public func concepts(_ items: [Items]) throws -> ConceptMatches? { nil }
}

/// What the parts of one item (words, regions) found in the parts of another.
public struct Evidence: Sendable, Equatable {
  /// What an item that looks at another as a whole looks for.
  public enum Purpose: Sendable {
    /// Each look knows what those before saw, and the last one decides.
    case deciding
    /// Each look is of a word that is said.
    case saying
    /// No look of one item: its parts are compared with the other's in training, and the score is of whole items.
    case comparing
  }

  /// Number of the modality whose parts ask.
  public let asking: Int
  /// Number of the modality whose parts are attended to.
  public let attended: Int
  /// How much each part attended to each of the others, by asking part; each row sums to 1.
  public let weights: [[Double]]
  /// How well what each asking part attended to fits it, at most 1; of looks, the share of the part they saw most of.
  public let relevance: [Double]
  /// Whether the score comes from this direction; else it only shows the same vectors the other way round.
  public let isScored: Bool
  /// Which of several steps this is, from 1; nil where parts attend once.
  public let step: Int?
  /// Names of what asks, where an item as a whole asks again and again and not each of its parts: `hop 1`.
  public let looks: [String]?
  /// What looks are for.
  public let purpose: Purpose
  /// The grid that the attended parts are cells of, row by row, over the whole of a picture; nil where they are none.
  public let grid: PictureGrid?
  /// The stretches of time that the attended parts are; nil where they are none.
  public let clips: ClipTimes?

  public init(
    asking: Int, attended: Int, weights: [[Double]], relevance: [Double], isScored: Bool, step: Int? = nil,
    looks: [String]? = nil, purpose: Purpose = .deciding, grid: PictureGrid? = nil, clips: ClipTimes? = nil
  ) {
    self.asking = asking
    self.attended = attended
    self.weights = weights
    self.relevance = relevance
    self.isScored = isScored
    self.looks = looks
    self.purpose = purpose
    self.grid = grid
    self.clips = clips
    self.step = step
  }
}
