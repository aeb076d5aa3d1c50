import Torch

/// The objective of LocVTP's released program (Cao et al., ECCV 2022), without its loops: soft targets for whole videos, and
/// clips and words that find each other among a few drawn ones of the same video, as they are and moved in time.
///
/// Vectors are as projected, not divided by their norms, but where a term does so. The correspondence is a softmax of raw
/// products over the words; a clip's word is the first largest of its row, a word's clip the first largest of its column.
/// Padding has no influence, where the released program took it for words; without padding the two agree.
public struct SampledClipWordContrast: Sendable {
  /// Divides the products of whole videos and captions.
  public let temperature: Double
  /// Divides the cosines of clips and words.
  public let fineTemperature: Double
  /// Whether moved clips get the codes of one word of the caption, by a slip of the released program.
  public let hasStaleIndex: Bool

  /// - Throws: ``ObjectiveError`` for a temperature that is not above 0.
  public init(
    temperature: Double = 1, fineTemperature: Double = 0.07, hasStaleIndex: Bool = false
  ) throws(ObjectiveError) {
    for (name, value) in [("temperature", temperature), ("fg_temperature", fineTemperature)]
    where value <= 0 || !value.isFinite {
      throw ObjectiveError.badSetting(name, value, expected: "above 0")
    }
    self.temperature = temperature
    self.fineTemperature = fineTemperature
    self.hasStaleIndex = hasStaleIndex
  }

  /// What is drawn for a batch; indices are of the words of the same caption and the clips of the same video.
  public struct Draws {
    /// `[b, t, negatives]`.
    public var negativeWords: Tensor
    /// `[b, t]`.
    public var movedWords: Tensor
    /// `[b, w, negatives]`.
    public var negativeClips: Tensor
    /// `[b, w]`.
    public var movedClips: Tensor

    public init(negativeWords: Tensor, movedWords: Tensor, negativeClips: Tensor, movedClips: Tensor) {
      self.negativeWords = negativeWords
      self.movedWords = movedWords
      self.negativeClips = negativeClips
      self.movedClips = movedClips
    }
  }

  /// Words and clips moved in time get codes of the sign and the size of the distance.
  public struct Codes {
    let sign: (Tensor) throws -> Tensor
    let distance: (Tensor) throws -> Tensor

    /// - Parameters:
    ///   - sign: `[…, 1]` to `[…, d]`, of −1, 0 and 1.
    ///   - distance: the same of the size.
    public init(sign: @escaping (Tensor) throws -> Tensor, distance: @escaping (Tensor) throws -> Tensor) {
      self.sign = sign
      self.distance = distance
    }

    fileprivate func callAsFunction(_ moved: Tensor, _ dtype: DataType) throws -> Tensor {
      let moved = try moved.to(dtype).unsqueezed(at: 2)
      return try sign(moved.sign()) + distance(moved.magnitude())
    }
  }

  /// What clips and words have to do with each other.
  public struct Correspondence {
    /// Softmax over the words, `[b, t, w]`.
    public let shares: Tensor
    /// `[b, t]` and `[b, w]`.
    public let wordOfClip, clipOfWord: Tensor
  }

  /// - Parameters:
  ///   - clips: `[b, t, d]`.
  ///   - words: `[b, w, d]`.
  ///   - isPadding: `[b, w]`; nil where every place is a word.
  public func correspondence(
    _ clips: Tensor, _ words: Tensor, isPadding: Tensor? = nil
  ) throws(TorchError) -> Correspondence {
    var products = try clips.matmul(words.transposed(1, 2))
    if let isPadding { products = try products.masked(with: isPadding.unsqueezed(at: 1), fill: -.infinity) }
    let shares = try products.softmax(along: 2)
    let fixed = try shares.detached()
    return Correspondence(
      shares: shares, wordOfClip: try fixed.argmax(along: 2), clipOfWord: try fixed.argmax(along: 1))
  }

