import Torch

/// Show, attend and tell (Xu et al., ICML 2015): a long short-term memory writes the caption of a picture, and before each
/// word looks at the cells of the picture: at their mean by shares (soft), or at one that is drawn (hard), whose gradient
/// is estimated by a reward.
///
/// Names are those of the widely used PyTorch program where it has the part. By default it computes the paper's equations;
/// `variant` has those of the authors' program and of the PyTorch one, and the recipes `sat-…` their settings.
public final class ShowAttendTell: Module, Trainable, CaptionSearching {
  public static let description = MethodDescription(
    name: "show-attend-tell", family: .attention, task: .captioning,
    summary: "writes captions of pictures and shows where each word was looked for",
    citation:
      "K. Xu, J. Ba, R. Kiros, K. Cho, A. Courville, R. Salakhutdinov, R. Zemel, Y. Bengio, Show, attend and tell: neural "
      + "image caption generation with visual attention, ICML 2015",
    accepts: [.images, .set, .sequence, .text])
  public static let targets: [Target] = [.captions]

  public let configuration: Configuration
  public let describedSide: Int
  @Named var grid: GridEncoder
  @Named var decoder: CaptionDecoder
  /// Of hard attention: the moving average that rewards are compared with.
  @Buffer var baseline: Tensor
  let picture: DataDescription.Modality
  let marks: DataDescription.Marks
  /// The words in the order of their numbers.
  let words: [String]
  private let name = ShowAttendTell.description.name

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    describedSide =
      1
      - (try data.side(
        of: .text, for: Self.description, that: "describes pictures or features of their cells"))
    picture = data.modalities[describedSide]
    guard picture.kind == .images || picture.size != nil else {
      throw MethodError.unsuitable(method: name, reason: "needs the width of \(picture.name)")
    }
    let told = data.target(Target.captions.name)
    words = told?.texts ?? []
    // Without words, as where only settings are looked at, there are marks alone.
    marks = told?.marks ?? .init(padding: 0, start: 1, end: 2, unknown: 3)
    let generator = try Generator(seed: 0)
    let grid = try GridEncoder(
      for: picture, configuration.encoder, hidden: configuration.hidden, pictures: configuration.pictures,
      standardize: configuration.standardize, using: generator)
    _grid = Named(wrappedValue: grid, "grid")
    _decoder = Named(
      wrappedValue: try CaptionDecoder(
        configuration.style(
          vocabulary: max(words.count, 4), cellWidth: grid.width, startMark: marks.start),
        using: generator), "")
    _baseline = Buffer(wrappedValue: try Tensor.zeros([1]), "baseline", isOptional: true)
  }

  // MARK: - Looking

  /// Pictures as the decoder looks at them.
  ///
  /// - Throws: ``MethodError`` for one without cells; what the encoder throws.
  func view(of pictures: Items, _ pass: Pass) throws -> CaptionDecoder.View {
    let (found, lengths) = try grid(pictures, pass)
    if let empty = lengths?.firstIndex(of: 0) {
      throw MethodError.unsuitable(method: name, reason: "\(picture.name) \(empty) has nothing to look at")
    }
    let table = decoder.embedding.weight
    return try decoder.view(of: found.to(table.dtype).to(table.device), lengths: lengths)
  }

  // MARK: - Captions

  /// Numbers of scores of cells that are in memory at a time in evaluation.
  private static let mostNumbers = 1 << 24

  /// Marks that are no words, and the mark of unknown ones unless it may be written.
  var forbidden: [Int] {
    let own = [marks.padding, marks.start] + (configuration.unknownWords ? [] : [marks.unknown])
    return Set(own).subtracting([marks.end]).sorted()
  }

  public func captions(of items: Items) throws -> [[Int]] {
    try hypotheses(of: items).map { found in
      found.chosen(configuration.choose).map { found[$0].words } ?? []
    }
  }

  public func search(_ items: Items, beam: Int? = nil) throws -> [[Hypothesis]] {
    try hypotheses(of: items, beam: beam).map { $0.ranked(configuration.choose) }
  }

  /// What a beam search finds of each picture: captions that ended in the order in which they did, then the others.
  ///
  /// - Parameter beam: captions that are kept; nil for what the settings say. More than there are words are as many.
  public func hypotheses(of items: Items, beam: Int? = nil) throws -> [[Hypothesis]] {
    let (forbidden, words) = (forbidden, decoder.style.vocabulary)
    let width = min(beam ?? configuration.beam, max(1, words - forbidden.count))
    let search = BeamSearch(
      width: width, longest: configuration.longest, end: marks.end, forbidden: forbidden)
    let generator = try Generator(seed: 0)
    return try inBlocks(items, each: width) { view in
      guard configuration.reading != .sample else {
        // What a draw gave is not a property of the caption, so that a search makes no sense: one is written.
        return try self.written(view, sampling: nil, using: generator).map { [$0] }
      }
      return try search(view, by: decoder, reading: configuration.reading == .argmax ? .largest : .expected)
    }
  }

  /// A caption of each picture whose words are drawn by their probabilities.
  ///
  /// - Parameters:
  ///   - temperature: what scores are divided by; above 0.
  ///   - generator: of the draws.
  public func samples(
    of items: Items, temperature: Double = 1, using generator: Generator
  ) throws -> [Hypothesis] {
    guard temperature > 0, temperature.isFinite else {
      throw ConfigurationError.badValue(
        key: "temperature", value: "\(temperature)", expected: "a number above 0")
    }
    return try inBlocks(items, each: 1) {
      try self.written($0, sampling: (temperature, generator), using: generator)
    }
  }

  private func written(
    _ view: CaptionDecoder.View, sampling: (temperature: Double, generator: Generator)?,
    using generator: Generator
  ) throws -> [Hypothesis] {
    let writing = CaptionWriting(
      longest: configuration.longest, end: marks.end, forbidden: forbidden, sampling: sampling)
    let found = try writing(view, by: decoder) {
      switch configuration.reading {
      case .expected: .expected
      case .argmax: .largest
      case .sample:
        .drawn(
          uniforms: try Tensor.uniform([view.count], using: generator).to(view.cells.device), isDrawn: nil)
      }
    }
    return zip(found.words, found.logProbabilities).map {
      Hypothesis(words: $0, logProbability: $1.reduce(0, +), isFinished: $0.last == marks.end)
    }
  }

  private func inBlocks<Found>(
    _ items: Items, each: Int, _ body: (CaptionDecoder.View) throws -> [Found]
  ) throws -> [Found] {
    let cells = grid.grid?.cells ?? items.tensor?.size(along: 1) ?? 1
    let numbers = cells * (each * configuration.attentionDim + grid.width + configuration.attentionDim)
    let block = min(grid.blockSize, max(1, Self.mostNumbers / max(1, numbers)))
    return try withoutGradient {
      try stride(from: 0, to: items.count, by: block).flatMap { start in
        let rows = Array(start..<min(items.count, start + block))
        return try body(view(of: items.rows(at: rows), .evaluation))
      }
    }
  }

  /// What each word of captions looked at: shares of the cells `[words][cells]`, of each picture.
  ///
  /// - Parameter captions: numbers of words, one or more each.
  public func attention(of captions: [[Int]], to items: Items) throws -> [[[Double]]] {
    try withoutGradient {
      let walk = try CaptionWalk(of: captions, view(of: items, .evaluation), by: decoder, .evaluation)
      let (shares, width) = (try walk.alpha.to(.cpu).values(as: Double.self), walk.alpha.size(along: 1))
      var found = captions.map { _ in [[Double]]() }
      for (place, caption) in walk.rows.enumerated() {
        found[caption].append(Array(shares[place * width..<(place + 1) * width]))
      }
      return found
    }
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 64
    training.learningRate = configuration.variant == .port ? 4e-4 : 1e-3
    training.gradientClip = 5
    return training
  }

  public var assets: [Asset] {
    grid.pretrained.flatMap { encoder in
      encoder.weightsFile.map { [Asset(.weights, key: encoder.weightsKey, file: $0)] }
    } ?? []
  }

  public func begin(with contents: AssetContents) throws {
    guard let encoder = grid.pretrained else { return }
    if let file = encoder.weightsFile, let weights = contents.weights[encoder.weightsKey] {
      try encoder.loadWeights(weights, from: file)
    }
    try encoder.checkWeights()
  }

  /// The numbers that a caption teaches: its words and the mark of the end.
  private func taught(_ numbers: [Int]) -> [Int] {
    numbers.first == marks.start ? Array(numbers.dropFirst()) : numbers
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    let size = training.batchSize ?? data.count
    guard configuration.byLength, let captions = data.targets(Target.captions.name) else {
      return ShuffledSampler(count: data.count, batchSize: size)
    }
    return LengthSampler(lengths: captions.map(\.count), batchSize: size)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try grid.pretrained?.checkWeights()
    try grid.prepare(on: data, side: describedSide, seed: mixed(preparation.seed, 0))
    try drawWeights(using: Generator(seed: mixed(preparation.seed, 1)))
  }

  private func drawWeights(using generator: Generator) throws {
    let shapes = Dictionary(decoder.parameters.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    for entry in decoder.parameters {
      let (name, shape) = (entry.name, entry.tensor.shape)
      let drawn: Tensor
      if configuration.firstWeights == .official {
        drawn = try officialWeights(name, shape, using: generator)
      } else if name.hasPrefix("embedding.") {
        let first = configuration.firstWeights == .port ? Initializer.uniform(from: -0.1, to: 0.1) : .normal()
        drawn = try first(shape, using: generator)
      } else if name.hasPrefix("decode_step.") {
        let bound = 1 / Double(configuration.lstmSize).squareRoot()
        drawn = try Initializer.uniform(from: -bound, to: bound)(shape, using: generator)
      } else if configuration.firstWeights == .port, name == "fc.weight" || name == "out.weight" {
        drawn = try Initializer.uniform(from: -0.1, to: 0.1)(shape, using: generator)
      } else if configuration.firstWeights == .port, name == "fc.bias" || name == "out.bias" {
        drawn = try Tensor.zeros(shape)
      } else if shape.count > 1 {
        drawn = try Initializer.standard(shape, using: generator)
      } else {
        let beside = shapes[name.replacing(/bias$/, with: "weight")] ?? shape
        drawn = try Initializer.standardBias(beside: beside)(shape, using: generator)
      }
      entry.tensor = try drawn.to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }

  /// Square matrices orthogonal, those of each gate apart; others small; biases 0.
  private func officialWeights(_ name: String, _ shape: [Int], using generator: Generator) throws -> Tensor {
    guard shape.count == 2 else { return try Tensor.zeros(shape) }
    let small = Initializer.normal(deviation: 0.01)
    func block(_ rows: Int, _ columns: Int) throws -> Tensor {
      guard rows == columns, rows > 1 else { return try small([rows, columns], using: generator) }
      return try Tensor.normal([rows, columns], using: generator).svd().u
    }
    guard name.hasPrefix("decode_step.") else { return try block(shape[0], shape[1]) }
    let n = configuration.lstmSize
    let widths = name.hasSuffix("weight_ih") ? [configuration.wordDim, grid.width] : [n]
    return try Tensor.concatenated(
      (0..<4).map { _ in
        try Tensor.concatenated(widths.map { try block(n, $0) }, along: 1)
      })
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let captions = (batch.targets[Target.captions.name] ?? []).map(taught)
    guard captions.count == batch.count, captions.allSatisfy({ !$0.isEmpty }) else {
      throw MethodError.unsuitable(
        method: name, reason: "\(batch.modalities.joined(separator: " and ")) have no captions")
    }
    let view = try view(of: batch.items[describedSide], step.pass)
    guard configuration.attention == .hard, step.isTraining else {
      let found = try configuration.objective.soft(
        CaptionWalk(of: captions, view, by: decoder, step.pass))
      return try Loss(found.total, parts: ["likelihood": found.likelihood, "unequal looks": found.penalty])
    }
    return try hard(captions, view, step)
  }

  private func hard(_ captions: [[Int]], _ view: CaptionDecoder.View, _ step: Step) throws -> Loss {
    let (count, longest) = (captions.count, captions.map(\.count).max() ?? 1)
    let draws = try Tensor.uniform(
      [configuration.sampleBy == .batch ? 1 : count], using: step.generator, on: step.device
    ).values(as: Double.self).map { $0 < configuration.sampleShare }
    let isDrawn = configuration.sampleBy == .batch ? Array(repeating: draws[0], count: count) : draws
    let uniforms = try Tensor.uniform([count, longest], using: step.generator, on: step.device)
    let walk = try CaptionWalk(
      of: captions, view, by: decoder, step.pass, draws: .init(uniforms: uniforms, isDrawn: isDrawn))
    let objective = configuration.objective
    let group = step.pass.group
    let found = try objective.hard(
      walk, isDrawn: isDrawn, baseline: baseline.item(), width: longest
    ) { own in
      guard let group else { return own }
      let all = try group.gather(Tensor([Float(own)]).to(step.device)).map { try $0.item(as: Double.self) }
      return all.reduce(0, +) / Double(max(1, all.count))
    }
    baseline = try Tensor([Float(found.baseline)]).to(baseline.dtype).to(baseline.device)
    let penalty = try objective.penalty(walk, objective.balance)
    let weight = objective.balanceWeight
    return try Loss(
      weight == 0 ? found.surrogate : found.surrogate + penalty * weight,
      parts: ["likelihood": found.likelihood, "unequal looks": penalty])
  }
}
