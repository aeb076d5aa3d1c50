import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Show, attend and tell")
struct ShowAttendTellTests {
  private static let cellWidth = 6
  private static let words = ["<pad>", "<start>", "<end>", "<unk>", "a", "red", "blue", "dog", "cat"]
  private static let end = 2

  /// A small network over features of cells, with parameters large enough to tell words apart.
  private static func network(
    seed: UInt64 = 3, _ change: (inout ShowAttendTell.Configuration) -> Void = { _ in }
  ) throws -> ShowAttendTell {
    var configuration = ShowAttendTell.Configuration()
    (configuration.wordDim, configuration.lstmSize, configuration.attentionDim) = (5, 8, 7)
    (configuration.dropout, configuration.longest) = (0, 7)
    change(&configuration)
    let network = try ShowAttendTell(
      configuration,
      for: DataDescription(
        name: "small",
        modalities: [
          .init(name: "image", kind: .set, size: cellWidth), .init(name: "caption", kind: .text),
        ],
        targets: [
          .init(
            name: "captions", texts: words, marks: .init(padding: 0, start: 1, end: 2, unknown: 3))
        ]))
    let generator = try Generator(seed: seed)
    for entry in network.decoder.parameters {
      entry.tensor = try Tensor.normal(entry.tensor.shape, using: generator) * 0.7
    }
    return network
  }

  private static let captions = [[4, 5, 7, 2], [4, 6, 2], [8, 2]]

  private static func pictures(_ count: Int = 3, cells: Int = 5) throws -> Tensor {
    try Tensor.normal([count, cells, cellWidth], using: Generator(seed: 4))
  }

  private static func items(_ pictures: Tensor, lengths: [Int]? = nil) -> Items {
    .sets(
      pictures,
      lengths: lengths ?? Array(repeating: pictures.size(along: 1), count: pictures.size(along: 0)))
  }

  private static func walk(
    _ network: ShowAttendTell, _ pictures: Tensor, _ captions: [[Int]] = captions,
    lengths: [Int]? = nil, draws: CaptionWalk.Draws? = nil
  ) throws -> CaptionWalk {
    try CaptionWalk(
      of: captions, network.view(of: items(pictures, lengths: lengths), .evaluation), by: network.decoder,
      .evaluation, draws: draws)
  }

  private func expectClose(_ one: Tensor, _ other: Tensor, _ about: String = "") throws {
    let isClose = try one.isClose(to: other, relative: 1e-4, absolute: 1e-5)
    #expect(one.shape == other.shape && isClose, "\(about)")
  }

  // MARK: - Looking

  @Test("shares add up to 1 at every word, and go with the cells when they change places; words stay")
  func attention() throws {
    for variant in ShowAttendTell.Variant.allCases {
      let network = try Self.network { $0 = Self.narrowed(.init(variant)) }
      let pictures = try Self.pictures()
      let plain = try Self.walk(network, pictures)
      try expectClose(plain.alpha.sum(along: 1), Tensor.ones([9]))
      try expectClose(plain.sums(plain.alpha).sum(along: 1), Tensor([4, 3, 2] as [Float]))
      let order = [3, 0, 4, 1, 2]
      let moved = try Self.walk(network, pictures.rows(at: order, along: 1))
      try expectClose(plain.alpha.rows(at: order, along: 1), moved.alpha, "\(variant)")
      try expectClose(plain.logits, moved.logits, "\(variant)")
    }
  }

  private static func narrowed(_ whole: ShowAttendTell.Configuration) -> ShowAttendTell.Configuration {
    var own = whole
    (own.wordDim, own.lstmSize, own.attentionDim, own.dropout, own.longest) = (5, 8, 7, 0, 7)
    return own
  }

  @Test("neither the captions and pictures beside it nor cells behind its end change a caption's likelihood")
  func alone() throws {
    let network = try Self.network()
    let (pictures, lengths) = (try Self.pictures(), [5, 2, 4])
    let whole = try Self.walk(network, pictures, lengths: lengths)
    let together = try whole.sums(whole.wordLosses())
    for row in 0..<3 {
      let own = try Self.walk(
        network, pictures.rows(at: [row]).narrowed(to: 0..<lengths[row], along: 1), [Self.captions[row]])
      try expectClose(own.sums(own.wordLosses()), together.rows(at: [row]), "\(row)")
    }
  }

