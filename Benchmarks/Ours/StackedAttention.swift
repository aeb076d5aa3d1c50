import CrossModal
import Foundation
import Torch

/// SAN(2, CNN) on one thread: steps of training and answers. Benchmarks/peers_san.py does the same in PyTorch with the
/// weights and inputs that are written here.
struct StackedAttention {
  private static let words = 100
  private static let answers = 13

  private let network: SAN
  private let batch: Batch
  private let work: String
  private let file: String

  /// The sizes of the recipe `easy-vqa`, and those of COCO-QA over the last maps of VGG-19.
  static func all() throws -> [StackedAttention] {
    [
      try StackedAttention("easy-VQA", "easy", questions: 100, cells: 64, width: 192, small: true),
      try StackedAttention("COCO-QA", "coco", questions: 20, cells: 196, width: 512, small: false),
    ]
  }

  private init(
    _ name: String, _ file: String, questions: Int, cells: Int, width: Int, small: Bool
  ) throws {
    var configuration = SAN.Configuration()
    configuration.dropout = 0
    if small {
      (configuration.wordDim, configuration.filters, configuration.attentionDim) = (64, [24, 36, 36], 48)
    }
    network = try SAN(
      configuration,
      for: DataDescription(
        name: "bench",
        modalities: [
          .init(name: "image", kind: .set, size: width),
          .init(name: "question", kind: .tokens, vocabulary: Self.words),
        ], targets: [.init(name: "answers", texts: (0..<Self.answers).map(String.init))]))
    let generator = try Generator(seed: 3)
    let lengths = (0..<questions).map { 3 + $0 % 6 }
    let tokens = (0..<questions).flatMap { question in
      (0..<8).map { $0 < lengths[question] ? 4 + (question * 7 + $0 * 13) % (Self.words - 4) : 0 }
    }
    var batch = Batch(
      modalities: ["image", "question"],
      items: [
        .sets(
          try Tensor.normal([questions, cells, width], using: generator),
          lengths: Array(repeating: cells, count: questions)),
        .tokens(try Tensor(tokens, shape: [questions, 8]), lengths: lengths),
      ], rows: [Array(0..<questions), Array(0..<questions)])
    batch.targets["answers"] = (0..<questions).map { [$0 % Self.answers] }
    self.batch = batch
    self.file = file
    work = "SAN(2, CNN), sizes of \(name)"
  }

  /// For the peer.
  static func write(to folder: URL) throws {
    for one in try all() {
      for (name, tensor) in one.network.state {
        try NPYWriter.write(tensor.detached(), to: folder.appending(path: "san-\(one.file)-\(name).npy").path)
      }
      for (name, items) in zip(["image", "question"], one.batch.items) {
        guard let tensor = items.tensor else { continue }
        try NPYWriter.write(tensor, to: folder.appending(path: "san-\(one.file)-\(name).npy").path)
      }
    }
  }

  static func measure() throws {
    for one in try all() {
      // Before the steps, which change the weights.
      try one.measureAnswers()
      try one.measureSteps(one.file == "easy" ? 20 : 5)
    }
  }

  private func measureSteps(_ steps: Int) throws {
    let optimizer = Adam(network.parameters)
    var check = 0.0
    var start = processSeconds()
    for step in 0..<steps + 3 {
      try network.parameters.clearGradients()
      let value = try network.loss(batch, Step(number: step))
      try value.backward()
      try network.parameters.clipGradients(to: 5)
      try optimizer.step(learningRate: 1e-3)
      if step == 2 {
        check = try value.total.item()
        start = processSeconds()
      }
    }
    report("\(steps) steps, \(work)", seconds: processSeconds() - start, check: check)
  }

  /// Ten questions a picture: each picture encoded once, or once for every question.
  private func measureAnswers() throws {
    let pictures = batch.count / 10
    let places = (0..<batch.count).map { $0 % pictures }
    for (program, rows) in [(nil, places), ("CrossModal, a picture a question", Array(0..<batch.count))] {
      var asked = Batch(
        modalities: batch.modalities, items: [try batch.items[0].rows(at: places), batch.items[1]],
        rows: [rows, Array(0..<batch.count)])
      asked.targets = batch.targets
      try report("answers to \(batch.count) questions, \(work)", as: program) {
        try withoutGradient {
          try network.answers(to: asked, count: 1).reduce(0) { $0 + $1[0].probability }
        }
      }
    }
  }
}
