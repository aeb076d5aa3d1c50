import Foundation
import Torch

/// Model and optimizer among the reference cases of `san` (`san.md`, sections 3, 5 and 13), in float64.
enum SANReference: ReferenceComponents {
  static let method = "san"
  static let components = ["model", "optimizer"]

  static func ranks(of component: String) -> [Int: [String]] {
    component == "model"
      ? [3: ["image"], 2: ["question_tokens", "embed.weight"], 1: ["lengths", "labels"]] : [:]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    reference.component == "model" ? try model(reference) : try steps(reference)
  }

  // MARK: - From inputs to gradients

  private static func model(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var configuration = SAN.Configuration()
    configuration.questionModel = try reference.choice("question_model", or: .lstm)
    configuration.variant = try reference.choice("variant", or: .paper)
    configuration.hops = try reference.count("hops", atMost: max(1, reference.weights.count))
    configuration.wordDim = try reference.count("embed")
    configuration.attentionDim = try reference.count("attention_dim")
    switch configuration.questionModel {
    case .cnn: configuration.filters = try reference.counts("filters")
    case .lstm:
      configuration.lstmSize = try reference.count("dim")
      configuration.reverse = try reference.flag("reverse", or: false)
    }
    let answers = try reference.count("answers")
    let network = try SAN(
      configuration,
      for: DataDescription(
        name: reference.folder.lastPathComponent,
        modalities: [
          .init(name: "image", kind: .set, size: reference.count("image_dim")),
          .init(name: "question_tokens", kind: .tokens, vocabulary: reference.count("vocab")),
        ],
        targets: [.init(name: Target.answers.name, texts: (0..<answers).map(String.init))]))
    let graph = try ReferenceGraph(reference, inputs: ["image"])
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in network.stateEntries { entry.tensor = try graph.leaf(entry.name) }

    let image = try graph.leaf("image")
    let tokens = try reference.input("question_tokens")
    let (rows, width) = (tokens.size(along: 0), tokens.size(along: 1))
    let lengths = try reference.lengths(rows: rows, width: width)
    let labels = try reference.input("labels")
    let known = try labels.values(as: Int.self)
    guard known.count == rows, image.size(along: 0) == rows, known.allSatisfy((0..<answers).contains) else {
      throw ReferenceError.badSetting(
        "labels", "\(known)",
        "\(rows) whole numbers from 0 to \(answers - 1), one a row of image and question_tokens")
    }
    let cells = [Int](repeating: image.size(along: 1), count: rows)
    let outcome = try network.outcome(
      of: network.vectors(of: .tokens(tokens, lengths: lengths)),
      network.view(of: .sets(image, lengths: cells), .evaluation), .evaluation)
    let loss = try outcome.logits.crossEntropy(labels)
    return try graph.gradients(of: loss).adding([
      "question": outcome.question, "attention": Tensor.stacked(outcome.attention, along: 1),
      "query": Tensor.stacked(outcome.queries, along: 1), "logits": outcome.logits, "loss": loss,
    ])
  }

  // MARK: - Steps of given gradients

  private static func steps(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var training = TrainingConfiguration()
    training.optimizer = .sgd
    training.momentum = try reference.number("momentum")
    // The penalty is of whole squares, the trainer's of half squares.
    training.weightDecay = 2 * (try reference.number("weight_decay"))
    training.gradientClip = try reference.number("clip")
    training.clipEach = true
    try training.validate()
    var configuration = SAN.Configuration()
    configuration.embedRate = try reference.number("embed_lr_scale")
    try configuration.validate()
    let rate = try reference.number("lr")
    let weights = try GivenWeights(reference.weights)
    let optimizers = SAN.groups(of: weights.parameters, configuration, training)
      .map { GroupOptimizer($0, training) }
    var outputs: [String: ReferenceOutput] = [:]
    for step in 0... {
      guard reference.inputs.keys.contains(where: { $0.hasPrefix("grad\(step).") }) else { break }
      try weights.setGradients(of: step, reference)
      if let longest = training.gradientClip {
        for optimizer in optimizers { try optimizer.clipEach(to: longest) }
      }
      for optimizer in optimizers { try optimizer.step(learningRate: rate) }
      for entry in weights.parameters {
        outputs["step\(step).\(entry.name)"] = .tensor(try entry.tensor.detached().copied())
      }
    }
    return outputs
  }
}
