import Torch

/// Stacked attention networks (Yang, He, Gao, Deng & Smola, CVPR 2016): the vector of a question looks at the cells of a
/// picture, what it sees is added to it, and the sharper question looks again. The last one chooses an answer of a list.
///
/// Names are those of the paper's parts in PyTorch's layout. By default it learns by Adam from PyTorch's first weights,
/// which also small data bear; the recipes `san-…` have the authors' settings. Differs from the released program where
/// `variant` says so, and in windows of words, which lie inside the question.
public final class SAN: Module, Trainable, Answering {
  public static let description = MethodDescription(
    name: "san", family: .attention, task: .answering,
    summary: "answers questions about pictures by looking at their cells once and again",
    citation:
      "Z. Yang, X. He, J. Gao, L. Deng, A. Smola, Stacked attention networks for image question answering, CVPR 2016",
    accepts: [.images, .set, .sequence, .tokens])
  public static let targets: [Target] = [.answers]
  public static let features: [ModalityKind: JSON] = [
    .text: ["name": "words", "tokenizer": "questions", "threshold": 1, "marks": false]
  ]

  public let configuration: Configuration
  let sides: PicturesAndQuestions
  @Named var grid: GridEncoder
  @Named var question: any QuestionEncoder
  let image: Linear
  let attention: [AttentionLayer]
  let hidden: [Linear]
  let answer: Linear

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try PicturesAndQuestions(data, for: Self.description)
    let generator = try Generator(seed: 0)
    let grid = try GridEncoder(
      for: sides.picture, configuration.encoder, hidden: configuration.hidden,
      pictures: configuration.pictures,
      standardize: configuration.standardize, using: generator)
    _grid = Named(wrappedValue: grid, "grid")
    _question = Named(
      wrappedValue: try configuration.questionEncoder(vocabulary: sides.vocabulary, using: generator), "")
    let width = configuration.querySize
    image = try Linear(from: grid.width, to: width, using: generator)
    attention = try (0..<configuration.hops).map { _ in
      try AttentionLayer(
        width, to: configuration.attentionDim, isOfficial: configuration.variant == .official,
        using: generator)
    }
    let widths = [width] + configuration.answerHidden
    hidden = try zip(widths, configuration.answerHidden).map {
      try Linear(from: $0, to: $1, using: generator)
    }
    answer = try Linear(
      from: widths[widths.count - 1], to: data.target(Target.answers.name)?.count ?? 1, using: generator)
  }

  // MARK: - Looking

  /// Pictures as the layers look at them.
  ///
  /// - Throws: ``MethodError`` for one without cells; what the encoder throws.
  func view(of pictures: Items, _ pass: Pass) throws -> PictureView {
    let (found, lengths) = try grid(pictures, pass)
    if let empty = lengths?.firstIndex(of: 0) {
      throw MethodError.unsuitable(
        method: Self.description.name, reason: "\(sides.picture.name) \(empty) has nothing to look at")
    }
    let cells = try image(found.to(image.weight.dtype).to(image.weight.device)).tanh()
    let width = cells.size(along: 1)
    let isPadded = lengths?.contains { $0 < width } ?? false
    return PictureView(
      cells: cells, keys: try attention.map { try $0.keys(cells) },
      isPadding: isPadded
        ? try Tensor.counting(lengths ?? [], below: width, on: cells.device).not() : nil)
  }

  /// What questions came to.
  struct Outcome {
    /// The vector of each question, `[n, d]`, and what it became at each look.
    let question: Tensor
    let queries: [Tensor]
    /// How much each look saw of each cell, `[n, cells]`.
    let attention: [Tensor]
    /// `[n, answers]`.
    let logits: Tensor
  }

  /// The answers to questions `[n, d]` about as many pictures.
  func outcome(of asked: Tensor, _ view: PictureView, _ pass: Pass) throws -> Outcome {
    var (query, queries, looks) = (asked, [Tensor](), [Tensor]())
    for (layer, keys) in zip(attention, view.keys) {
      let (next, look) = try layer(query, keys: keys, cells: view.cells, isPadding: view.isPadding)
      query = next
      queries.append(next)
      looks.append(look)
    }
    var last = try query.dropped(configuration.dropout, pass)
    for layer in hidden { last = try layer(last).tanh().dropped(configuration.dropout, pass) }
    return Outcome(question: asked, queries: queries, attention: looks, logits: try answer(last))
  }

  /// Vectors of questions, `[n, d]`.
  func vectors(of questions: Items) throws -> Tensor {
    let (tokens, lengths) = try sides.questions(questions)
    return try question(tokens.to(image.weight.device), lengths: lengths)
  }

  // MARK: - Answers

  /// Numbers of a picture's cells and keys that are in memory at a time in evaluation.
  private static let mostNumbers = 1 << 24

  public func answers(to batch: Batch, count: Int) throws -> [[Answer]] {
    let asked = try vectors(of: batch.items[sides.questionSide])
    let items = batch.items[sides.pictureSide]
    let pictures = AskedPictures(batch.rows[sides.pictureSide])
    let cells = grid.grid?.cells ?? items.tensor?.size(along: 1) ?? 1
    let numbers = configuration.querySize + configuration.hops * configuration.attentionDim
    let each = max(1, Self.mostNumbers / max(1, cells * numbers))
    var all = [[Answer]](repeating: [], count: batch.count)
    for start in stride(from: 0, to: pictures.count, by: min(each, grid.blockSize)) {
      let some = start..<min(pictures.count, start + min(each, grid.blockSize))
      let seen = try view(of: items.rows(at: Array(pictures.places[some])), .evaluation)
      let questions = pictures.questions(about: some)
      for block in stride(from: 0, to: questions.count, by: each) {
        let own = questions[block..<min(block + each, questions.count)]
        let found = try outcome(
          of: asked.rows(at: own.map(\.place)), seen.rows(at: own.map { $0.picture - start }), .evaluation)
        for (place, answers) in zip(own.map(\.place), try best(found.logits, count)) { all[place] = answers }
      }
    }
    return all
  }

  /// The most probable answers of each row of logits, the first in the list among equals.
  private func best(_ logits: Tensor, _ count: Int) throws -> [[Answer]] {
    let shares = try logits.softmax(along: 1).to(.cpu)
    let width = shares.size(along: 1)
    let kept = max(0, min(count, width))
    let (numbers, values): ([Int], [Double])
    if kept == 1 {
      let best = try shares.argmax(along: 1, keepingDimension: true)
      (numbers, values) = (
        try best.values(as: Int.self), try shares.gathered(best, along: 1).values(as: Double.self)
      )
    } else {
      let sorted = try shares.sorted(along: 1, descending: true)
      let range = 0..<kept
      numbers = try sorted.indices.narrowed(to: range, along: 1).contiguous().values(as: Int.self)
      values = try sorted.values.narrowed(to: range, along: 1).contiguous().values(as: Double.self)
    }
    return (0..<shares.size(along: 0)).map { row in
      (row * kept..<(row + 1) * kept).map { Answer(number: numbers[$0], probability: values[$0]) }
    }
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 100
    training.learningRate = 1e-3
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

  /// Word vectors have a rate of their own and do not decay.
  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    Self.groups(of: parameters, configuration, training)
  }

  static func groups(
    of entries: [StateEntry], _ configuration: Configuration, _ training: TrainingConfiguration
  ) -> [ParameterGroup] {
    let rate = configuration.embedRate ?? (training.optimizer == .sgd ? 80 : 1)
    let isWords = { (entry: StateEntry) in entry.name.hasPrefix("embed") }
    return [
      ParameterGroup(entries.filter(isWords), rateFactor: rate, weightDecay: 0),
      ParameterGroup(entries.filter { !isWords($0) }),
    ].filter { !$0.parameters.isEmpty }
  }

  /// Pairs none of whose answers is in the list are left out.
  ///
  /// - Throws: ``MethodError`` naming a question without words, before a run is begun.
  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    try sides.check(data)
    let places = Self.answerable(data)
    return SelectedPairSampler(
      places, by: ShuffledSampler(count: places.count, batchSize: training.batchSize ?? places.count))
  }

  private static func answerable(_ data: some TrainingSet) -> [Int] {
    guard let numbers = data.targets(Target.answers.name) else { return [] }
    return numbers.indices.filter { !numbers[$0].isEmpty }
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try grid.pretrained?.checkWeights()
    let left = data.count - Self.answerable(data).count
    if left > 0 {
      preparation.note("\(left) of \(data.count) pairs have no answer of the list and are left out")
    }
    try grid.prepare(on: data, side: sides.pictureSide, seed: mixed(preparation.seed, 0))
    try drawWeights(using: Generator(seed: mixed(preparation.seed, 1)))
  }

  private func drawWeights(using generator: Generator) throws {
    let own = parameters.filter { !$0.name.hasPrefix("grid.") }
    let shapes = Dictionary(own.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    for entry in own {
      let shape = entry.tensor.shape
      let first: Initializer
      if configuration.firstWeights == .official {
        first =
          entry.name.hasPrefix("embed.")
          ? .uniform(from: -0.5, to: 0.5) : shape.count > 1 ? .uniform(from: -0.01, to: 0.01) : .constant(0)
      } else if entry.name.hasPrefix("embed.") {
        first = .normal()
      } else if entry.name.hasPrefix("lstm.") {
        let bound = 1 / Double(configuration.lstmSize).squareRoot()
        first = .uniform(from: -bound, to: bound)
      } else if shape.count > 1 {
        first = .standard
      } else {
        first = .standardBias(beside: shapes[entry.name.replacing(/bias$/, with: "weight")] ?? shape)
      }
      var drawn = try first(shape, using: generator)
      if entry.name == "embed.weight" {
        drawn = try drawn.replacing(Tensor([0]), with: Tensor.zeros([1, shape[1]]))
      } else if entry.name == "lstm.bias_ih_l0", configuration.firstWeights == .official {
        let size = configuration.lstmSize
        drawn = try drawn.replacing(Tensor.range(size..<2 * size), with: Tensor.ones([size]))
      }
      entry.tensor = try drawn.to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }

  /// The mean over the pairs of -log of the probability of the answer that is learned (section 3.4).
  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let labels = try labels(of: batch, step)
    let places = labels.indices.filter { labels[$0] != nil }
    guard !places.isEmpty else {
      throw MethodError.unsuitable(
        method: Self.description.name, reason: "no pair of the batch has an answer of the list")
    }
    let asked = try vectors(of: batch.items[sides.questionSide])
    let pictures = AskedPictures(batch.rows[sides.pictureSide])
    let view = try view(
      of: batch.items[sides.pictureSide].rows(at: pictures.places), step.pass
    )
    let own = pictures.count == batch.count ? view : try view.rows(at: pictures.pictureOfQuestion)
    let logits = try outcome(of: asked, own, step.pass).logits
    let known = places.count == batch.count ? logits : try logits.rows(at: places)
    return try Loss(known.crossEntropy(Tensor(labels.compactMap(\.self)).to(logits.device)))
  }

  /// The number of the answer that each pair teaches; nil for a pair that has none in the list.
  private func labels(of batch: Batch, _ step: Step) throws -> [Int?] {
    let answers = batch.targets[Target.answers.name] ?? []
    guard answers.count == batch.count else {
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "\(batch.modalities.joined(separator: " and ")) have no answers")
    }
    let isDrawn = step.isTraining && configuration.sampleAnswer && answers.contains { $0.count > 1 }
    guard isDrawn else { return answers.map(Self.mostFrequent) }
    let choices = try Tensor.uniform([answers.count], using: step.generator, on: step.device)
      .values(as: Double.self)
    return zip(answers, choices).map { own, choice in
      own.isEmpty ? nil : own[min(own.count - 1, Int(choice * Double(own.count)))]
    }
  }

  /// The number that most people gave, the first one among equals.
  private static func mostFrequent(_ numbers: [Int]) -> Int? {
    let counts = Dictionary(numbers.map { ($0, 1) }, uniquingKeysWith: +)
    let most = counts.values.max()
    return numbers.first { counts[$0] == most }
  }
}

/// The pictures that the questions of a batch are about, each once.
struct AskedPictures {
  /// Where each picture stands in the batch first.
  let places: [Int]
  /// Which of the pictures each question is about.
  let pictureOfQuestion: [Int]

  /// - Parameter rows: the picture's row of each question.
  init(_ rows: [Int]) {
    var places: [Int] = []
    var known: [Int: Int] = [:]
    pictureOfQuestion = rows.enumerated().map { place, row in
      if let picture = known[row] { return picture }
      known[row] = places.count
      places.append(place)
      return places.count - 1
    }
    self.places = places
  }

  var count: Int { places.count }

  /// The questions about some of the pictures: their places in the batch.
  func questions(about pictures: Range<Int>) -> [(place: Int, picture: Int)] {
    pictureOfQuestion.enumerated().filter { pictures.contains($0.element) }.map { ($0.offset, $0.element) }
  }
}