  /// Cross-entropy of whole videos and captions in both directions, whose targets are how much they are like each other
  /// (a scalar). The targets have a gradient too.
  ///
  /// - Parameters:
  ///   - videos: means of the clips, `[b, d]`.
  ///   - captions: `[b, d]`.
  public func coarse(_ videos: Tensor, _ captions: Tensor) throws(TorchError) -> Tensor {
    let logits = try captions.matmul(videos.transposed()) / temperature
    let alike = try videos.matmul(videos.transposed()) + captions.matmul(captions.transposed())
    let targets = try (alike * (temperature / 2)).softmax(along: 1)
    let there = try (targets * logits.logSoftmax(along: 1)).sum(along: 1)
    let back = try (targets.transposed() * logits.transposed().logSoftmax(along: 1)).sum(along: 1)
    return try -(there + back).mean() / 2
  }

  /// The four losses of clips and words, each a mean over its clips or words (scalars).
  public struct Fine {
    /// Clips find their words, words find their clips.
    public let clips, words: Tensor
    /// The same where the words, the clips, are moved in time.
    public let clipsMoved, wordsMoved: Tensor
  }

  /// - Parameters:
  ///   - clips: `[b, t, d]`.
  ///   - words: `[b, w, d]`.
  ///   - isWord: `[b, w]`; nil where every place is a word.
  ///   - wordCodes: of moved words.
  ///   - clipCodes: of moved clips.
  /// - Throws: ``ObjectiveError`` where the slip of the released program needs a word that is not there.
  public func fine(
    _ clips: Tensor, _ words: Tensor, isWord: Tensor? = nil, _ found: Correspondence, _ draws: Draws,
    wordCodes: Codes, clipCodes: Codes
  ) throws -> Fine {
    let (x, y) = (try clips.normalized(along: 2), try words.normalized(along: 2))
    let cosines = try x.matmul(y.transposed(1, 2))
    let backward = try cosines.transposed(1, 2)
    let (steps, length) = (clips.size(along: 1), words.size(along: 1))
    var behind = try draws.movedClips - found.clipOfWord
    if hasStaleIndex {
      guard steps - 1 < length else {
        throw ObjectiveError.badSetting(
          "stale_index_quirk", 1,
          expected:
            "off: captions of \(length) words have no word \(steps - 1), which the released program takes")
      }
      behind = try behind.narrowed(to: steps - 1..<steps, along: 1).expanded(to: [
        words.size(along: 0), length,
      ])
    }
    let ahead = try draws.movedWords - found.wordOfClip
    let movedWords = try words.taking(draws.movedWords) + wordCodes(ahead, words.dtype)
    let movedClips = try clips.taking(draws.movedClips) + clipCodes(behind, clips.dtype)
    let (clipNegatives, wordNegatives) = (
      try cosines.gathered(draws.negativeWords, along: 2),
      try backward.gathered(draws.negativeClips, along: 2)
    )
    func loss(_ positives: Tensor, _ negatives: Tensor, among isCounted: Tensor?) throws -> Tensor {
      let logits = try Tensor.concatenated([positives, negatives], along: 2) / fineTemperature
      let rows = try logits.logSumExp(along: 2) - logits.selected(0, along: 2)
      guard let isCounted else { return try rows.mean() }
      return try rows.elements(where: isCounted).mean()
    }
    func cosine(_ a: Tensor, _ moved: Tensor) throws -> Tensor {
      try (a * moved.normalized(along: 2)).sum(along: 2, keepingDimension: true)
    }
    return Fine(
      clips: try loss(
        cosines.gathered(found.wordOfClip.unsqueezed(at: 2), along: 2), clipNegatives, among: nil),
      words: try loss(
        backward.gathered(found.clipOfWord.unsqueezed(at: 2), along: 2), wordNegatives, among: isWord),
      clipsMoved: try loss(cosine(x, movedWords), clipNegatives, among: nil),
      wordsMoved: try loss(cosine(y, movedClips), wordNegatives, among: isWord))
  }
}

extension Tensor {
  /// For each place of `indices` `[b, n]` the vector of `[b, l, d]` with that number: `[b, n, d]`.
  fileprivate func taking(_ indices: Tensor) throws(TorchError) -> Tensor {
    try gathered(
      indices.unsqueezed(at: 2).expanded(to: indices.shape + [size(along: 2)]), along: 1)
  }
}
