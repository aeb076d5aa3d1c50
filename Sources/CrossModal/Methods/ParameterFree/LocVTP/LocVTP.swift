import Torch

/// Localization-oriented video-text pre-training (Cao, Yang, Weng, Zhang, Wang & Zou, "LocVTP", ECCV 2022): whole videos
/// find their captions, clips find the words of their own captions without being told which, and clips that are told to
/// look ahead find the words there. So the similarity of clips and words says when something is said of a video.
///
/// A moment is where the clips of a video are most like a sentence: by default the stretch that stands out, as nothing
/// of it is learned from true moments; of the terms `windows` and `map`, which are, what these say.
///
/// Names are those of the released program for what it has (`vidProjector`, `textProjector`, `shiftpredict.f_cls`,
/// `signProjWord`, …). Its video encoder is left to whoever made the features; words are read by a light encoder of our
/// own.
public final class LocVTP: Module, Trainable, CurveGrounding, JointEmbedding {
  public static let description = MethodDescription(
    name: "locvtp", family: .parameterFree, task: .grounding,
    summary: "finds the moment of a video that a sentence describes, and videos and sentences by each other",
    citation:
      "M. Cao, T. Yang, J. Weng, C. Zhang, J. Wang, Y. Zou, LocVTP: video-text pre-training for temporal localization, "
      + "ECCV 2022",
    accepts: [.sequence, .tokens])
  public static let features: [ModalityKind: JSON] = [
    .text: ["name": "words", "threshold": 1, "marks": false]
  ]

  public let configuration: Configuration
  public let metric = Metric.cosine
  let sides: VideosAndSentences
  let videoEncoder: ClipEncoder
  let textEncoder: SentenceEncoder
  let vidProjector: ProjectionHead
  let textProjector: ProjectionHead
  /// What makes clips look ahead, of the paper's form.
  let warp: Linear?
  @Named var released: ReleasedParts?
  let windows: WindowHead?
  let head: MomentMap?

