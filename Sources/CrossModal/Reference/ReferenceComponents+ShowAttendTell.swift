import Foundation
import Torch

/// Every component among the reference cases of `show-attend-tell` (`show-attend-tell.md`, section 13), in float64.
enum ShowAttendTellReference: ReferenceComponents {
  static let method = "show-attend-tell"
  static let components = ["model", "beam_search", "greedy", "attention_map", "optimizer"]

  static func ranks(of component: String) -> [Int: [String]] {
    switch component {
    case "model":
      [
        3: ["features"], 2: ["targets", "uniforms", "embedding.weight"], 1: ["lengths", "use_sample"],
      ]
    case "beam_search", "greedy": [3: ["features"], 2: ["embedding.weight"]]
    case "attention_map": [2: ["alpha"]]
    default: [:]
    }
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "model": try model(reference)
    case "beam_search": try withoutGradient { try search(reference) }
    case "greedy": try withoutGradient { try greedy(reference) }
    case "attention_map": try map(reference)
    default: try steps(reference)
    }
  }

  // MARK: - The network

  private static func style(_ reference: ReferenceCase) throws -> CaptionDecoder.Style {
    let vocabulary = try reference.count("vocab")
    var style = CaptionDecoder.Style(
      vocabulary: vocabulary, cellWidth: try reference.count("feature_dim"),
      wordDim: try reference.count("embed"), lstmSize: try reference.count("hidden"),
      attentionDim: try reference.count("attention_dim"))
    style.initLayers = try reference.count("init_layers", atMost: max(1, reference.weights.count))
    style.initActivation = try reference.choice("init_activation")
    style.attentionActivation = try reference.choice("attention_activation")
    style.gate = try reference.choice("gate")
    style.output = try reference.choice("output")
    style.outputActivation = try reference.choice("output_activation", or: ShowAttendTell.Activation.none)
    style.temperature = try reference.number("temperature", or: 1)
    let start = try reference.setting("start")
    if start.string != ShowAttendTell.Start.zero.rawValue {
      guard let number = start.int, (0..<vocabulary).contains(number) else {
        throw ReferenceError.badSetting("start", start.text(), "zero or a number from 0 to \(vocabulary - 1)")
      }
      style.start = number
    }
    return style
  }

  /// The decoder with the case's weights, its cells checked.
  private static func decoder(
    _ reference: ReferenceCase
  ) throws -> (decoder: CaptionDecoder, features: Tensor) {
    let style = try style(reference)
    let decoder = try CaptionDecoder(style, using: Generator(seed: 0))
    try decoder.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in decoder.stateEntries {
      entry.tensor =
        try reference.weights[entry.name].map { try $0.to(.float64) } ?? entry.tensor.to(.float64)
    }
    let features = try reference.input("features").to(.float64)
    guard features.size(along: 2) == style.cellWidth, features.size(along: 1) > 0, features.size(along: 0) > 0
    else {
      throw ReferenceError.badSetting(
        "feature_dim", "\(style.cellWidth)", "the width of features, whose shape is \(features.shape)")
    }
    return (decoder, features)
  }

  // MARK: - From inputs to gradients

  private static func model(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let (decoder, checked) = try decoder(reference)
    let graph = try ReferenceGraph(reference, inputs: ["features"])
    for entry in decoder.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let features = try graph.leaf("features")
    let rows = checked.size(along: 0)
    let targets = try reference.input("targets")
    let width = targets.size(along: 1)
    let lengths = try reference.lengths(rows: rows, width: width)
    let numbers = try targets.values(as: Int.self)
    guard targets.size(along: 0) == rows, numbers.count == rows * width else {
      throw ReferenceError.badSetting("targets", "\(targets.shape)", "\(rows) rows, as features have")
    }
    let captions = lengths.enumerated().map { Array(numbers[$0 * width..<$0 * width + $1]) }
    let vocabulary = decoder.style.vocabulary
    guard captions.allSatisfy({ $0.allSatisfy((0..<vocabulary).contains) }) else {
      throw ReferenceError.badSetting(
        "targets", "\(captions)", "numbers from 0 to \(vocabulary - 1) up to each length")
    }
    let attention: ShowAttendTell.Attention = try reference.choice("attention")
    var draws: CaptionWalk.Draws?
    if attention == .hard {
      let uniforms = try reference.input("uniforms")
      let marks = try reference.input("use_sample").values(as: Double.self)
      let values = try uniforms.values(as: Double.self)
      guard uniforms.shape == [rows, width], marks.count == rows, values.allSatisfy({ 0 <= $0 && $0 < 1 })
      else {
        throw ReferenceError.badSetting(
          "uniforms", "\(uniforms.shape)",
          "numbers from 0 to below 1, [\(rows), \(width)], and use_sample of \(rows)")
      }
      draws = .init(uniforms: uniforms, isDrawn: marks.map { $0 != 0 })
    }
    let view = try decoder.view(of: features)
    let walk = try CaptionWalk(of: captions, view, by: decoder, .evaluation, draws: draws)
    var objective = CaptionObjective()
    objective.loss = try reference.choice("loss")
    objective.balance = try reference.choice("ds")
    objective.balanceWeight = try reference.number("ds_lambda")

    let losses = try walk.wordLosses()
    let sentence = try losses.sum() / Double(rows)
    var found: [String: Tensor] = [
      "h0": walk.start.h, "c0": walk.start.c, "alpha": try walk.padded(walk.alpha, width: width),
      "z": try walk.padded(walk.context, width: width), "h": try walk.padded(walk.h, width: width),
      "c": try walk.padded(walk.c, width: width), "logits": try walk.padded(walk.logits, width: width),
      "word_nll": try walk.padded(losses, width: width), "loss.nll_sentence": sentence,
      "loss.nll_word": try losses.mean(), "loss.ds_paper": try objective.penalty(walk, .paper),
      "loss.ds_official": try objective.penalty(walk, .official),
      "loss.ds_port": try objective.penalty(walk, .port),
    ]
    if let beta = walk.beta { found["beta"] = try walk.padded(beta, width: width) }
    let total: Tensor
    if let draws, let cell = walk.cell {
      objective.rewardWeight = try reference.number("lambda_r")
      objective.entropyWeight = try reference.number("lambda_e")
      objective.reduction = try reference.choice("hard_reduction")
      let own = try objective.hard(
        walk, isDrawn: draws.isDrawn, baseline: reference.number("baseline"), width: width)
      total = own.surrogate
      found["surrogate"] = total
      found["baseline_next"] = try Tensor([own.baseline])
      found["loc"] = try walk.padded(cell, width: width, with: -1)
    } else {
      total = try objective.soft(walk).total
      found["loss.total"] = total
    }
    return try graph.gradients(of: total, keepingShapesOf: decoder.parameters).adding(found)
  }

  // MARK: - Captions

  private static func search(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let (decoder, features) = try decoder(reference)
    let longest = try reference.count("maxlen", atMost: 10_000)
    let end = try reference.whole("eos")
    var outputs: [String: ReferenceOutput] = [:]
    for beam in try reference.counts("beams") {
      let found = try BeamSearch(width: beam, longest: longest, end: end)(
        decoder.view(of: features), by: decoder)
      let all = found.flatMap(\.self)
      guard all.count == found.count * beam else {
        throw ReferenceError.badSetting("beams", "\(beam)", "as many captions as can be written")
      }
      let shape = [found.count, beam]
      outputs["k\(beam).tokens"] = .tensor(
        try Tensor(
          all.flatMap { $0.words + Array(repeating: -1, count: longest - $0.words.count) },
          shape: shape + [longest]))
      outputs["k\(beam).logprob"] = .tensor(try Tensor(all.map(\.logProbability), shape: shape))
      outputs["k\(beam).length"] = .tensor(try Tensor(all.map(\.words.count), shape: shape))
      outputs["k\(beam).finished"] = .tensor(try Tensor(all.map { $0.isFinished ? 1 : 0 }, shape: shape))
      for (name, choice) in [
        ("best", .best), ("best_normalised", .normalised), ("best_finished", .finished),
      ] as [(String, ShowAttendTell.Choice)] {
        outputs["k\(beam).\(name)"] = .tensor(try Tensor(found.map { $0.chosen(choice) ?? 0 }))
      }
    }
    return outputs
  }

  private static func greedy(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let (decoder, features) = try decoder(reference)
    let attention: ShowAttendTell.Attention = try reference.choice("attention")
    let steps = try reference.count("steps", atMost: 10_000)
    let found = try CaptionWriting(longest: steps, end: nil)(decoder.view(of: features), by: decoder) {
      attention == .hard ? .largest : .expected
    }
    let shape = [found.words.count, steps]
    return [
      "loc": .tensor(try Tensor(found.cells.flatMap(\.self), shape: shape)),
      "tokens": .tensor(try Tensor(found.words.flatMap(\.self), shape: shape)),
      "logprob": .tensor(try Tensor(found.logProbabilities.flatMap(\.self), shape: shape)),
    ]
  }

  // MARK: - Maps and steps

  private static func map(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let alpha = try reference.input("alpha").to(.float64)
    let grid = try reference.count("grid", atMost: 256)
    guard alpha.shape == [grid, grid] else {
      throw ReferenceError.badSetting("grid", "\(grid)", "the side of alpha, whose shape is \(alpha.shape)")
    }
    let map = AttentionMap(
      scale: try reference.count("upscale", atMost: 256), sigma: try reference.number("sigma"))
    let found = try map(alpha)
    return ["upsampled": .tensor(found.enlarged), "smoothed": .tensor(found.smoothed)]
  }

  private static func steps(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    enum Kind: String, CaseIterable { case rmsprop, adam }
    var training = TrainingConfiguration()
    var rate = 2e-4
    switch try reference.choice("optimizer") as Kind {
    case .rmsprop:
      (training.optimizer, training.centered, training.smoothing) = (.rmsprop, true, 0.95)
      (training.momentum, training.epsilon) = (0.9, 1e-4)
      rate = 1e-4
    case .adam:
      (training.optimizer, training.biasCorrection) = (.adam, .complement)
    }
    let weights = try GivenWeights(reference.weights)
    let first = try weights.parameters.map { try $0.tensor.detached().copied() }
    let optimizer = GroupOptimizer(ParameterGroup(weights.parameters), training)
    var outputs: [String: ReferenceOutput] = [:]
    for step in 0... {
      guard reference.inputs.keys.contains(where: { $0.hasPrefix("grad\(step).") }) else { break }
      try weights.setGradients(of: step, reference)
      try optimizer.step(learningRate: rate)
      for (entry, start) in zip(weights.parameters, first) {
        outputs["delta\(step).\(entry.name)"] = .tensor(try entry.tensor.detached() - start)
      }
    }
    return outputs
  }
}