  @Test("a gate that is shut leaves a model of the language after the first state")
  func shut() throws {
    let network = try Self.network()
    for entry in network.decoder.parameters where entry.name.hasPrefix("f_beta") {
      entry.tensor = try entry.name.hasSuffix("bias") ? Tensor.full([1], -200) : entry.tensor.zerosLike()
    }
    // Pictures with the same mean begin the same way.
    let pictures = try Self.pictures(1)
    let flat = try pictures.mean(along: 1, keepingDimension: true).expanded(to: [1, 5, Self.cellWidth])
    let one = try Self.walk(network, pictures, [[4, 5, 2]])
    let other = try Self.walk(network, flat.contiguous(), [[4, 5, 2]])
    try expectClose(one.logits, other.logits)
  }

  @Test("a constant that is added to all scores of cells changes nothing")
  func constant() throws {
    let network = try Self.network()
    let entry = try #require(network.parameters.first { $0.name == "attention.full_att.bias" })
    let plain = try Self.walk(network, Self.pictures())
    try plain.wordLosses().sum().backward()
    let slope = try #require(entry.gradient)
    #expect(try slope.isClose(to: Tensor.zeros([1]), absolute: 1e-5))
    entry.tensor = try entry.tensor.detached() + 3
    try expectClose(Self.walk(network, Self.pictures()).logits, plain.logits)
  }

  // MARK: - Hard attention

  private static func uniforms(_ rows: Int, _ width: Int) throws -> Tensor {
    try Tensor.uniform([rows, width], using: Generator(seed: 9))
  }

  @Test("of one cell, and of shares that are all in one, the drawn cell is the mean")
  func oneCell() throws {
    let network = try Self.network()
    let draws = CaptionWalk.Draws(uniforms: try Self.uniforms(3, 4), isDrawn: [true, true, true])
    let single = try Self.pictures(3, cells: 1)
    try expectClose(
      Self.walk(network, single, draws: draws).logits, Self.walk(network, single).logits)
    for entry in network.parameters where entry.name == "attention.full_att.weight" {
      entry.tensor = try entry.tensor.detached() * 10_000
    }
    let pictures = try Self.pictures()
    try expectClose(
      Self.walk(network, pictures, draws: draws).logits, Self.walk(network, pictures).logits)
  }

  @Test("the gradient of all draws together is that of the expected loss")
  func reinforce() throws {
    let network = try Self.network()
    let (pictures, caption) = (try Self.pictures(1, cells: 2), [[5, 2]])
    let entry = try #require(network.parameters.first { $0.name == "attention.encoder_att.weight" })
    let objective = CaptionObjective(balanceWeight: 0, rewardWeight: 1, entropyWeight: 0)
    /// Walks by every sequence of cells: the shares decide which uniform numbers give it.
    func walks() throws -> [(walk: CaptionWalk, probability: Double)] {
      try [0, 1].flatMap { first -> [(walk: CaptionWalk, probability: Double)] in
        try [0, 1].map { second -> (walk: CaptionWalk, probability: Double) in
          let begin = try Self.drawn(network, pictures, caption, [first == 0 ? 0 : 0.999_999, 0])
          let share = try begin.alpha.values(as: Double.self)
          let uniforms: [Float] = [first == 0 ? 0 : 0.999_999, second == 0 ? 0 : 0.999_999]
          return (
            try Self.drawn(network, pictures, caption, uniforms), share[first] * share[2 + second]
          )
        }
      }
    }
    func expected() throws -> Double {
      try walks().reduce(0) { $0 + $1.probability * (try $1.walk.wordLosses().sum().item()) }
    }
    var estimate = try entry.tensor.zerosLike()
    for (walk, probability) in try walks() {
      let cost = try objective.hard(walk, isDrawn: [true], baseline: 1.3, width: 2).surrogate
      let slope = try #require(Tensor.gradients(of: [cost], by: [entry.tensor])[0])
      estimate = try estimate + slope * probability
    }
    let (start, step) = (try entry.tensor.detached().copied(), 1e-2)
    for place in [(0, 1), (3, 2), (6, 5)] {
      let unit = try Tensor.zeros(start.shape).replacing(
        Tensor([place.0]),
        with: Tensor(
          (0..<Self.cellWidth).map { $0 == place.1 ? Float(step) : 0 }, shape: [1, Self.cellWidth]))
      entry.tensor = try start + unit
      let above = try expected()
      entry.tensor = try start - unit
      let below = try expected()
      entry.tensor = start
      let found: Double = try estimate[place.0][place.1].item()
      #expect(abs(found - (above - below) / (2 * step)) < 2e-3, "\(place)")
    }
  }

