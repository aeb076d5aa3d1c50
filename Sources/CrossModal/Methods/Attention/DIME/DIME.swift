import Torch

/// Dynamic modality interaction (Qu, Liu, Wu, Gao & Nie, SIGIR 2021): regions are refined by a text, or words by an image,
/// in three layers of four kinds of cells, on ways that every pair chooses for itself.
///
/// Names and settings are those of the authors' program, which trains two models, one of each direction, and averages their
/// scores. Differs from it where a cell is dead: what it would give is multiplied by exactly 0, so it is not computed.
/// Without weights of a BERT a recurrent network reads the texts.
public final class DIME: Module, Trainable, Alignment {
  public static let description = MethodDescription(
    name: "dime", family: .attention, task: .retrieval,
    summary:
      "refines image regions by a text, or words by an image, on ways through cells that every pair chooses",
    citation:
      "L. Qu, M. Liu, J. Wu, Z. Gao, L. Nie, Dynamic modality interaction modeling for image-text retrieval, "
      + "SIGIR 2021",
    accepts: [.set, .sequence, .tokens])

  /// What reads the texts.
  public enum TextNetwork: String, Sendable, Codable, CaseIterable {
    /// ``bert`` where its weights are given, else ``bigru``.
    case auto
    case bigru
    case bert
  }

