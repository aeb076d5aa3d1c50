import Torch

/// A data set of sets of regions and of texts as words, as methods that relate the fragments of both see it: which
/// modality is which, how large the encoders have to be, and which items they cannot take.
struct RegionsAndWords: Sendable {
  /// Which modality has the words; the other one has the regions.
  let wordSide: Int
  /// Width of the regions' features.
  let regionWidth: Int
  /// How many word numbers there are.
  let vocabulary: Int
  private let names: [String]
  /// Name of the method, for messages.
  private let method: String

  var regionSide: Int { 1 - wordSide }

  /// - Throws: ``MethodError`` for data that are not one modality of texts as words and one of sets of regions.
  init(_ data: DataDescription, for method: MethodDescription) throws {
    self.method = method.name
    names = data.modalities.map(\.name)
    wordSide = try data.side(of: .tokens, for: method, that: "relates texts and sets of regions")
    let (regions, words) = (data.modalities[1 - wordSide], data.modalities[wordSide])
    guard let width = regions.size, let vocabulary = words.vocabulary else {
      throw MethodError.unsuitable(
        method: method.name,
        reason: "needs the width of \(regions.name) and the number of words of \(words.name)")
    }
    regionWidth = width
    self.vocabulary = vocabulary
  }

  /// Items as encoders take them.
  enum Fragments {
    /// Features `[n, l, d]` of sets none of which is empty.
    case regions(Tensor, lengths: [Int])
    /// Numbers `[n, l]`.
    case words(Tensor, lengths: [Int])
  }

  /// The fragments of items of a modality.
  ///
  /// - Throws: ``MethodError`` for a set without regions and for items that are neither sets nor words.
  func fragments(of items: Items, side: Int) throws -> Fragments {
    switch items {
    case .tokens(let tokens, let lengths):
      return .words(tokens, lengths: lengths)
    case .sets(let rows, let lengths), .sequences(let rows, let lengths):
      if let empty = lengths.firstIndex(of: 0) {
        throw MethodError.unsuitable(method: method, reason: "\(names[side]) \(empty) has no regions")
      }
      return .regions(rows, lengths: lengths)
    default:
      throw MethodError.unsuitable(
        method: method, reason: "does not take \(names[side]), whose rows are of kind \(items.kind.rawValue)")
    }
  }

  /// Scores of every item of the first modality against every one of the second, by a function of regions and words.
  func scores(
    _ x: Features, _ y: Features, by score: (_ regions: Features, _ words: Features) throws -> Tensor
  ) throws -> Tensor {
    wordSide == 1 ? try score(x, y) : try score(y, x).transposed()
  }
}

/// One linear map of the regions and a recurrent network over the words, into one space: the encoders of SCAN (Lee et
/// al., ECCV 2018) and of methods that build on it, with their official names `img_enc.*` and `txt_enc.*`.
final class RegionWordEncoders: Module {
  @Named private var regions: RegionEncoder
  @Named private var words: GRUTextEncoder
  private let sides: RegionsAndWords
  private let normalizesRegions: Bool
  private let normalizesWords: Bool

  /// - Parameters:
  ///   - words: the recurrent network over the words; it gives the width of the space.
  ///   - normalizesRegions: whether vectors of regions are divided by their length.
  ///   - normalizesWords: whether vectors of words are.
  init(
    _ sides: RegionsAndWords, regions: RegionEncoder, words: GRUTextEncoder, normalizesRegions: Bool,
    normalizesWords: Bool
  ) {
    self.sides = sides
    self.normalizesRegions = normalizesRegions
    self.normalizesWords = normalizesWords
    _regions = Named(wrappedValue: regions, "img_enc")
    _words = Named(wrappedValue: words, "txt_enc")
  }

  /// Fragments of items in the common space, `[n, l, d]` with lengths; what is behind them means nothing.
  ///
  /// - Parameter blocks: whether texts go in blocks of nearly one length, which leaves no graph.
  func callAsFunction(_ items: Items, side: Int, blocks: Bool = false) throws -> Features {
    switch try sides.fragments(of: items, side: side) {
    case .words(let tokens, let lengths):
      let found =
        blocks
        ? try words.encode(tokens, lengths: lengths, .states) : try words(tokens, lengths: lengths, .states)
      return Features(normalizesWords ? try found.unitFragments() : found, lengths: lengths)
    case .regions(let rows, let lengths):
      let found = try regions(rows.to(parameters[0].tensor.dtype))
      return Features(normalizesRegions ? try found.unitFragments() : found, lengths: lengths)
    }
  }

  /// The fragments of a training batch: with several processes, of the whole of it.
  func gathered(_ batch: Batch, _ step: Step) throws -> (regions: Features, words: Features) {
    func gathered(_ side: Int) throws -> Features {
      let own = try self(batch.items[side], side: side)
      return Features(try step.gathered(own.values), lengths: try step.gathered(own.lengths ?? []))
    }
    return (try gathered(sides.regionSide), try gathered(sides.wordSide))
  }

  /// Draws all parameters anew.
  func reset(seed: UInt64) throws {
    try regions.reset(using: Generator(seed: mixed(seed, 0)))
    try words.reset(using: Generator(seed: mixed(seed, 1)))
  }
}

extension Tensor {
  /// Every fragment divided by its length, with what the authors' program of SCAN adds to it.
  fileprivate func unitFragments() throws(TorchError) -> Tensor {
    try self / (norm(along: -1, keepingDimension: true) + 1e-8)
  }
}
