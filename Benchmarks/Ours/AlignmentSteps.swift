import CrossModal
import Foundation
import Torch

/// The losses of SelfAlign at the published sizes, and steps of training. Benchmarks/selfalign.py runs them beside the
/// released algorithm in PyTorch on the same numbers, each in a process of its own.
enum AlignmentSteps {
  private static let (pairs, regions, words, vocabulary) = (128, 36, 24, 8000)

  /// What is measured: `losses-WIDTH`, the three losses of fragments with their gradient, or `step-WIDTH`, a whole step
  /// with the captioner.
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    let parts = work.split(separator: "-")
    guard parts.count == 2, let width = Int(parts[1]) else {
      throw DenseContrastSteps.UnknownWork(work: work)
    }
    switch parts[0] {
    case "losses": try losses(width)
    case "step": try step(width)
    default: throw DenseContrastSteps.UnknownWork(work: work)
    }
  }

  /// Lengths of texts, longest first, as the released program sorts them.
  private static let lengths = (0..<pairs).map { words - $0 * 16 / pairs }

  private static func unit(_ shape: [Int], seed: UInt64) throws -> Tensor {
    try Tensor.normal(shape, using: Generator(seed: seed)).normalized(along: -1)
  }

  private static func losses(_ width: Int) throws {
    let seen = try unit([pairs, regions, width], seed: 1)
    let said = try unit([pairs, words, width], seed: 2)
    let wholes = try (3..<5).map { try unit([pairs, width], seed: $0) }
    let prototypes = try unit([1024, width], seed: 5)
    let concepts = try ConceptContrast(assignment: SinkhornAssignment())
    let contexts = try ContextContrast()
    let full = (
      regions: [Int](repeating: regions, count: pairs), words: [Int](repeating: words, count: pairs)
    )
    let before = CrossAttentionScores.peakMemory()
    var check: [Double] = []
    let time = try CrossAttentionScores.best(of: 3) {
      let leaves = try [seen, said, prototypes].map { try $0.requiringGradient() }
      let wholes = try wholes.map { try $0.requiringGradient() }
      let concept = try concepts(
        regions: PaddedRows(leaves[0].detached(), lengths: full.regions),
        words: PaddedRows(leaves[1], lengths: lengths), prototypes: leaves[2])
      let v2t = try contexts(wholes[0], PaddedRows(leaves[0], lengths: full.regions))
      let t2v = try contexts(wholes[1], PaddedRows(leaves[1], lengths: full.words))
      let total = try concept + (v2t + t2v) / 2
      try total.backward()
      check = try [concept, v2t, t2v].map { try $0.item() }
      check += try (leaves + wholes).map { try $0.gradient?.norm().item() ?? 0 }
    }
    CrossAttentionScores.print([
      .init("cpu", .double(time.cpu)), .init("memory", .int(CrossAttentionScores.peakMemory() - before)),
      .init("check", .array(check.map(JSON.double))),
    ])
  }

  private static func step(_ width: Int) throws {
    let method = try SelfAlign(
      .init(overrides: ["embed_size": .int(width), "padding": "official", "dropout": 0]),
      for: DataDescription(
        name: "bench",
        modalities: [
          .init(name: "image", kind: .set, size: 2048),
          .init(name: "text", kind: .tokens, vocabulary: vocabulary),
        ]))
    for (number, entry) in method.stateEntries.sorted(by: { $0.name < $1.name }).enumerated()
    where entry.isParameter {
      let shape = entry.tensor.shape
      if shape.count > 1 {
        let inputs = Double(shape.dropFirst().reduce(1, *))
        entry.tensor =
          try Tensor.normal(shape, using: Generator(seed: UInt64(number + 10))) / inputs.squareRoot()
      } else {
        entry.tensor = try entry.name.hasSuffix("weight") ? Tensor.ones(shape) : Tensor.zeros(shape)
      }
    }
    let rows = try Tensor.normal([pairs, regions, 2048], using: Generator(seed: 1))
    let tokens = try Tensor.integers(in: 4..<vocabulary, [pairs, words], using: Generator(seed: 2))
    let batch = Batch(
      modalities: ["image", "text"],
      items: [
        .sets(rows, lengths: [Int](repeating: regions, count: pairs)), .tokens(tokens, lengths: lengths),
      ], rows: [Array(0..<pairs), Array(0..<pairs)])
    let before = CrossAttentionScores.peakMemory()
    var check: [Double] = []
    let time = try CrossAttentionScores.best(of: width > 1024 ? 1 : 2) {
      try method.parameters.clearGradients()
      let loss = try method.loss(batch, Step())
      try loss.backward()
      check = try [loss.total.item()] + loss.parts.map { try $0.value.item() }
      for name in [
        "img_enc.fc.weight", "img_enc.Rs_GCN_1.g.weight", "txt_enc.embed.weight",
        "region_loss.v_prototypes.weight", "caption_model.decoder.attention.linear1.weight",
      ] {
        check.append(
          try method.parameters.first { $0.name == name }?.gradient?.norm().item() ?? 0)
      }
    }
    CrossAttentionScores.print([
      .init("cpu", .double(time.cpu)), .init("memory", .int(CrossAttentionScores.peakMemory() - before)),
      .init("check", .array(check.map(JSON.double))),
    ])
  }
}