  private static func drawn(
    _ network: ShowAttendTell, _ pictures: Tensor, _ captions: [[Int]], _ uniforms: [Float]
  ) throws -> CaptionWalk {
    try walk(
      network, pictures, captions,
      draws: .init(uniforms: Tensor(uniforms, shape: [1, uniforms.count]), isDrawn: [true]))
  }

  @Test("the baseline follows the likelihood in training, and rests in evaluation")
  func baseline() throws {
    let network = try Self.network { $0.attention = .hard }
    let batch = try Self.batch()
    _ = try network.loss(batch, Step(isTraining: false))
    #expect(try network.baseline.item(as: Double.self) == 0)
    let found = try network.loss(batch, Step(isTraining: true))
    let likelihood = try #require(found.parts.first { $0.name == "likelihood" }).value.item(as: Double.self)
    #expect(abs(try network.baseline.item(as: Double.self) - 0.1 * likelihood) < 1e-5)
  }

  // MARK: - Search

  @Test("of many pictures at once a search finds what it finds of each, with the likelihoods of the words")
  func search() throws {
    let network = try Self.network()
    let pictures = try Self.pictures(7)
    for beam in [1, 3, 5] {
      let all = try network.hypotheses(of: Self.items(pictures), beam: beam)
      for row in 0..<7 {
        let own = try pictures.rows(at: [row])
        let alone = try network.hypotheses(of: Self.items(own), beam: beam)[0]
        #expect(alone.map(\.words) == all[row].map(\.words) && all[row].count == beam)
        for hypothesis in all[row] {
          let walk = try Self.walk(network, own, [hypothesis.words])
          let score = -(try walk.wordLosses().sum().item(as: Double.self))
          #expect(abs(score - hypothesis.logProbability) < 1e-3)
          #expect(Set(hypothesis.words).isDisjoint(with: [0, 1, 3]))
          #expect((hypothesis.words.last == Self.end) == hypothesis.isFinished)
          #expect(!hypothesis.words.dropLast().contains(Self.end) && hypothesis.words.count <= 7)
        }
      }
    }
  }

  @Test("a search that keeps one caption writes the best word each time")
  func greedy() throws {
    let network = try Self.network()
    let view = try network.view(of: Self.items(Self.pictures(6)), .evaluation)
    let written = try CaptionWriting(longest: 7, end: Self.end, forbidden: network.forbidden)(
      view, by: network.decoder)
    let found = try network.hypotheses(of: Self.items(Self.pictures(6)), beam: 1)
    #expect(found.map { $0[0].words } == written.words)
  }

  @Test("among equal words the one with the smaller number goes on; unknown ones where they are asked for")
  func equals() throws {
    for unknown in [false, true] {
      let network = try Self.network {
        ($0.unknownWords, $0.choose) = (unknown, .best)
      }
      for entry in network.decoder.parameters where entry.name.hasPrefix("out.") {
        entry.tensor = try entry.tensor.zerosLike()
      }
      let found = try network.hypotheses(of: Self.items(Self.pictures(2)), beam: 2)
      // The end is the smallest number that may be written.
      #expect(found[1].map(\.words)[0] == [2])
      #expect(found[1].map(\.words)[1].first == (unknown ? 3 : 4))
    }
  }