  /// Moments of a sentence that are looked for.
  private static let mostMoments = 10

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try VideosAndSentences(data)
    let generator = try Generator(seed: 0)
    let (size, terms) = (configuration.embedSize, configuration.terms)
    videoEncoder = try ClipEncoder(
      for: sides.video, rows: configuration.clipRows, picture: configuration.frames,
      size: configuration.hidden, layers: configuration.convLayers, dropout: configuration.dropout,
      using: generator)
    textEncoder = try SentenceEncoder(
      for: sides.text, wordDim: configuration.wordDim, readsOrder: configuration.words == .gru,
      using: generator)
    let isPlain = configuration.projector == .linear
    vidProjector = try ProjectionHead(
      from: videoEncoder.size, to: size, isPlain: isPlain, dropout: configuration.dropout, using: generator)
    textProjector = try ProjectionHead(
      from: textEncoder.size, to: size, isPlain: isPlain, dropout: configuration.dropout, using: generator)
    let isPaper = configuration.form == .paper
    warp = isPaper && terms.contains(.temporal) ? try Linear(from: size + 2, to: size, using: generator) : nil
    _released = Named(
      wrappedValue: isPaper
        ? nil : try ReleasedParts(size, segments: configuration.segments, using: generator), "")
    windows = terms.contains(.windows) ? try WindowHead(from: videoEncoder.size, using: generator) : nil
    head = terms.contains(.map) ? try MomentMap(configuration.mapSizes, using: generator) : nil
  }

  // MARK: - Vectors

  /// Clips of videos.
  struct Clips {
    /// Before they are projected, `[n, t, hidden]`, zero behind the lengths.
    let features: Tensor
    /// In the common space, `[n, t, size]`; what is behind the lengths means nothing.
    let vectors: Tensor
    let lengths: [Int]

    var packed: PackedRows { get throws(TorchError) { try PackedRows(padded: vectors, lengths: lengths) } }
  }

  func clips(of items: Items, _ pass: Pass) throws -> Clips {
    let (features, lengths) = try videoEncoder(sides.videos(items), pass)
    return Clips(features: features, vectors: try vidProjector(features, pass), lengths: lengths)
  }

  /// What was said in texts, before it is projected.
  func said(_ items: Items, keepsAll: Bool = false) throws -> SentenceEncoder.Said {
    let (rows, lengths) = try sides.words(items)
    return try textEncoder(rows, lengths: lengths, keepsAll: keepsAll)
  }

  /// The mean of the clips of a video, or of the words of a text, in the common space.
  public func encode(_ items: Items, side: Int) throws -> Features {
    guard side == sides.videoSide else {
      return Features(try textProjector(said(items).words.means(), .evaluation))
    }
    return Features(try clips(of: items, .evaluation).packed.means())
  }

  /// What sentences are like as a whole among clips: the mean of their words, each divided by its norm; `[n, size]`, of
  /// norm 1.
  func phrases(_ said: SentenceEncoder.Said, _ pass: Pass) throws -> Tensor {
    try said.words.with(textProjector(said.words.values, pass).normalized(along: 1)).means().normalized(
      along: 1)
  }

  /// How like each clip is to each sentence about its video: cosines `[sentences, t]`.
  ///
  /// - Parameter videos: the video of each sentence.
  func curves(_ clips: Clips, _ phrases: Tensor, videos: [Int]) throws -> Tensor {
    try clips.vectors.normalized(along: 2).rows(at: videos).matmul(phrases.unsqueezed(at: 2)).squeezed(at: 2)
  }

  // MARK: - Moments

  public var videoSide: Int { sides.videoSide }
  public var frameShape: [Int]? { configuration.frames.isEmpty ? nil : configuration.frames }

  /// Sentences about one video are asked together, so that it is seen once.
  public func findings(in batch: Batch) throws -> [MomentFinding] {
    let rate = try rate
    let videos = SharedItems(batch.rows[sides.videoSide])
    let items = try batch.items[sides.videoSide].rows(at: videos.places)
    let clips = try clips(of: items, .evaluation)
    let said = try said(batch.items[sides.textSide])
    let curves = try curves(clips, phrases(said, .evaluation), videos: videos.itemOfPair)
    let all = try curves.to(.cpu).to(.float64).contiguous().values(as: Double.self)
    let longest = clips.vectors.size(along: 1)
    func row(_ values: [Double], _ pair: Int) -> [Double] {
      Array(values[pair * longest..<pair * longest + clips.lengths[videos.itemOfPair[pair]]])
    }
    let found: [[ScoredMoment]]
    let durations = videos.itemOfPair.map { Double((items.lengths ?? [])[$0]) / rate }
    if let head {
      let probabilities = try head.probabilities(
        momentScores(head, clips, said, videos: videos.itemOfPair)
      ).to(.cpu)
      found = try durations.enumerated().map { pair, duration in
        ScoredMoment.suppressed(
          try ScoredMoment.candidates(probabilities[pair], duration: duration),
          threshold: configuration.map.nms, keeping: Self.mostMoments)
      }
    } else {
      let gains = try windows.map { windows in
        let own = videos.itemOfPair
        return try windows(clips.features.rows(at: own), curves, lengths: own.map { clips.lengths[$0] })
          .to(.cpu).to(.float64).contiguous().values(as: Double.self)
      }
      let unit = Double(configuration.clipRows) / rate
      found = durations.enumerated().map { pair, duration in
        let best =
          gains.map { MomentWindows.learned(row($0, pair), count: Self.mostMoments) }
          ?? MomentWindows.zeroShot(row(all, pair), count: Self.mostMoments)
        return best.map {
          ScoredMoment(
            start: Double($0.clips.lowerBound) * unit, end: min(Double($0.clips.upperBound) * unit, duration),
            score: $0.score)
        }
      }
    }
    return found.enumerated().map { pair, moments in
      let curve = row(all, pair)
      return MomentFinding(
        moments: moments, curve: curve,
        clips: ClipTimes(
          count: curve.count, seconds: Double(configuration.clipRows) / rate, duration: durations[pair]))
    }
  }

  /// Scores of the map of moments for each sentence, `[sentences, clips, clips]`, apart from what the objectives learn.
  func momentScores(
    _ head: MomentMap, _ clips: Clips, _ said: SentenceEncoder.Said, videos: [Int]
  ) throws -> Tensor {
    let seen = try clips.vectors.detached().averagedRows(to: configuration.map.clips, lengths: clips.lengths)
    let words = try textProjector(said.words.values.detached(), .evaluation).detached()
    let (padded, lengths) = try said.words.with(words).padded()
    return try head.scores(head.fused(head.map(of: seen).map, videos: videos, padded, lengths: lengths))
  }

  /// Rows a second of the videos.
  ///
  /// - Throws: ``MethodError`` for data that do not say.
  var rate: Double {
    get throws {
      guard let rate = sides.video.rate else {
        throw MethodError.unsuitable(
          method: Self.description.name,
          reason:
            "moments are in seconds, and \(sides.video.name) has no rate (rows a second) in dataset.yaml")
      }
      return rate
    }
  }
}

// MARK: - Measuring

extension LocVTP {
  /// Where the data have moments these are measured, and whole videos and sentences where retrieval is asked for.
  public func options(for data: DataDescription) -> Set<EvaluationOption> { [.protocol, .ties, .models] }

  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    try data.moments == nil ? retrievalNames(on: data) : momentNames(on: data)
  }

  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    guard data.moments != nil, options.searched == nil, options.ties == nil else {
      return try retrievalResult(on: data, options)
    }
    if let own = data.rate(side: sides.videoSide), own != (try rate) {
      throw EvaluationError.badValue(
        "\(data.place): \(sides.video.name) has \(own) rows a second, expected \(try rate), which the run learned from"
      )
    }
    return try momentResult(on: data, options)
  }

  public func measures(
    on data: some TrainingSet, training: some TrainingSet, _ preparation: Preparation
  ) throws -> [Measure] {
    let isRetrieval = data.moments == nil
    return try evaluate(
      on: data, preparation.evaluation(searched: isRetrieval, ties: isRetrieval)
    ).selection
  }
}
