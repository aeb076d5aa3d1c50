import Torch

extension LocVTP {
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 1e-3
    training.schedule = Schedule(kind: .cosine)
    training.holdBack = 0.1
    return training
  }

  /// Sentences about one video come together where they are its one caption.
  ///
  /// - Throws: ``MethodError`` naming a video without rows or a text without words, and for terms that need moments or a
  ///   rate which the data have not, before a run is begun.
  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    try sides.check(data)
    if data.moments != nil { _ = try rate }
    guard data.moments != nil || !configuration.terms.needsMoments else {
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "terms windows and map learn from true moments, and \(data.place) has none")
    }
    let size = training.batchSize ?? data.count
    guard configuration.joinCaptions, let items = data.itemsOfPairs?[sides.videoSide] else {
      return ShuffledSampler(count: data.count, batchSize: size)
    }
    return WholeItemSampler(items: items, batchSize: size)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    if configuration.standardize {
      let places = data.firstPairs(side: sides.videoSide)
      try videoEncoder.scaling.fit(to: data, side: sides.videoSide, epsilon: 1e-6, places: places, rows: 256)
    }
    try textEncoder.prepare(on: data, side: sides.textSide, standardizes: configuration.standardize)
    try textEncoder.learnCommonWords(of: data, side: sides.textSide, share: configuration.commonShare)
    try drawStandardWeights(using: Generator(seed: preparation.seed))
    if warp != nil, let longest = data.lengths(side: sides.videoSide)?.max() {
      let clips = videoEncoder.counts([longest])[0]
      if configuration.maxShift >= clips, clips > 0 {
        preparation.note(
          "max_shift is \(configuration.maxShift), and the longest video has \(clips) clips: clips look no further than its ends"
        )
      }
    }
  }

  /// Videos and captions of a batch, which belong together by their places.
  private struct Material {
    let clips: Clips
    /// Words of the captions, before they are projected.
    let words: PackedRows
    let tokens: [Int]?
    /// The sentences as they came, and the video of each.
    let said: SentenceEncoder.Said
    let videos: [Int]
  }

  private func material(_ batch: Batch, _ pass: Pass) throws -> Material {
    let videos =
      configuration.joinCaptions
      ? SharedItems(batch.rows[sides.videoSide]) : SharedItems(Array(0..<batch.count))
    let clips = try clips(of: batch.items[sides.videoSide].rows(at: videos.places), pass)
    let said = try said(batch.items[sides.textSide])
    let starts = said.words.starts
    var (rows, lengths) = ([Int](), [Int]())
    for pairs in videos.pairsOfItem {
      var own = pairs.flatMap { starts[$0]..<starts[$0] + said.words.lengths[$0] }
      if configuration.words == .bag, let tokens = said.tokens {
        // The same word of two sentences is one word of their video.
        var seen: Set<Int> = []
        own = own.filter { seen.insert(tokens[$0]).inserted }
      }
      rows += own
      lengths.append(own.count)
    }
    return Material(
      clips: clips, words: try PackedRows(said.words.values.rows(at: rows), lengths: lengths),
      tokens: said.tokens.map { tokens in rows.map { tokens[$0] } }, said: said, videos: videos.itemOfPair)
  }

  /// The sum of the terms, weighted. With several processes each compares what it has by itself.
  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let step = step.alone
    let material = try material(batch, step.pass)
    var terms =
      try configuration.form == .paper ? paperTerms(material, step) : releasedTerms(material, step)
    if let windows {
      let lengths = material.videos.map { material.clips.lengths[$0] }
      let curves = try self.curves(
        material.clips, phrases(material.said, .evaluation), videos: material.videos)
      let odds = try windows(
        material.clips.features.detached().rows(at: material.videos), curves.detached(), lengths: lengths)
      terms.append(("windows", 1, try windows.loss(odds, isInside: inside(batch, odds), lengths: lengths)))
    }
    if let head {
      let scores = try momentScores(head, material.clips, material.said, videos: material.videos)
      let (least, most) = (configuration.map.minIou, configuration.map.maxIou)
      let overlaps = try overlaps(batch, like: scores)
      terms.append(("map", 1, try head.loss(scores, overlaps: overlaps, least: least, most: most)))
    }
    let total = try terms.dropFirst().reduce(terms[0].value * terms[0].weight) {
      try $0 + $1.value * $1.weight
    }
    return try Loss(ObjectiveValue(total: total, parts: terms.map { ($0.name, $0.value) }))
  }

  private typealias Term = (name: String, weight: Double, value: Tensor)

  // MARK: - The paper's form

  private func paperTerms(_ material: Material, _ step: Step) throws -> [Term] {
    let contrast = try ClipWordContrast(
      temperature: configuration.usedTemperature, topK: configuration.topK)
    let clips = try material.clips.packed
    var terms: [Term] = []
    if configuration.terms.contains(.coarse) {
      let captions = try textProjector(material.words.means(), step.pass)
      terms.append(("coarse", configuration.coarseWeight, try contrast.coarse(clips.means(), captions)))
    }
    guard configuration.terms.contains(.fine) || configuration.terms.contains(.temporal) else { return terms }
    let words = material.words.with(try textProjector(material.words.values, step.pass))
    let pairing = try contrast.pairing(
      of: clips, words, tokens: configuration.excludeSameToken ? material.tokens : nil)
    if configuration.terms.contains(.fine) {
      terms.append(("fine", configuration.fineWeight, try contrast.fine(pairing)))
    }
    if let warp {
      let ahead = try ahead(of: clips.lengths, step)
      let value = try contrast.temporal(pairing, ahead: ahead) { try warp($0).relu() }
      terms.append(("temporal", configuration.temporalWeight, value))
    }
    return terms
  }

  /// How far each clip is to look: drawn in training; else every distance in turn, so that the loss of a batch is always
  /// the same.
  private func ahead(of lengths: [Int], _ step: Step) throws -> [Int] {
    let most = configuration.maxShift
    guard step.isTraining else {
      return lengths.flatMap { length in (0..<length).map { $0 % (2 * most + 1) - most } }
    }
    return try Tensor.integers(in: -most..<most + 1, [lengths.reduce(0, +)], using: step.generator)
      .values(as: Int.self)
  }

  // MARK: - The released program's

  private func releasedTerms(_ material: Material, _ step: Step) throws -> [Term] {
    guard let released else { return [] }
    let contrast = try SampledClipWordContrast(
      temperature: configuration.usedTemperature, fineTemperature: configuration.fgTemperature,
      hasStaleIndex: configuration.staleIndexQuirk)
    let clips = try material.clips.features.averagedRows(
      to: configuration.segments, lengths: material.clips.lengths)
    let (words, lengths) = try material.words.padded()
    let isWord = try Tensor.counting(lengths, below: words.size(along: 1), on: words.device)
    let draws = try Draws(lengths: lengths, segments: configuration.segments, configuration.negatives, step)
    let found = try released.outcome(
      ReleasedParts.Inputs(
        clips: clips, words: words, captions: material.words.means(), isWord: isWord,
        partners: draws.partners.to(words.device), cuts: draws.cuts.to(words.device),
        draws: draws.ofClipsAndWords(on: words.device)),
      contrast, video: vidProjector, text: textProjector, step.pass)
    let (fine, terms) = (found.fine, configuration.terms)
    var all: [Term] = []
    if terms.contains(.coarse) { all.append(("coarse", configuration.coarseWeight, found.coarse)) }
    if terms.contains(.fine) {
      all.append(("fine", configuration.fineWeight, try fine.clips + fine.words))
    }
    if terms.contains(.temporal) {
      all.append(("temporal", configuration.temporalWeight, try fine.clipsMoved + fine.wordsMoved))
      all.append(("shift", configuration.shiftWeight, found.shift))
    }
    return all
  }

  /// What the released program draws for a batch; outside of training nothing is drawn: everything in turn.
  private struct Draws {
    let partners, cuts: Tensor
    private let negativeWords, movedWords, negativeClips, movedClips: Tensor

    init(lengths: [Int], segments: Int, _ negatives: Int, _ step: Step) throws {
      let (count, longest) = (lengths.count, max(1, lengths.max() ?? 1))
      partners =
        step.isTraining
        ? try Tensor.permutation(count, using: step.generator) : try Tensor.range(0..<count)
      // Numbers below each bound.
      func drawn(_ shape: [Int], below bound: (_ item: Int) -> Int) throws -> Tensor {
        let each = shape.dropFirst().reduce(1, *)
        let values =
          step.isTraining
          ? try Tensor.uniform(shape, using: step.generator).values(as: Double.self)
          : (0..<count * each).map { Double($0 % each) / Double(each) }
        let whole = values.enumerated().map { place, value in
          let most = bound(place / each)
          return min(most - 1, Int(value * Double(most)))
        }
        return try Tensor(whole, shape: shape)
      }
      cuts = try drawn([count]) { _ in segments }
      negativeWords = try drawn([count, segments, negatives]) { lengths[$0] }
      movedWords = try drawn([count, segments]) { lengths[$0] }
      negativeClips = try drawn([count, longest, negatives]) { _ in segments }
      movedClips = try drawn([count, longest]) { _ in segments }
    }

    func ofClipsAndWords(on device: Device) throws -> SampledClipWordContrast.Draws {
      .init(
        negativeWords: try negativeWords.to(device), movedWords: try movedWords.to(device),
        negativeClips: try negativeClips.to(device), movedClips: try movedClips.to(device))
    }
  }

  // MARK: - True moments

  /// Whether the middle of each clip lies inside of each pair's moment, `[pairs, t]`.
  private func inside(_ batch: Batch, _ odds: Tensor) throws -> Tensor {
    let unit = Double(configuration.clipRows) / (try rate)
    let steps = odds.size(along: 1)
    let inside = (batch.moments ?? []).flatMap { moment in
      (0..<steps).map { moment.contains((Double($0) + 0.5) * unit) ? Float(1) : 0 }
    }
    return try Tensor(inside, shape: [batch.count, steps]).to(odds.device)
  }

  /// Overlap of every cell's moment with the true one, `[pairs, clips, clips]`.
  private func overlaps(_ batch: Batch, like scores: Tensor) throws -> Tensor {
    let (clips, rate) = (configuration.map.clips, try rate)
    let lengths = batch.items[sides.videoSide].lengths ?? []
    let all = zip(batch.moments ?? [], lengths).flatMap { moment, length -> [Float] in
      let truth = ScoredMoment(start: moment.lowerBound, end: moment.upperBound)
      return truth.overlaps(clips: clips, duration: Double(length) / rate).map { Float($0) }
    }
    return try Tensor(all, shape: [batch.count, clips, clips]).to(scores.dtype).to(scores.device)
  }
}
