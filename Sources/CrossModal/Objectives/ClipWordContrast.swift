import Torch

/// Contrast of whole videos, of clips and of clips that look ahead, with what is said of them (Cao et al., "LocVTP", ECCV
/// 2022; section 3, as its method's specification fixes it).
///
/// Every vector is divided by its norm before it is compared. Which words of its caption a clip means is not told: the
/// `topK` that are closest now are taken (no gradient flows through that choice), and words of other captions are
/// negatives. With one caption alone there is nothing to tell apart, and the losses of clips are 0.
public struct ClipWordContrast: Sendable {
  /// Divides the cosines.
  public let temperature: Double
  /// How many words of its caption a clip may mean.
  public let topK: Int

  /// - Throws: ``ObjectiveError`` for a temperature that is not above 0 or no word.
  public init(temperature: Double = 0.07, topK: Int = 3) throws(ObjectiveError) {
    guard temperature > 0, temperature.isFinite else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "above 0")
    }
    guard topK >= 1 else { throw ObjectiveError.badSetting("top_k", Double(topK), expected: "1 or more") }
    self.temperature = temperature
    self.topK = topK
  }

  /// Cross-entropy of each video among the captions and of each caption among the videos, the mean of both (a scalar).
  ///
  /// - Parameters:
  ///   - videos: `[n, d]`.
  ///   - captions: those of the same places, `[n, d]`.
  public func coarse(_ videos: Tensor, _ captions: Tensor) throws(TorchError) -> Tensor {
    let scores =
      try videos.normalized(along: 1).matmul(captions.normalized(along: 1).transposed()) / temperature
    let own = try Tensor.range(0..<videos.size(along: 0), on: videos.device)
    return try (scores.crossEntropy(own) + scores.transposed().crossEntropy(own)) / 2
  }

  /// Clips and words of the same videos, ready to be compared.
  public struct Pairing {
    /// Clips as they came, and words divided by their norms.
    let clips: PackedRows
    let words: PackedRows
    /// Rows of the words that each clip may mean, best first, `[clips, k]`.
    let meant: Tensor
    /// Which of them there are, `[clips, k]`: a short caption has fewer.
    let isMeant: Tensor
    /// Words that are no negatives of a clip, `[clips, words]`.
    private let isOwn: Tensor
    /// Number of each word in the vocabulary, `[words]`; nil where equal words are negatives of each other.
    private let tokens: Tensor?
    private let temperature: Double

    fileprivate init(_ clips: PackedRows, _ words: PackedRows, tokens: [Int]?, _ settings: ClipWordContrast)
      throws
    {
      guard clips.lengths.count == words.lengths.count else {
        throw ObjectiveError.unequalCounts(
          "videos", clips.lengths.count, "captions", words.lengths.count)
      }
      if clips.lengths.contains(0) { throw ObjectiveError.empty("the clips of a video") }
      if words.lengths.contains(0) { throw ObjectiveError.empty("the words of a caption") }
      self.clips = clips
      self.words = words.with(try words.values.normalized(along: 1))
      self.tokens = try tokens.map { try Tensor($0).to(words.values.device) }
      temperature = settings.temperature
      let device = clips.values.device
      let (clipOwners, wordOwners) = (
        try Tensor(clips.owners).to(device), try Tensor(words.owners).to(device)
      )
      isOwn = try (clipOwners.unsqueezed(at: 1) .== wordOwners.unsqueezed(at: 0))
      // A clip looks among the words of its own caption, which stand side by side.
      let longest = words.lengths.max() ?? 1
      let places = clips.owners.flatMap { owner in
        (0..<longest).map { words.starts[owner] + min($0, words.lengths[owner] - 1) }
      }
      let rows = try Tensor(places, shape: [clips.owners.count, longest]).to(device)
      let isWord = try Tensor.counting(clips.owners.map { words.lengths[$0] }, below: longest, on: device)
      let (normalized, all) = (self.words.values, clips.values)
      let order = try withoutGradient { () throws(TorchError) in
        let cosines = try all.detached().normalized(along: 1).matmul(normalized.detached().transposed())
        return try cosines.gathered(rows, along: 1).masked(with: isWord.not(), fill: -.infinity)
          .argsorted(along: 1, descending: true)
      }
      let best = try order.narrowed(to: 0..<min(settings.topK, longest), along: 1)
      meant = try rows.gathered(best, along: 1)
      isMeant = try isWord.to(.uint8).gathered(best, along: 1).to(.bool)
    }

    /// −log of the share that the meant words have among them and the negatives, the mean over queries (a scalar).
    ///
    /// - Parameters:
    ///   - queries: one for each clip, `[clips, d]`.
    ///   - places: the clip whose words each query should find; nil for its own.
    func loss(of queries: Tensor, at places: Tensor? = nil) throws(TorchError) -> Tensor {
      let logits = try queries.normalized(along: 1).matmul(words.values.transposed()) / temperature
      var (meant, isMeant) = (self.meant, self.isMeant)
      if let places { (meant, isMeant) = (try meant.rows(at: places), try isMeant.rows(at: places)) }
      var isNone = isOwn
      if let tokens {
        let wanted = try tokens.rows(at: meant.reshaped(-1)).reshaped(to: meant.shape)
        for rank in 0..<meant.size(along: 1) {
          let isSame = try tokens.unsqueezed(at: 0) .== wanted.narrowed(to: rank..<rank + 1, along: 1)
          isNone = try isNone.or(isSame.and(isMeant.narrowed(to: rank..<rank + 1, along: 1)))
        }
      }
      // A finite number in place of −∞ keeps the gradient of a row without negatives at 0.
      let others = try logits.masked(with: isNone, fill: Self.nothing).logSumExp(along: 1)
      let own = try logits.gathered(meant, along: 1).masked(with: isMeant.not(), fill: Self.nothing)
        .logSumExp(along: 1)
      return try (others - own).softplus().mean()
    }

    private static let nothing = -1e30
  }

  /// Which words each clip may mean.
  ///
  /// - Parameters:
  ///   - clips: of each video, one or more.
  ///   - words: of each video's caption, one or more.
  ///   - tokens: numbers of the words, where a word that is among the meant ones is to be no negative in other captions.
  /// - Throws: ``ObjectiveError`` for counts that do not fit, a video without clips and a caption without words.
  public func pairing(of clips: PackedRows, _ words: PackedRows, tokens: [Int]? = nil) throws -> Pairing {
    try Pairing(clips, words, tokens: tokens, self)
  }

  /// How well clips find the words that they may mean (a scalar).
  public func fine(_ pairing: Pairing) throws(TorchError) -> Tensor {
    try pairing.loss(of: pairing.clips.values)
  }

  /// How well clips, told to look a signed number of places ahead, find the words that the clip there may mean (a
  /// scalar).
  ///
  /// - Parameters:
  ///   - ahead: signed distances for every clip; what leads out of the video ends at its first or last clip.
  ///   - warp: makes vectors that look ahead of `[clips, d + 2]`: a clip as it came, the sign and the size of its distance.
  public func temporal(
    _ pairing: Pairing, ahead: [Int], warp: (Tensor) throws -> Tensor
  ) throws -> Tensor {
    let places = Self.places(ahead: ahead, lengths: pairing.clips.lengths)
    let (clips, starts) = (pairing.clips, pairing.clips.starts)
    let rows = clips.owners.indices.map { starts[clips.owners[$0]] + places[$0] }
    let codes = rows.indices.flatMap { row -> [Float] in
      let distance = rows[row] - row
      return [Float(distance.signum()), Float(abs(distance))]
    }
    let device = clips.values.device
    let code = try Tensor(codes, shape: [rows.count, 2]).to(clips.values.dtype).to(device)
    return try pairing.loss(
      of: warp(Tensor.concatenated([clips.values, code], along: 1)), at: Tensor(rows).to(device))
  }

  /// Where each clip looks: its place in its video after `ahead`, inside the video.
  static func places(ahead: [Int], lengths: [Int]) -> [Int] {
    var (places, clip) = ([Int](), 0)
    for length in lengths {
      for place in 0..<length {
        places.append(min(max(place + ahead[clip], 0), length - 1))
        clip += 1
      }
    }
    return places
  }
}
