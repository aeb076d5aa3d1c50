import CrossModal
import Foundation
import Torch

/// Show, attend and tell on one thread: steps of training, a beam search over many pictures at once and one by one, and
/// caption metrics. Benchmarks/peers_captions.py does the same in Python with the weights and inputs that are written
/// here.
struct ImageCaptions {
  private static let beam = 5

  private let network: ShowAttendTell
  private let batch: Batch
  /// Pictures to describe.
  private let pictures: Items
  private let file: String
  private let work: String
  private let steps: Int

  /// The sizes of the recipe `easy-vqa-captions`, and those of COCO over the last maps of VGG-19.
  static func all() throws -> [ImageCaptions] {
    [
      try ImageCaptions("easy-VQA", "easy", words: 20, captions: 64, length: 4, pictures: 100),
      try ImageCaptions("COCO", "coco", words: 5000, captions: 16, length: 12, pictures: 100),
    ]
  }

  private init(
    _ name: String, _ file: String, words: Int, captions: Int, length: Int, pictures: Int
  ) throws {
    var configuration = ShowAttendTell.Configuration()
    configuration.dropout = 0
    let isSmall = file == "easy"
    let (cells, width) = isSmall ? (64, 192) : (196, 512)
    if isSmall {
      (configuration.wordDim, configuration.lstmSize, configuration.attentionDim) = (32, 96, 48)
    }
    configuration.beam = Self.beam
    configuration.longest = isSmall ? 6 : 16
    network = try ShowAttendTell(
      configuration,
      for: DataDescription(
        name: "bench",
        modalities: [.init(name: "image", kind: .set, size: width), .init(name: "caption", kind: .text)],
        targets: [
          .init(
            name: "captions", texts: (0..<words).map { "w\($0)" },
            marks: .init(padding: 0, start: 1, end: 2, unknown: 3))
        ]))
    let generator = try Generator(seed: 5)
    func sets(_ count: Int) throws -> Items {
      .sets(
        try Tensor.normal([count, cells, width], using: generator),
        lengths: Array(repeating: cells, count: count))
    }
    var batch = Batch(
      modalities: ["image", "caption"],
      items: [try sets(captions), .texts(Array(repeating: "", count: captions))],
      rows: [Array(0..<captions), Array(0..<captions)])
    batch.targets["captions"] = (0..<captions).map { caption in
      [1] + (0..<length - 1).map { 4 + (caption * 7 + $0 * 13) % (words - 4) } + [2]
    }
    self.batch = batch
    self.pictures = try sets(pictures)
    self.file = file
    work = "captions, sizes of \(name)"
    steps = isSmall ? 20 : 3
    // Weights that tell words apart, so that searches have something to choose.
    for entry in network.parameters where entry.name.hasPrefix("out.") || entry.name.hasPrefix("embedding.") {
      entry.tensor = try Tensor.normal(entry.tensor.shape, using: generator)
    }
  }

  /// For the peer.
  static func write(to folder: URL) throws {
    func write(_ tensor: Tensor?, _ name: String) throws {
      guard let tensor else { return }
      try NPYWriter.write(tensor.detached(), to: folder.appending(path: "captions-\(name).npy").path)
    }
    for one in try all() {
      for (name, tensor) in one.network.state where name != "baseline" {
        try write(tensor, "\(one.file)-\(name)")
      }
      try write(one.batch.items[0].tensor, "\(one.file)-image")
      try write(one.pictures.tensor, "\(one.file)-pictures")
      let words = (one.batch.targets["captions"] ?? []).flatMap { $0.dropFirst() }
      try write(Tensor(words, shape: [one.batch.count, words.count / one.batch.count]), "\(one.file)-words")
    }
    let (said, wanted) = sentences()
    try Data((said.joined(separator: "\n") + "\n").utf8)
      .write(to: folder.appending(path: "captions-said.txt"))
    try Data((wanted.map { $0.joined(separator: "\t") }.joined(separator: "\n") + "\n").utf8)
      .write(to: folder.appending(path: "captions-wanted.txt"))
  }

  static func measure() throws {
    for one in try all() {
      // Before the steps, which change the weights.
      try one.measureSearch()
      try one.measureSteps()
    }
    try measureMetrics()
  }

  private func measureSearch() throws {
    let count = pictures.count
    func check(_ captions: [[Int]]) -> Double {
      captions.enumerated().reduce(0) { $0 + Double(($1.offset % 7 + 1) * $1.element.reduce(0, +)) }
    }
    try report("beam 5 over \(count) pictures, \(work)") {
      try withoutGradient { try check(network.captions(of: pictures)) }
    }
    try report("beam 5 over \(count) pictures, \(work)", as: "CrossModal, one by one") {
      try withoutGradient {
        try check((0..<count).map { try network.captions(of: pictures.rows(at: [$0]))[0] })
      }
    }
  }

  private func measureSteps() throws {
    let optimizer = Adam(network.parameters)
    var check = 0.0
    var start = processSeconds()
    for step in 0..<steps + 2 {
      try network.parameters.clearGradients()
      let value = try network.loss(batch, Step(number: step))
      try value.backward()
      try network.parameters.clipGradients(to: 5)
      try optimizer.step(learningRate: 1e-3)
      if step == 1 {
        check = try value.total.item()
        start = processSeconds()
      }
    }
    report("\(steps) steps, \(work)", seconds: processSeconds() - start, check: check)
  }

  /// Captions of 5,000 pictures beside five that others wrote.
  private static func sentences() -> (said: [String], wanted: [[String]]) {
    var state: UInt64 = 11
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    // Few words come often and many seldom, as in language.
    func sentence(about topic: Int) -> String {
      (0..<8 + next(6)).map { _ in
        next(3) == 0 ? "t\(topic % 97)x\(next(5))" : "w\(next(next(600) + 1))"
      }.joined(separator: " ")
    }
    var (said, wanted) = ([String](), [[String]]())
    for picture in 0..<5000 {
      said.append(sentence(about: picture))
      wanted.append((0..<5).map { _ in sentence(about: picture) })
    }
    return (said, wanted)
  }

  private static func measureMetrics() throws {
    let (said, wanted) = sentences()
    report("BLEU, ROUGE-L and CIDEr of 5000 captions") {
      let split = { (text: String) in text.split(separator: " ").map(String.init) }
      let corpus = CaptionCorpus(candidates: said.map(split), references: wanted.map { $0.map(split) })
      return BLEU(corpus).scores.reduce(0, +) + ROUGEL(corpus).score + CIDEr(corpus).score
    }
  }
}
