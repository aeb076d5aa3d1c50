import Testing
import Torch

@testable import CrossModal

@Suite("SAN")
struct SANTests {
  private static let words = 20
  private static let cellWidth = 6

  /// A small network over features of cells, its parameters drawn anew.
  private static func network(_ change: (inout SAN.Configuration) -> Void = { _ in }) throws -> SAN {
    var configuration = SAN.Configuration()
    (configuration.wordDim, configuration.filters, configuration.lstmSize) = (5, [3, 4, 2], 9)
    configuration.attentionDim = 7
    change(&configuration)
    return try SAN(
      configuration,
      for: DataDescription(
        name: "small",
        modalities: [
          .init(name: "image", kind: .set, size: cellWidth),
          .init(name: "question", kind: .tokens, vocabulary: words),
        ],
        targets: [.init(name: "answers", texts: ["a", "b", "c", "d", "e"])]))
  }

  private static let models: [SAN.Configuration.QuestionModel] = [.lstm, .cnn]

  private static let lengths = [4, 1, 2]
  private static func tokens() throws -> Tensor {
    try Tensor([3, 7, 2, 9, 5, 0, 0, 0, 8, 6, 0, 0], shape: [3, 4])
  }
  private static func pictures() throws -> Tensor {
    try Tensor.normal([3, 8, cellWidth], using: Generator(seed: 4))
  }

  private static func outcome(
    _ network: SAN, _ pictures: Tensor, _ tokens: Tensor, _ lengths: [Int], cells: [Int]? = nil
  ) throws -> SAN.Outcome {
    let cells = cells ?? Array(repeating: pictures.size(along: 1), count: pictures.size(along: 0))
    return try withoutGradient {
      try network.outcome(
        of: network.vectors(of: .tokens(tokens, lengths: lengths)),
        network.view(of: .sets(pictures, lengths: cells), .evaluation), .evaluation)
    }
  }

  private func expectClose(_ one: Tensor, _ other: Tensor, _ about: String = "") throws {
    let isClose = try one.isClose(to: other, relative: 1e-5, absolute: 1e-6)
    #expect(one.shape == other.shape && isClose, "\(about)")
  }

  // MARK: - Attention

  @Test("attention adds up to 1, and goes with the cells when they change places", arguments: [1, 2, 4])
  func attention(hops: Int) throws {
    let network = try Self.network { $0.hops = hops }
    let (pictures, tokens) = (try Self.pictures(), try Self.tokens())
    let plain = try Self.outcome(network, pictures, tokens, Self.lengths)
    #expect(plain.attention.count == hops && plain.queries.count == hops)
    let order = [5, 2, 7, 0, 1, 6, 4, 3]
    let moved = try Self.outcome(network, pictures.rows(at: order, along: 1), tokens, Self.lengths)
    for (look, other) in zip(plain.attention, moved.attention) {
      try expectClose(look.sum(along: 1), Tensor.ones([3]))
      #expect(try (look .> 0).all())
      try expectClose(look.rows(at: order, along: 1), other)
    }
    try expectClose(plain.logits, moved.logits)
  }

  @Test("without weights of the scores each look adds the mean of the cells")
  func uniform() throws {
    let network = try Self.network { $0.hops = 3 }
    for layer in network.attention { layer.score.weight = try layer.score.weight.zerosLike() }
    let pictures = try Self.pictures()
    let found = try Self.outcome(network, pictures, Self.tokens(), Self.lengths)
    let mean = try network.image(pictures).tanh().mean(along: 1)
    try expectClose(found.queries[2], found.question + mean * 3)
    try expectClose(found.attention[0], Tensor.full([3, 8], 0.125))
  }

  @Test("the query after one look is that of a network with one look")
  func fewerHops() throws {
    let (two, one) = (try Self.network(), try Self.network { $0.hops = 1 })
    try one.load(two.state, from: "the other", allowingUnused: true)
    let (pictures, tokens) = (try Self.pictures(), try Self.tokens())
    let queries = try [two, one].map { try Self.outcome($0, pictures, tokens, Self.lengths).queries[0] }
    try expectClose(queries[0], queries[1])
  }