  public let configuration: Configuration
  let sides: RegionsAndWords
  @Named private var images: DIMEImageEncoder
  @Named private var texts: any DIMETextEncoder
  @Named private var interaction: DynamicInteraction

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try RegionsAndWords(data, for: Self.description)
    let parts = try Self.parts(configuration, sides, using: Generator(seed: 0))
    _images = Named(wrappedValue: parts.images, "img_enc")
    _texts = Named(wrappedValue: parts.texts, "txt_enc")
    _interaction = Named(wrappedValue: parts.interaction, "itr")
  }

  private static func parts(
    _ configuration: Configuration, _ sides: RegionsAndWords, using generator: Generator
  ) throws -> (images: DIMEImageEncoder, texts: any DIMETextEncoder, interaction: DynamicInteraction) {
    let size = configuration.embedSize
    let images = try DIMEImageEncoder(
      from: sides.regionWidth, to: size, normalizesBatch: configuration.direction == .t2i, using: generator)
    let texts: any DIMETextEncoder =
      configuration.usesBERT
      ? try DIMEBERTEncoder(
        configuration.bert.configuration(vocabulary: sides.vocabulary), to: size,
        width: configuration.maxWords, masksPadding: configuration.maskPadding, using: generator)
      : try DIMEWordEncoder(
        vocabulary: sides.vocabulary, wordSize: configuration.wordDim, to: size, using: generator)
    return (images, texts, try DynamicInteraction(configuration.sizes, using: generator))
  }

  // MARK: - Features and scores

  /// Items through their encoder.
  private func encoded(
    _ items: Items, side: Int, _ pass: Pass
  ) throws -> (item: WholeAndParts, label: Tensor?) {
    switch try sides.fragments(of: items, side: side) {
    case .regions(let rows, let lengths): return (try images(rows, lengths: lengths, pass), nil)
    case .words(let tokens, let lengths):
      var (text, label) = try texts(tokens, lengths: lengths)
      // Regions attend to words alone.
      if configuration.direction == .i2t { text.lengths = lengths }
      return (text, label)
    }
  }

  /// Of each item a vector of the whole, then those of its parts.
  public func encode(_ items: Items, side: Int) throws -> Features {
    try withoutGradient {
      let block = 256
      let parts = try stride(from: 0, to: items.count, by: block).map { start in
        let some = try items.rows(at: Array(start..<min(start + block, items.count)))
        let item = try encoded(some, side: side, .evaluation).item
        return try Features(
          Tensor.concatenated([item.whole.unsqueezed(at: 1), item.parts], along: 1),
          lengths: item.lengths.map { $0 + 1 }
        ).packed()
      }
      return try Features(joining: parts)
    }
  }

  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try sides.scores(x, y) { regions, words in
      let (regions, words) = (try WholeAndParts(regions), try WholeAndParts(words))
      guard configuration.direction == .t2i else {
        return try interaction.scores(items(regions), partners(words))
      }
      return try interaction.scores(items(words), partners(regions)).transposed()
    }
  }

  private func items(_ given: WholeAndParts) -> DynamicInteraction.Items {
    DynamicInteraction.Items(features: given.parts, lengths: given.lengths)
  }

  private func partners(_ given: WholeAndParts) throws -> InteractionPartners {
    let longest = given.parts.size(along: 1)
    let counts =
      given.lengths.allSatisfy { $0 == longest }
      ? nil : try Tensor.counting(given.lengths, below: longest, on: given.parts.device)
    return InteractionPartners(global: given.whole, contexts: given.parts, counts: counts)
  }

  /// The share of the cells of all pairs that give anything, and so are computed.
  public func shareOfCells(_ x: Features, _ y: Features) throws -> Double {
    try withoutGradient {
      let given = [try WholeAndParts(x), try WholeAndParts(y)]
      let side = configuration.direction == .i2t ? sides.regionSide : sides.wordSide
      let (locals, others) = (given[side], given[1 - side])
      let shares = try locals.lengths.indices.map { item in
        let count = others.lengths.count
        let own = try interaction.locals(
          locals.parts[item..<item + 1].narrowed(to: 0..<locals.lengths[item], along: 1))
        let beside = [Int](repeating: 0, count: count)
        let weights = try interaction(
          own.rows(at: Tensor(beside)), interaction.partners(partners(others))
        ).weights
        return try weights.map { try ($0.sum(along: 1) .> 0).to(.float64).mean().item() }.reduce(0, +) / 3
      }
      return shares.reduce(0, +) / Double(max(1, shares.count))
    }
  }

  /// How much the parts of items attend to those of the items beside them in the first layer.
  func attention(of locals: WholeAndParts, to others: WholeAndParts) throws -> Tensor {
    try interaction.attention(locals.parts, partners(others))
  }

  /// What goes from cell to cell for one item and the item beside it, `[1, outputs, cells]` for each layer.
  func weights(of locals: WholeAndParts, beside other: WholeAndParts) throws -> [Tensor] {
    try interaction(interaction.locals(locals.parts), interaction.partners(partners(other))).weights
  }

  /// The authors' program saves a list of three dictionaries: of the image encoder, the text encoder, the interaction.
  public static func ownNames(ofOfficial names: [String]) -> [String]? {
    let parts = ["0.": "img_enc.", "1.": "txt_enc.", "2.": "itr."]
    guard names.contains("2.path_mapping.weight"),
      names.allSatisfy({ parts[String($0.prefix(2))] != nil })
    else { return nil }
    return names.map { (parts[String($0.prefix(2))] ?? "") + $0.dropFirst(2) }
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration.regionsAndWords
    training.batchSize = 32
    return training
  }

  public var assets: [Asset] {
    configuration.bert.weights.map { [Asset(.weights, key: "bert.weights", file: $0)] } ?? []
  }

  public func begin(with contents: AssetContents) throws {
    guard let encoder = texts as? DIMEBERTEncoder, let file = configuration.bert.weights,
      let weights = contents.weights["bert.weights"]
    else { return }
    try encoder.bert.load(encoder.bert.named(weights), from: file)
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    FurtherItemSampler(
      pairs: ShuffledSampler(
        count: data.count, batchSize: training.batchSize ?? data.count, dropsLast: configuration.dropLast),
      further: configuration.direction == .i2t ? configuration.extraStc : configuration.extraImg)
  }

  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    [ParameterGroup(parameters.filter(\.tensor.requiresGradient))]
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    let fresh = try Self.parts(configuration, sides, using: Generator(seed: preparation.seed))
    try images.take(stateOf: fresh.images)
    try interaction.take(stateOf: fresh.interaction)
    // What is frozen keeps what it has.
    for (entry, new) in zip(texts.stateEntries, fresh.texts.state) where entry.tensor.requiresGradient {
      entry.tensor = try new.tensor.detached().to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }

  /// With several processes each has the loss of its own part of the batch, and they add up.
  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let own = step.alone
    let group = batch.group ?? 1
    let count = batch.count / group
    // Of a group the first is a pair, the others are of one side.
    let first = (0..<count).map { $0 * group }
    let further = (0..<batch.count).filter { $0 % group != 0 }
    let isImage = configuration.direction == .i2t
    let localSide = isImage ? sides.regionSide : sides.wordSide
    let (locals, localLabel) = try encoded(
      batch.items[localSide].rows(at: first), side: localSide, own.pass)
    let (others, otherLabel) = try encoded(
      batch.items[1 - localSide].rows(at: first + further), side: 1 - localSide, own.pass)
    guard let labels = try localLabel ?? otherLabel?[0..<count] else { throw FeatureError.nothingToEncode }
    var value = try loss(
      of: locals, others, labels: labels, batch: Double(step.training.batchSize ?? count), own.pass)
    if step.processes > 1 { value.total = try value.total * Double(step.processes) }
    return try Loss(value)
  }

  /// The loss of items whose features are given, in training.
  ///
  /// - Parameters:
  ///   - locals: of each item of the side that is refined, a vector of the whole, then those of its parts.
  ///   - others: of the other side; the first go with `locals`, the rest are further wrong partners.
  ///   - labels: vectors of the texts of `locals`, of length 1, `[n, width]`.
  ///   - batch: pairs of a full batch.
  public func loss(_ locals: Features, _ others: Features, labels: Tensor, batch: Double) throws
    -> ObjectiveValue
  {
    try loss(
      of: WholeAndParts(locals), WholeAndParts(others), labels: labels, batch: batch,
      .training(Generator(seed: 0)))
  }

  private func loss(
    of locals: WholeAndParts, _ others: WholeAndParts, labels: Tensor, batch: Double, _ pass: Pass
  ) throws -> ObjectiveValue {
    var parts: [(String, Tensor)] = []
    var value = try interaction.loss(items(locals), partners(others), pass) { scores, paths in
      let byImage = configuration.direction == .i2t ? scores : try scores.transposed()
      let rank = try configuration.ranking.loss(
        ofScores: byImage,
        Matches(
          ids: Tensor.range(0..<byImage.size(along: 0), on: scores.device),
          Tensor.range(0..<byImage.size(along: 1), on: scores.device)))
      let path = try Self.pathLoss(interaction.similarities(ofPaths: paths), labels, batch: batch)
      parts = [("rank", try rank.total.detached()), ("path", try path.detached())]
      return ObjectiveValue(total: try rank.total + path * configuration.tradeOff)
    }
    value.parts = parts
    return value
  }

  /// How far the ways of items are from being as alike as their texts are (equation 17 of the paper), as the authors'
  /// program divides it.
  ///
  /// - Parameters:
  ///   - alike: similarities of the ways, `[n, n]`.
  ///   - labels: vectors of the texts, of length 1, `[n, width]`.
  ///   - batch: pairs of a full batch.
  static func pathLoss(_ alike: Tensor, _ labels: Tensor, batch: Double) throws(TorchError) -> Tensor {
    let wanted = try labels.detached().to(alike.dtype)
    return try (alike - wanted.matmul(wanted.transposed())).squared().sum() / batch
  }
}