  @Test("of what was found the finished, the most probable, or the best by word is said")
  func chosen() {
    let all = [
      Hypothesis(words: [4, 2], logProbability: -3, isFinished: true),
      Hypothesis(words: [4, 5, 6, 7, 2], logProbability: -3.5, isFinished: true),
      Hypothesis(words: [4, 4, 4], logProbability: -2.5, isFinished: false),
    ]
    #expect(all.chosen(.finished) == 0 && all.chosen(.best) == 2 && all.chosen(.normalised) == 1)
    #expect([all[2]].chosen(.finished) == 0, "and an unfinished one where there is no other")
    #expect([Hypothesis]().chosen(.best) == nil)
  }

  @Test("drawn captions are the same by the same seed, and nearly the best ones when it is cold")
  func samples() throws {
    let network = try Self.network()
    let items = Self.items(try Self.pictures(6))
    func words(_ seed: UInt64, _ temperature: Double) throws -> [[Int]] {
      try network.samples(of: items, temperature: temperature, using: Generator(seed: seed)).map(\.words)
    }
    #expect(try words(1, 1) == words(1, 1))
    #expect(try words(1, 1.5) != words(2, 1.5))
    #expect(try words(1, 1e-4) == network.hypotheses(of: items, beam: 1).map { $0[0].words })
    #expect(throws: ConfigurationError.self) { try words(1, 0) }
  }

  // MARK: - Learning

  private static func batch() throws -> Batch {
    var batch = Batch(
      modalities: ["image", "caption"],
      items: [items(try pictures()), .texts(["a red dog", "a blue", "cat"])], rows: [[0, 1, 2], [0, 1, 2]])
    batch.targets["captions"] = captions.map { [1] + $0 }
    return batch
  }

  @Test("the loss is the likelihood and the penalty of unequal looks, averaged as the settings say")
  func loss() throws {
    let walk = try Self.walk(Self.network(), Self.pictures())
    let words: Double = try walk.wordLosses().sum().item()
    let squares: Double = try (1 - walk.sums(walk.alpha)).squared().sum().item()
    for (loss, ds, expected) in [
      (.sentence, .paper, words / 3 + squares / 3), (.word, .port, words / 9 + squares / 15),
      (.sentence, .official, words / 3 + squares / 5),
    ] as [(ShowAttendTell.WordLoss, ShowAttendTell.Balance, Double)] {
      let network = try Self.network { ($0.loss, $0.ds) = (loss, ds) }
      let found: Double = try network.loss(Self.batch(), Step(isTraining: false)).total.item()
      #expect(abs(found - expected) < 1e-4 * expected)
    }
  }

  @Test("batches have captions of one length, and every caption once")
  func lengths() throws {
    let lengths = [3, 4, 3, 5, 3, 4, 3, 3, 4]
    let sampler = LengthSampler(lengths: lengths, batchSize: 2)
    let batches = try sampler.batches(epoch: 1, seed: 5)
    #expect(batches.count == sampler.batchesPerEpoch && batches.count == 6)
    #expect(batches.flatMap(\.self).sorted() == Array(lengths.indices))
    #expect(batches.allSatisfy { Set($0.map { lengths[$0] }).count == 1 && $0.count <= 2 })
    #expect(try batches != sampler.batches(epoch: 2, seed: 5))
    #expect(try batches == sampler.batches(epoch: 1, seed: 5))
  }

  // MARK: - Published weights