  @Test("scores of the released program are squashed: no cell outweighs another by more than e²")
  func squashed() throws {
    func ratios(_ variant: SAN.Configuration.Variant) throws -> [Double] {
      let network = try Self.network { $0.variant = variant }
      for layer in network.attention { layer.score.weight = try layer.score.weight * 1000 }
      let found = try Self.outcome(network, Self.pictures(), Self.tokens(), [4, 1, 2])
      return try found.attention.map { try ($0.max(along: 1) / $0.min(along: 1)).max().item() }
    }
    #expect(try ratios(.official).allSatisfy { $0 < 7.39 })
    #expect(try ratios(.paper).allSatisfy { $0 > 7.39 }, "and those of the paper are not")
  }

  @Test("objects behind the end of a set have no part in anything")
  func padding() throws {
    let network = try Self.network()
    let (pictures, tokens) = (try Self.pictures(), try Self.tokens())
    let cells = [8, 5, 3]
    let whole = try Self.outcome(network, pictures, tokens, Self.lengths, cells: cells)
    for row in 0..<3 {
      let alone = try Self.outcome(
        network, pictures.rows(at: [row]).narrowed(to: 0..<cells[row], along: 1), tokens.rows(at: [row]),
        [Self.lengths[row]])
      try expectClose(alone.logits, whole.logits.rows(at: [row]))
    }
    #expect(throws: MethodError.self) {
      try Self.outcome(network, pictures, tokens, Self.lengths, cells: [8, 0, 3])
    }
  }

  // MARK: - Questions

  @Test("neither padding nor the questions beside it change a question's vector", arguments: models)
  func questionsAlone(model: SAN.Configuration.QuestionModel) throws {
    let network = try Self.network { $0.questionModel = model }
    let tokens = try Self.tokens()
    let whole = try network.vectors(of: .tokens(tokens, lengths: Self.lengths))
    try expectClose(network.vectors(of: .tokens(tokens.padded([0, 3]), lengths: Self.lengths)), whole)
    for (row, length) in Self.lengths.enumerated() {
      let alone = try tokens.rows(at: [row]).narrowed(to: 0..<length, along: 1)
      try expectClose(network.vectors(of: .tokens(alone, lengths: [length])), whole.rows(at: [row]), "\(row)")
    }
  }

  @Test("windows of the released program reach over padding: a question depends on the longest beside it")
  func officialWindows() throws {
    let network = try Self.network { $0.variant = .official }
    let tokens = try Self.tokens()
    let whole = try network.vectors(of: .tokens(tokens, lengths: Self.lengths))
    let wider = try network.vectors(of: .tokens(tokens.padded([0, 3]), lengths: Self.lengths))
    #expect(try !whole.isClose(to: wider, relative: 1e-5, absolute: 1e-6))
    let error = #expect(throws: MethodError.self) {
      try network.vectors(of: .tokens(Tensor([3, 7], shape: [1, 2]), lengths: [2]))
    }
    #expect(error?.errorDescription?.contains("3 words or more; the longest has 2") == true)
  }

  @Test("a question of one word is one step of the cell", arguments: [true, false])
  func oneStep(hasTanh: Bool) throws {
    let network = try Self.network {
      $0.questionModel = .lstm
      $0.outputTanh = hasTanh
    }
    let weights = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.tensor) })
    let word = try #require(weights["embed.weight"])[5].unsqueezed(at: 0)
    let gates = try
      (word.matmul(#require(weights["lstm.weight_ih_l0"]).transposed())
      + #require(weights["lstm.bias_ih_l0"]) + #require(weights["lstm.bias_hh_l0"])).split(by: 9, along: 1)
    let cell = try gates[0].sigmoid() * gates[2].tanh()
    let expected = try gates[3].sigmoid() * (hasTanh ? cell.tanh() : cell)
    let found = try network.vectors(of: .tokens(Tensor([5], shape: [1, 1]), lengths: [1]))
    try expectClose(found, expected)
  }

  @Test("questions are turned round inside their own length, twice is not at all")
  func reversed() throws {
    let tokens = try Self.tokens()
    let turned = try tokens.reversedInside(Self.lengths)
    #expect(try turned.values(as: Int.self) == [9, 2, 7, 3, 5, 0, 0, 0, 6, 8, 0, 0])
    #expect(try turned.reversedInside(Self.lengths).values(as: Int.self) == tokens.values(as: Int.self))

    let plain = try Self.network { $0.questionModel = .lstm }
    let reversing = try Self.network {
      $0.questionModel = .lstm
      $0.reverse = true
    }
    try reversing.load(plain.state, from: "the other")
    let palindrome = try Tensor([4, 9, 4, 0, 4, 9, 8, 0], shape: [2, 4])
    let vectors = try [plain, reversing].map { try $0.vectors(of: .tokens(palindrome, lengths: [3, 3])) }
    try expectClose(vectors[0][0], vectors[1][0])
    #expect(try !vectors[0][1].isClose(to: vectors[1][1], relative: 1e-3, absolute: 1e-3))
  }

  @Test("padding learns nothing: the gradient of its word vector is zero", arguments: models)
  func paddingGradient(model: SAN.Configuration.QuestionModel) throws {
    let network = try Self.network { $0.questionModel = model }
    let entry = try #require(network.parameters.first { $0.name == "embed.weight" })
    try network.vectors(of: .tokens(Self.tokens(), lengths: Self.lengths)).sum().backward()
    let slope = try #require(entry.gradient)
    #expect(try (slope[0] .== 0).all())
    #expect(try !(slope[3] .== 0).all())
  }

  // MARK: - Learning

  private static func batch(answers: [[Int]], pictures rows: [Int] = [0, 1, 2]) throws -> Batch {
    let cells = try Self.pictures().rows(at: rows)
    var batch = Batch(
      modalities: ["image", "question"],
      items: [
        .sets(cells, lengths: Array(repeating: 8, count: rows.count)),
        .tokens(try Self.tokens(), lengths: lengths),
      ], rows: [rows, [0, 1, 2]])
    batch.targets["answers"] = answers
    return batch
  }

  @Test("the loss is that of the most frequent answer, and a pair without an answer has none")
  func loss() throws {
    let network = try Self.network()
    let found = try Self.outcome(network, Self.pictures(), Self.tokens(), Self.lengths).logits
    let step = try Step(isTraining: false)
    let all = try network.loss(Self.batch(answers: [[4, 2, 2], [1], [0, 3]]), step).total
    try expectClose(all.detached(), found.crossEntropy(Tensor([2, 1, 0])))
    let some = try network.loss(Self.batch(answers: [[4, 2, 2], [], [0]]), step).total
    try expectClose(some.detached(), found.rows(at: [0, 2]).crossEntropy(Tensor([2, 0])))
    #expect(throws: MethodError.self) { try network.loss(Self.batch(answers: [[], [], []]), step) }
  }

  @Test("in training an answer is drawn among those that people gave, each as often as it was given")
  func drawn() throws {
    let network = try Self.network { $0.dropout = 0 }
    let logits = try Self.outcome(network, Self.pictures(), Self.tokens(), Self.lengths).logits
    let losses = try [2, 4].map { answer in
      try logits.rows(at: [0]).crossEntropy(Tensor([answer])).item(as: Double.self)
    }
    var counts = [0, 0]
    for seed in 0..<60 {
      let value = try network.loss(
        Self.batch(answers: [[4, 2, 2], [], []]), Step(number: seed, isTraining: true)
      ).total.item(as: Double.self)
      let drawn = try #require(losses.firstIndex { abs($0 - value) < 1e-5 })
      counts[drawn] += 1
    }
    #expect(counts[0] > counts[1] && counts[1] > 5)
  }

  @Test("a picture that several questions are about answers each as if it were asked alone")
  func sharedPictures() throws {
    let network = try Self.network()
    let batch = try Self.batch(answers: [[], [], []], pictures: [1, 0, 1])
    let together = try withoutGradient { try network.answers(to: batch, count: 2) }
    for row in 0..<3 {
      let alone = Batch(
        modalities: batch.modalities, items: try batch.items.map { try $0.rows(at: [row]) }, rows: [[7], [9]])
      let answers = try withoutGradient { try network.answers(to: alone, count: 2) }[0]
      #expect(answers.map(\.number) == together[row].map(\.number))
      #expect(zip(answers, together[row]).allSatisfy { abs($0.probability - $1.probability) < 1e-6 })
    }
    // More answers than there are: all of them, whose probabilities add up.
    let all = try withoutGradient { try network.answers(to: batch, count: 99) }[0]
    #expect(all.count == 5 && abs(all.map(\.probability).reduce(0, +) - 1) < 1e-6)
    #expect(all.map(\.probability) == all.map(\.probability).sorted(by: >))
  }

  @Test("word vectors have a rate of their own and do not decay")
  func groups() throws {
    var training = TrainingConfiguration()
    training.optimizer = .sgd
    let groups = try Self.network().parameterGroups(training)
    #expect(groups.map(\.rateFactor) == [80, 1])
    #expect(groups[0].parameters.map(\.name) == ["embed.weight"] && groups[0].weightDecay == 0)
    training.optimizer = .adam
    #expect(try Self.network().parameterGroups(training)[0].rateFactor == 1)
    #expect(try Self.network { $0.embedRate = 3 }.parameterGroups(training)[0].rateFactor == 3)
  }

  // MARK: - What it cannot take

  @Test("questions that cannot be are told, each by its row")
  func badQuestions() throws {
    let network = try Self.network()
    func told(_ tokens: [Int], _ lengths: [Int]) -> String {
      let error = #expect(throws: TextEncoderError.self) {
        try network.vectors(
          of: .tokens(Tensor(tokens, shape: [lengths.count, tokens.count / lengths.count]), lengths: lengths))
      }
      return error?.errorDescription ?? ""
    }
    #expect(told([3, 7, 2, 9], [2, 0]) == "text 1 has 0 words, expected 1 to 2")
    #expect(told([3, 7, 2, 9], [2, 3]) == "text 1 has 3 words, expected 1 to 2")
    #expect(told([3, 7, 2, 20], [2, 2]) == "text 1, place 1: word number 20, expected 0 to 19")
    #expect(told([3, -1, 2, 2], [2, 2]) == "text 0, place 1: word number -1, expected 0 to 19")
  }

  @Test("data that are no pictures with questions are refused by what they have")
  func badData() throws {
    let kinds: [[DataDescription.Modality]] = [
      [.init(name: "a", kind: .tokens, vocabulary: 9), .init(name: "b", kind: .tokens, vocabulary: 9)],
      [.init(name: "a", kind: .set, size: 3), .init(name: "b", kind: .images, shape: [16, 16, 3])],
    ]
    for modalities in kinds {
      let error = #expect(throws: MethodError.self) {
        try SAN(SAN.Configuration(), for: DataDescription(name: "odd", modalities: modalities))
      }
      #expect(error?.errorDescription?.contains("odd has a of kind") == true)
    }
    let error = #expect(throws: ConfigurationError.self) {
      try Self.outcome(
        Self.network(), Tensor.zeros([1, 4, Self.cellWidth + 1]), Tensor([3], shape: [1, 1]), [1])
    }
    #expect(error?.errorDescription?.contains("vectors of width 6") == true)
  }

  @Test(
    "settings that do not go together are refused by name",
    arguments: [
      ("filters", ["filters": [3, 4]]), ("pictures.crop", ["pictures": ["crop": true]]),
      ("reverse", ["reverse": true, "question_model": "cnn"]), ("hops", ["hops": 0]),
      ("encoder", ["encoder": "patches(0)"]), ("dropout", ["dropout": 1]),
    ] as [(String, JSON)])
  func badSettings(key: String, settings: JSON) {
    let error = #expect(throws: ConfigurationError.self) { try SAN.Configuration(overrides: settings) }
    #expect(error?.errorDescription?.contains(key) == true)
  }
}