extension WholeAndParts {
  /// What ``DIME/encode(_:side:)`` gave.
  init(_ features: Features) throws {
    let packed = try features.packed()
    let lengths = packed.lengths ?? []
    let offsets = Features.offsets(lengths)
    let longest = (lengths.max() ?? 1) - 1
    let device = packed.values.device
    // Behind an item's end stands its own first row, which nobody looks at.
    let places = lengths.indices.flatMap { item in
      (0..<longest).map { offsets[item] + ($0 + 1 < lengths[item] ? $0 + 1 : 0) }
    }
    self.init(
      whole: try packed.values.rows(at: Tensor(Array(offsets.dropLast())).to(device)),
      parts: try packed.values.rows(at: Tensor(places).to(device)).reshaped(
        lengths.count, longest, packed.values.size(along: 1)),
      lengths: lengths.map { $0 - 1 })
  }
}

/// Batches of pairs in which each pair is followed by others, drawn from all, of which one side's items count as further
/// wrong partners.
struct FurtherItemSampler: BatchSampler {
  let pairs: ShuffledSampler
  /// Others behind each pair.
  let further: Int

  var batchesPerEpoch: Int { pairs.batchesPerEpoch }
  var group: Int? { further > 0 ? further + 1 : nil }

  func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    let batches = try pairs.batches(epoch: epoch, seed: seed)
    guard further > 0 else { return batches }
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch), 1))
    return batches.map { batch in
      batch.flatMap { place in
        [place] + (0..<further).map { _ in Int.random(in: 0..<pairs.count, using: &random) }
      }
    }
  }
}
