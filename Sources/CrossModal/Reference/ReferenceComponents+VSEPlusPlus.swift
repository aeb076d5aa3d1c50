import Foundation
import Torch

/// The objective among the reference cases of `vsepp` (`vsepp.md` section 4).
enum VSEppLossReference: ReferenceComponents {
  static let method = "vsepp"
  static let components = ["loss"]

  static func ranks(of component: String) -> [Int: [String]] {
    [2: ["im", "s"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["im", "s"])
    let (images, captions) = (try graph.leaf("im"), try graph.leaf("s"))
    let loss = try HingeRanking(vsepp: reference)
    let total = try loss(images, captions, Matches(pairs: images.size(along: 0))).total
    return try graph.gradients(of: total).adding(["scores": loss.scores(images, captions), "loss": total])
  }
}

extension HingeRanking {
  /// The objective that a case's settings mean.
  init(vsepp reference: ReferenceCase) throws {
    try self.init(
      margin: reference.number("margin", or: 0.2), measure: reference.choice("measure", or: .cosine),
      negatives: reference.flag("max_violation", or: true) ? .hardest : .sum,
      reduction: reference.choice("reduction", or: .sum))
  }
}

/// The model and its training among the reference cases of `vsepp` (`vsepp.md` sections 3 and 5).
enum VSEppModelReference: ReferenceComponents {
  static let method = "vsepp"
  static let components = ["model", "train"]

  static func ranks(of component: String) -> [Int: [String]] {
    [component == "train" ? 3 : 2: ["images", "captions"], 1: ["lengths"]]
  }

  /// Both encoders under their official names.
  private final class Network: Module {
    @Named var image: PrecomputedEncoder
    @Named var text: TokenEncoder

    init(_ reference: ReferenceCase) throws {
      let size = try reference.count("embed_size")
      let generator = try Generator(seed: 0)
      _image = Named(
        wrappedValue: try PrecomputedEncoder(
          from: reference.count("img_dim"), to: size, using: generator), "img_enc")
      var settings = TextSettings()
      settings.wordDim = try reference.count("word_dim")
      if reference.config["num_layers"] != nil {
        settings.layers = try reference.count("num_layers", atMost: max(1, reference.weights.count))
      }
      _text = Named(
        wrappedValue: try TokenEncoder(
          vocabulary: reference.count("vocab_size"), hidden: nil, to: size, settings,
          using: generator), "txt_enc")
    }
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let network = try Network(reference)
    try network.load(
      reference.weights.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) },
      from: reference.folder.lastPathComponent)
    for entry in network.stateEntries { try entry.prepareForTraining(as: .float64) }
    return try reference.component == "model" ? model(reference, network) : train(reference, network)
  }

  /// Vectors of both sides as the settings have them.
  private static func vectors(
    _ reference: ReferenceCase, _ network: Network, _ images: Tensor, _ captions: Tensor, _ lengths: [Int]
  ) throws -> (images: Tensor, captions: Tensor) {
    let (noImgnorm, useAbs) = (
      try reference.flag("no_imgnorm", or: false), try reference.flag("use_abs", or: false)
    )
    var x = try network.image.vectors(of: .vectors(images), .training(Generator(seed: 0)))
    var y = try network.text.vectors(of: .tokens(captions, lengths: lengths), .training(Generator(seed: 0)))
    if !noImgnorm { x = try x.normalized(along: 1) }
    y = try y.normalized(along: 1)
    return try useAbs ? (x.magnitude(), y.magnitude()) : (x, y)
  }

  private static func model(
    _ reference: ReferenceCase, _ network: Network
  ) throws -> [String: ReferenceOutput] {
    let images = try reference.input("images").to(.float64).requiringGradient()
    let captions = try reference.input("captions")
    let lengths = try reference.lengths(rows: captions.size(along: 0), width: captions.size(along: 1))
    let (x, y) = try vectors(reference, network, images, captions, lengths)
    let loss = try HingeRanking(vsepp: reference)
    let total = try loss(x, y, Matches(pairs: lengths.count)).total
    var outputs: [String: ReferenceOutput] = [:]
    let leaves =
      [(name: "images", tensor: images)] + network.parameters.map { (name: $0.name, tensor: $0.tensor) }
    let slopes = try Tensor.gradients(of: [total], by: leaves.map(\.tensor))
    for (leaf, slope) in zip(leaves, slopes) {
      outputs["grad.\(leaf.name)"] = .tensor(try slope ?? leaf.tensor.zerosLike())
    }
    return try outputs.adding([
      "img_emb": x, "cap_emb": y, "scores": loss.scores(x.detached(), y.detached()), "loss": total,
    ])
  }

  private static func train(
    _ reference: ReferenceCase, _ network: Network
  ) throws -> [String: ReferenceOutput] {
    let images = try reference.input("images").to(.float64)
    let captions = try reference.input("captions")
    let lengths = try reference.lengths(rows: captions.size(along: 1), width: captions.size(along: 2))
    let betas =
      try reference.config["betas"] == nil ? [0.9, 0.999] : reference.numbers("betas")
    let name = reference.config["optimizer"]?.string ?? "Adam"
    guard name == "Adam", betas.count == 2 else {
      throw ReferenceError.badSetting("optimizer", name, "Adam with two betas")
    }
    let optimizer = Adam(
      network.parameters, betas: (betas[0], betas[1]), epsilon: try reference.number("eps", or: 1e-8),
      weightDecay: try reference.number("weight_decay", or: 0))
    let clip = try reference.number("grad_clip", or: 0)
    let loss = try HingeRanking(vsepp: reference)
    var losses: [Tensor] = []
    var norms: [Double] = []
    for step in 0..<(try reference.count("steps", atMost: images.size(along: 0))) {
      try network.parameters.clearGradients()
      let (x, y) = try vectors(reference, network, images[step], captions[step], lengths)
      let total = try loss(x, y, Matches(pairs: lengths.count)).total
      losses.append(try total.detached())
      if total.requiresGradient { try total.backward() }
      // A parameter that nothing flows to has a gradient of 0, which Adam's averages see.
      for entry in network.parameters where entry.gradient == nil {
        try entry.setGradient(entry.tensor.detached().zerosLike())
      }
      norms.append(
        try clip > 0 ? network.parameters.clipGradients(to: clip) : network.parameters.gradientNorm())
      try optimizer.step(learningRate: reference.number("learning_rate"))
    }
    var outputs: [String: ReferenceOutput] = [:]
    for (name, tensor) in network.state { outputs["final.\(name)"] = .tensor(try tensor.detached()) }
    return try outputs.adding(["losses": Tensor.stacked(losses), "grad_norms_before_clip": Tensor(norms)])
  }
}
