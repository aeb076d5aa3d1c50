import CrossModal
import Foundation
import Torch

/// VSE++: training steps on precomputed features, and retrieval of 1,000 pictures among 5,000 captions.
/// Benchmarks/peers_vsepp.py does the same in PyTorch and NumPy with the weights and data written here.
enum VisualSemantic {
  private static let (batch, vocabulary, words) = (128, 8000, 18)

  static func write(to folder: URL) throws {
    let (method, images, captions, lengths) = try parts()
    for (name, tensor) in method.state + [("images", images), ("captions", captions)] {
      try NPYWriter.write(tensor.detached(), to: folder.appending(path: "vsepp-\(name).npy").path)
    }
    try NPYWriter.write(Tensor(lengths), to: folder.appending(path: "vsepp-lengths.npy").path)
    let (x, y) = try vectors()
    try NPYWriter.write(x, to: folder.appending(path: "vsepp-x.npy").path)
    try NPYWriter.write(y, to: folder.appending(path: "vsepp-y.npy").path)
  }

  static func measure() throws {
    try step()
    try ranks()
  }

  private static let data = DataDescription(
    name: "bench",
    modalities: [
      .init(name: "image", kind: .vector, size: 2048, shape: [2048]),
      .init(name: "text", kind: .tokens, vocabulary: vocabulary),
    ])

  /// A new model with weights of one seed, and a batch.
  private static func parts() throws -> (VSEPlusPlus, Tensor, Tensor, [Int]) {
    let method = try VSEPlusPlus(.init(), for: data)
    let generator = try Generator(seed: 11)
    let images = try Tensor.normal([batch, 2048], using: generator).normalized(along: 1)
    let captions = try Tensor.integers(in: 4..<vocabulary, [batch, words], using: generator)
    return (method, images, captions, (0..<batch).map { 8 + $0 * 7 % (words - 7) })
  }

  /// Three steps warm up; the loss of the third is what programs must agree on.
  private static func step() throws {
    let (method, images, captions, lengths) = try parts()
    let rows = Array(0..<batch)
    let items = Batch(
      modalities: ["image", "text"], items: [.vectors(images), .tokens(captions, lengths: lengths)],
      rows: [rows, rows])
    let entries = method.parameters
    let optimizer = Adam(entries)
    var (check, start) = (0.0, 0.0)
    for number in 0..<8 {
      try entries.clearGradients()
      let loss = try method.loss(items, Step(number: number))
      try loss.backward()
      try entries.clipGradients(to: 2)
      try optimizer.step(learningRate: 2e-4)
      if number == 2 {
        check = try loss.total.item()
        start = processSeconds()
      }
    }
    report("5 steps of VSE++, batch 128, GRU 1024", seconds: processSeconds() - start, check: check)
  }

  /// Vectors of a model that finds most captions' pictures.
  private static func vectors() throws -> (x: Tensor, y: Tensor) {
    let generator = try Generator(seed: 12)
    let x = try Tensor.normal([1000, 1024], using: generator).normalized(along: 1)
    let noise = try Tensor.normal([5000, 1024], using: generator)
    let y = try (x.repeated(5, along: 0) * 4 + noise).normalized(along: 1)
    return (x, y)
  }

  /// Ranks of both directions from the vectors, by cosine and by order. Of order the peer measures a tenth of the
  /// queries, so the ranks of these are what both must agree on.
  private static func ranks() throws {
    let (x, y) = try vectors()
    let truth = try RetrievalTruth.consecutive(5, first: 1000)
    func model(_ measure: HingeRanking.Measure) throws -> VSEPlusPlus {
      var settings = VSEPlusPlus.Configuration()
      settings.measure = measure
      return try VSEPlusPlus(settings, for: data)
    }
    func measure(_ model: VSEPlusPlus, _ x: Tensor, _ y: Tensor) throws -> RetrievalMetrics {
      try RetrievalEvaluation().metrics(of: model, Features(x), Features(y), truth: truth)
    }
    let (cosine, order) = (try model(.cosine), try model(.order))
    // The first call of a process pays for pages of memory and of code.
    _ = try measure(cosine, x, y)
    try report("VSE++ retrieval, 1000 pictures, 5000 captions") {
      let metrics = try measure(cosine, x, y)
      return [metrics.forward, metrics.backward].flatMap(\.queries).compactMap(\.rank).reduce(0, +)
    }
    let (a, b) = (try x.magnitude(), try y.magnitude())
    try report("order retrieval, 1000 pictures, 5000 captions") {
      let metrics = try measure(order, a, b)
      return (metrics.forward.queries.prefix(100) + metrics.backward.queries.prefix(500))
        .compactMap(\.rank).reduce(0, +)
    }
  }
}