  /// Arrays of the authors' program of 7 words, with two layers before the first state and over the cells.
  private static func official() throws -> [(name: String, tensor: Tensor)] {
    let (k, m, n, d, generator) = (7, 5, 8, cellWidth, try Generator(seed: 2))
    let shapes: [(String, [Int])] = [
      ("Wemb", [k, m]), ("ff_init_1_W", [d, d]), ("ff_init_1_b", [d]), ("ff_state_W", [d, n]),
      ("ff_state_b", [n]), ("ff_memory_W", [d, n]), ("ff_memory_b", [n]), ("decoder_W", [m, 4 * n]),
      ("decoder_U", [n, 4 * n]), ("decoder_Wc", [d, 4 * n]), ("decoder_b", [4 * n]),
      ("decoder_Wc_att", [d, d]), ("decoder_Wd_att", [n, d]), ("decoder_b_att", [d]),
      ("decoder_W_att_1", [d, d]), ("decoder_b_att_1", [d]), ("decoder_U_att", [d, 1]), ("decoder_c_tt", [1]),
      ("decoder_W_sel", [n, 1]), ("decoder_b_sel", []), ("ff_logit_lstm_W", [n, m]), ("ff_logit_lstm_b", [m]),
      ("ff_logit_ctx_W", [d, m]), ("ff_logit_ctx_b", [m]), ("ff_logit_W", [m, k]), ("ff_logit_b", [k]),
    ]
    return try shapes.map { (name: $0.0, tensor: try Tensor.normal($0.1, using: generator)) }
  }

