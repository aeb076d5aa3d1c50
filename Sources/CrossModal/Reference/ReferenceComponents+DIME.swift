import Foundation
import Torch

/// Cells and interaction among the reference cases of `dime` (`dime.md`, sections 3, 4 and 12), in float64.
enum DIMEInteractionReference: ReferenceComponents {
  static let method = "dime"
  static let components = ["cells", "interaction"]

  static func ranks(of component: String) -> [Int: [String]] {
    [4: ["pair"], 3: ["rgn", "wrd"], 2: ["img", "stc", "bert_emb"], 1: ["lengths"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    reference.component == "cells" ? try cells(reference) : try interaction(reference)
  }

  private static func sizes(_ reference: ReferenceCase) throws -> DynamicInteraction.Sizes {
    var attention = CrossAttention()
    attention.normalization = try reference.choice("raw_feature_norm_CMRC", or: .clippedL2norm)
    attention.lambdaSoftmax = try reference.number("lambda_softmax_CMRC")
    let (size, heads) = (try reference.count("embed_size"), try reference.count("num_head_IMRC"))
    guard size.isMultiple(of: heads) else {
      throw ReferenceError.badSetting("embed_size", "\(size)", "a multiple of the \(heads) heads")
    }
    return DynamicInteraction.Sizes(
      size: size, routerHidden: try reference.count("hid_router"),
      reasoningHidden: try reference.count("hid_IMRC"), heads: heads, attention: attention)
  }

  /// The local features and what stands beside them, by the case's direction.
  private static func sides(
    _ reference: ReferenceCase, _ input: (String) throws -> Tensor
  ) throws -> (locals: Tensor, partners: InteractionPartners, isImage: Bool) {
    let direction: CrossAttention.Direction = try reference.choice("direction")
    let (regions, words) = (try input("rgn"), try input("wrd"))
    guard direction == .i2t else {
      return (words, InteractionPartners(global: try input("img"), contexts: regions), false)
    }
    let lengths = try reference.lengths(rows: words.size(along: 0), width: words.size(along: 1))
    let counts = try Tensor.counting(lengths, below: words.size(along: 1), on: words.device)
    return (regions, InteractionPartners(global: try input("stc"), contexts: words, counts: counts), true)
  }

  /// Values of pairs that stand by item and partner, by image and sentence.
  private static func byImage(_ values: Tensor, _ items: Int, _ isImage: Bool) throws -> Tensor {
    let pairs = try values.reshaped(to: [items, -1] + values.shape.dropFirst())
    return isImage ? pairs : try pairs.transposed(0, 1)
  }

  // MARK: - Cells

  private static func cells(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let layer = try InteractionLayer(
      sizes(reference), outputs: DynamicInteraction.width, using: Generator(seed: 0))
    try layer.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in layer.stateEntries { entry.tensor = try entry.tensor.to(.float64) }
    let (locals, partners, isImage) = try sides(reference) { try reference.input($0).to(.float64) }
    let (items, others) = (locals.size(along: 0), partners.global.size(along: 0))
    // Every item with every partner, items first.
    let rows = try Tensor((0..<items * others).map { $0 / others })
    let beside = try partners.rows(at: Tensor((0..<items * others).map { $0 % others }))
    let given = try reference.input("pair").to(.float64)
    let pair = try (isImage ? given : given.transposed(0, 1)).flattened(to: 1)
    var outputs: [String: Tensor] = [:]
    for (name, own, isPair) in [("3d", locals, false), ("4d", pair, true)] {
      let spread = isPair ? own : try own.rows(at: rows)
      func put(_ cell: String, _ value: Tensor, _ router: InteractionRouter, isOfPair: Bool) throws {
        let gate = try router(own)
        outputs["\(cell).\(name)"] = isOfPair ? try byImage(value, items, isImage) : value
        outputs["\(cell).\(name).gate"] = isPair ? try byImage(gate, items, isImage) : gate
      }
      try put("ric", layer.ric(own), layer.ric.router, isOfPair: isPair)
      try put("imrc", layer.imrc(own), layer.imrc.router, isOfPair: isPair)
      try put(
        "glgc", layer.glgc(spread, layer.glgc.directions(spread), beside.global), layer.glgc.router,
        isOfPair: true)
      try put(
        "cmrc", layer.cmrc(spread, beside, layer.cmrc.maps(beside.contexts)), layer.cmrc.router,
        isOfPair: true)
    }
    return outputs.mapValues(ReferenceOutput.tensor)
  }

  // MARK: - All layers, scores and losses

  private static func interaction(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let network = try DynamicInteraction(sizes(reference), using: Generator(seed: 0))
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    let graph = try ReferenceGraph(reference, inputs: ["rgn", "img", "wrd", "stc"])
    for entry in network.stateEntries where entry.tensor.dtype.isFloatingPoint {
      entry.tensor = entry.isParameter ? try graph.leaf(entry.name) : try entry.tensor.to(.float64)
    }
    let (locals, partners, isImage) = try sides(reference) { try graph.leaf($0) }
    let items = locals.size(along: 0)
    var outputs = try withoutGradient {
      try layers(network, locals, partners, isImage: isImage)
    }
    let own = DynamicInteraction.Items(
      features: locals, lengths: [Int](repeating: locals.size(along: 1), count: items))
    guard reference.mode == "train" else {
      let scores = try network.scores(own, partners)
      return try outputs.adding(["scores": isImage ? scores : scores.transposed()])
    }
    let labels = try reference.input("bert_emb").to(.float64)
    let ranking = try HingeRanking(
      margin: reference.number("margin"),
      negatives: reference.flag("max_violation", or: true) ? .hardest : .sum)
    let divisor = Double(try reference.count("batch_size"))
    let weight = try reference.number("trade_off")
    var found: [String: Tensor] = [:]
    let value = try network.loss(own, partners, .training(Generator(seed: 0))) { scores, paths in
      let byImage = isImage ? scores : try scores.transposed()
      let rank = try ranking.loss(
        ofScores: byImage,
        Matches(
          ids: Tensor.range(0..<byImage.size(along: 0)), Tensor.range(0..<byImage.size(along: 1)))
      ).total
      let alike = try network.similarities(ofPaths: paths)
      let path = try DIME.pathLoss(alike, labels, batch: divisor)
      found = ["scores": byImage, "sim_paths": alike, "loss_rank": rank, "loss_path": path]
      return ObjectiveValue(total: try rank + path * weight)
    }
    outputs.merge(try graph.gradients(of: value.total)) { $1 }
    found["loss"] = value.total
    found["bn.running_mean_after"] = network.bn.runningMean
    found["bn.running_var_after"] = network.bn.runningVariance
    return try outputs.adding(found)
  }

  /// What the layers give, and the weights by which they do.
  private static func layers(
    _ network: DynamicInteraction, _ locals: Tensor, _ partners: InteractionPartners, isImage: Bool
  ) throws -> [String: ReferenceOutput] {
    let (items, others) = (locals.size(along: 0), partners.global.size(along: 0))
    let own = try network.locals(locals)
    let outcome = try network(
      own.rows(at: Tensor((0..<items * others).map { $0 / others })),
      network.partners(partners).rows(at: Tensor((0..<items * others).map { $0 % others })))
    var outputs = ["paths.l0": own.weights]
    for output in 0..<DynamicInteraction.width {
      let value = try outcome.layers[0].selected(output, along: 1)
      outputs["layer0.out\(output)"] = try byImage(value, items, isImage)
    }
    outputs["layer1.out3"] = try byImage(outcome.layers[1].selected(3, along: 1), items, isImage)
    outputs["layer2.out0"] = try byImage(outcome.refined(), items, isImage)
    outputs["paths.l1"] = try byImage(outcome.weights[1], items, isImage)
    outputs["paths.l2"] = try byImage(outcome.weights[2], items, isImage)
    return outputs.mapValues(ReferenceOutput.tensor)
  }
}

/// Encoders among the reference cases of `dime` (`dime.md`, sections 3 and 12), in float64.
enum DIMEEncodersReference: ReferenceComponents {
  static let method = "dime"
  static let components = ["image_encoder", "text_encoder"]

  static func ranks(of component: String) -> [Int: [String]] {
    [3: ["images"], 2: ["input_ids", "attention_mask", "token_type_ids"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    reference.component == "image_encoder" ? try image(reference) : try text(reference)
  }

  private static func image(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let direction: CrossAttention.Direction = try reference.choice("direction")
    let encoder = try DIMEImageEncoder(
      from: reference.count("img_dim"), to: reference.count("embed_size"),
      normalizesBatch: direction == .t2i, using: Generator(seed: 0))
    try encoder.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in encoder.stateEntries where entry.tensor.dtype.isFloatingPoint {
      entry.tensor = try entry.tensor.to(.float64)
    }
    let images = try reference.input("images").to(.float64)
    let lengths = [Int](repeating: images.size(along: 1), count: images.size(along: 0))
    let isTraining = try reference.setting("mode").string == "train"
    let found = try encoder(
      images, lengths: lengths, isTraining ? .training(Generator(seed: 0)) : .evaluation)
    return ["img_emb": .tensor(found.whole), "rgn_emb": .tensor(found.parts)]
  }

  private static func text(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let sizes: BERT.Configuration = try reference.setting("bert").decoded(as: BERT.Configuration.self)
    let tokens = try reference.input("input_ids")
    let kernels = try reference.counts("kernel_sizes")
    guard !kernels.isEmpty, kernels.allSatisfy({ $0 >= 1 }) else {
      throw ReferenceError.badSetting("kernel_sizes", "\(kernels)", "whole numbers from 1")
    }
    let encoder = try DIMEBERTEncoder(
      sizes, to: reference.count("embed_size"), kernels: kernels, width: tokens.size(along: 1),
      masksPadding: false, using: Generator(seed: 0))
    let graph = try ReferenceGraph(reference, inputs: [])
    try encoder.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in encoder.stateEntries {
      entry.tensor =
        entry.tensor.requiresGradient ? try graph.leaf(entry.name) : try entry.tensor.to(.float64)
    }
    let output = try withoutGradient {
      try encoder.bert(
        tokens, mask: reference.input("attention_mask"), types: reference.input("token_type_ids"))
    }
    let lengths = [Int](repeating: tokens.size(along: 1), count: tokens.size(along: 0))
    let (text, label) = try encoder.text(ofStates: output.states, lengths: lengths)
    let places = try Tensor.range(0..<tokens.size(along: 1)).to(.float64).unsqueezed(at: 1)
    let outputs = try graph.gradients(of: text.whole.sum() + (text.parts * places).sum())
    return try outputs.adding([
      "txt_emb": text.whole, "word_emb": text.parts, "bert_last": output.states,
      "bert_pooled": output.pooled, "bert_emb": label,
    ])
  }
}