  @Test("arrays of the authors' program become weights of the official variant; gates change their order")
  func published() throws {
    var arrays = try Self.official()
    let gates = try #require(arrays.firstIndex { $0.name == "decoder_b" })
    arrays[gates].tensor = try Tensor((0..<32).map { Float($0 / 8) })
    let own = try #require(try ShowAttendTell.ownWeights(ofOfficial: arrays))
    let network = try Self.network {
      $0 = Self.narrowed(.init(.official))
      $0.attentionDim = Self.cellWidth
    }
    try network.load(own, from: "model.npz")
    let weights = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.tensor) })
    let bias = try #require(weights["decode_step.bias_ih"]).detached().values(as: Int.self)
    #expect(stride(from: 0, to: 32, by: 8).map { bias[$0] } == [0, 1, 3, 2])
    let first = try #require(arrays.first { $0.name == "ff_state_W" }).tensor
    try expectClose(#require(weights["init_h.weight"]).detached(), first.transposed().contiguous())
    // Padding and start are behind the seven words and never said.
    let walk = try Self.walk(network, Self.pictures(), [[4, 0], [1, 0], [0]])
    #expect(try walk.logits.softmax(along: 1).narrowed(to: 7..<9, along: 1).max().item(as: Double.self) == 0)
    #expect(try ShowAttendTell.ownWeights(ofOfficial: network.state) == nil)
    let error = #expect(throws: MethodError.self) {
      try ShowAttendTell.ownWeights(
        ofOfficial: arrays + [(name: "encoder_U", tensor: Tensor.zeros([2, 2]))])
    }
    #expect(error?.errorDescription?.contains("encoder_U") == true)
  }

  @Test(
    "files of the authors' program and of the PyTorch program become runs that write the words of their lists"
  )
  func publishedRuns() throws {
    let folder = try TemporaryFolder()
    let pictures = try Tensor.normal([4, 4, Self.cellWidth], using: Generator(seed: 6))
    try NPYWriter.write(pictures, to: folder.file("cells.npy").path)
    try folder.write("a red dog\na blue cat\na dog\na cat\n", to: "captions.txt")
    try folder.write(
      """
      modalities: { image: { file: cells.npy, kind: set }, caption: { file: captions.txt, kind: text } }
      splits: { train: "0:4" }
      """, to: "dataset.yaml")
    try folder.write(
      #"{"<end>": 0, "<unk>": 1, "a": 2, "dog": 3, "cat": 4, "red": 5, "blue": 6, "<pad>": 7, "<start>": 8}"#,
      to: "words.json")
    try folder.write(
      #"{"a": 1, "dog": 2, "cat": 3, "red": 4, "blue": 5, "<unk>": 6, "<start>": 7, "<end>": 8, "<pad>": 0}"#,
      to: "WORDMAP.json")
    func published(_ file: URL, _ words: String, _ variant: String) throws -> Run {
      let own: [JSON.Member] = [
        .init("word_dim", 5), .init("lstm_size", 8), .init("attention_dim", .int(Self.cellWidth)),
        .init("longest", 5), .init("choose", "best"),
        .init("targets", ["captions": ["vocabulary": .string(folder.file(words).path)]]),
      ]
      let run = try Run.publishing(
        ShowAttendTell.self, weights: PublishedWeights(file.path).weights, from: file.lastPathComponent,
        settings: RunSettings(.object(own + [.init("variant", .string(variant))])),
        data: DataSet(at: folder.path))
      try run.save(to: folder.file("\(words).run"))
      return try Run.open(folder.file("\(words).run").path)
    }
    // Of which the end is not the first word.
    let arrays = try Self.official().map { name, tensor in
      (
        name: name,
        tensor: name == "ff_logit_b" ? try Tensor([Float](arrayLiteral: -6, 0, 0, 0, 0, 0, 0)) : tensor
      )
    }
    let official = folder.file("model.npz")
    try NPZWriter.write(
      arrays + [(name: "history_errs", tensor: Tensor([1.0, 2]))], to: official.path)
    let run = try published(official, "words.json", "official")
    let said = try run.captions(of: Self.items(pictures)).flatMap(\.self)
    // The same arrays in a network of the method, whose words come in the same order.
    let network = try Self.network {
      $0 = Self.narrowed(.init(.official))
      ($0.attentionDim, $0.longest) = (Self.cellWidth, 5)
    }
    try network.load(#require(try ShowAttendTell.ownWeights(ofOfficial: arrays)), from: "model.npz")
    let search = BeamSearch(width: 5, longest: 5, end: 0, forbidden: [1, 7, 8])
    let words = ["a", "dog", "cat", "red", "blue"]
    let expected = try withoutGradient {
      try search(network.view(of: Self.items(pictures), .evaluation), by: network.decoder)
    }.map { found in
      found[found.chosen(.best) ?? 0].words.filter { $0 > 1 }.map { words[$0 - 2] }.joined(separator: " ")
    }
    #expect(said.map(\.text) == expected && expected.contains { !$0.isEmpty })

    // The port's names are the method's own.
    var style = CaptionDecoder.Style(
      vocabulary: 9, cellWidth: Self.cellWidth, wordDim: 5, lstmSize: 8, attentionDim: Self.cellWidth)
    (style.initActivation, style.attentionActivation, style.gate, style.output) = (
      .none, .relu, .vector, .linear
    )
    let decoder = try CaptionDecoder(style, using: Generator(seed: 9))
    let port = folder.file("decoder.safetensors")
    try SafeTensors.write(decoder.state, to: port.path)
    let other = try published(port, "WORDMAP.json", "port")
    #expect(try other.captions(of: Self.items(pictures)).count == 4)
    let error = #expect(throws: StateError.self) { try published(port, "words.json", "paper") }
    #expect(error?.errorDescription?.contains("out_h") == true)
  }

  // MARK: - What it cannot take

  @Test("data and settings that cannot be are refused by name")
  func bad() throws {
    let error = #expect(throws: MethodError.self) {
      try ShowAttendTell(
        .init(),
        for: DataDescription(
          name: "odd",
          modalities: [.init(name: "a", kind: .set, size: 3), .init(name: "b", kind: .set, size: 3)]
        ))
    }
    #expect(error?.errorDescription?.contains("odd has a of kind set") == true)
    let network = try Self.network()
    #expect(throws: MethodError.self) {
      try BeamSearch(width: 10, longest: 5, end: 2)(
        network.view(of: Self.items(Self.pictures()), .evaluation), by: network.decoder)
    }
    #expect(throws: MethodError.self) {
      try network.view(of: Self.items(Self.pictures(), lengths: [5, 0, 5]), .evaluation)
    }
    var empty = try Self.batch()
    empty.targets["captions"] = [[1], [1, 2], [1, 2]]
    #expect(throws: MethodError.self) { try network.loss(empty, Step(isTraining: false)) }
    for (key, settings) in [
      ("beam", ["beam": 0]), ("longest", ["longest": 0]), ("variant", ["variant": "other"]),
      ("pictures.crop", ["pictures": ["crop": true]]), ("temperature", ["temperature": 0]),
    ] as [(String, JSON)] {
      let error = #expect(throws: ConfigurationError.self) {
        try ShowAttendTell.Configuration(overrides: settings)
      }
      #expect(error?.errorDescription?.contains(key) == true)
    }
  }
}
