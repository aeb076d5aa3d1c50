import Foundation
import Torch

/// Losses and model among the reference cases of `selfalign` (`selfalign.md`, sections 3, 4 and 13), in float64.
enum SelfAlignReference: ReferenceComponents {
  static let method = "selfalign"
  static let components = ["concept_loss", "context_loss", "model"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      3: ["region_features", "word_features", "locals", "query", "regions"],
      2: ["v_prototypes.weight", "captions", "caption_labels", "caption_mask"],
      1: ["word_lengths", "lengths"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "concept_loss": try conceptLoss(reference)
    case "context_loss": try contextLoss(reference)
    default: try model(reference)
    }
  }

  // MARK: - The losses

  private static func conceptLoss(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let regions = try reference.input("region_features").to(.float64)
    let words = try reference.input("word_features").to(.float64).requiringGradient()
    guard let weight = reference.weights["v_prototypes.weight"] else {
      throw ReferenceError.missing("weight", "v_prototypes.weight", reference.weights.keys.sorted())
    }
    let prototypes = try weight.to(.float64).normalized(along: 1).requiringGradient()
    let lengths = try reference.lengths(
      "word_lengths", rows: words.size(along: 0), width: words.size(along: 1))
    let contrast = try alignment(reference).conceptContrast()
    let seen = PaddedRows(
      regions, lengths: [Int](repeating: regions.size(along: 1), count: regions.size(along: 0)))
    let said = PaddedRows(words, lengths: lengths)
    let loss = try contrast(regions: seen, words: said, prototypes: prototypes)
    let gradients = try Tensor.gradients(of: [loss], by: [words, prototypes])
    let matching = try ConceptContrast.matching(seen, said)
    let empty = try Tensor.full(Array(words.shape.dropLast()), -1, .int64)
    let shares = try contrast.shares(of: seen, prototypes)
    return try [
      "loss": loss,
      "assignment": shares.reshaped(to: Array(regions.shape.dropLast()) + [prototypes.size(along: 0)]),
      "region_of_word": empty.flattened().replacing(matching.words, with: matching.places)
        .reshaped(to: empty.shape),
      "prototypes_normalised": prototypes.detached(),
      "grad.region_features": regions.zerosLike(),
      "grad.word_features": gradients[0] ?? words.zerosLike(),
      "grad.v_prototypes.weight": gradients[1] ?? prototypes.zerosLike(),
    ].mapValues { .tensor($0) }
  }

  private static func contextLoss(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let locals = try reference.input("locals").to(.float64).requiringGradient()
    let query = try reference.input("query").to(.float64).requiringGradient()
    let contrast = try ContextContrast(
      temperature: reference.number("temperature"), negatives: reference.optionalCount("neg_num"))
    let loss = try contrast(
      query.squeezed(at: 2),
      PaddedRows(
        locals.transposed(1, 2),
        lengths: [Int](repeating: locals.size(along: 2), count: locals.size(along: 0))))
    let gradients = try Tensor.gradients(of: [loss], by: [locals, query])
    return try [
      "loss": loss, "grad.locals": gradients[0] ?? locals.zerosLike(),
      "grad.query": gradients[1] ?? query.zerosLike(),
    ].mapValues { .tensor($0) }
  }

  /// Settings of the losses that the case has.
  private static func alignment(_ reference: ReferenceCase) throws -> AlignmentSettings {
    var settings = AlignmentSettings()
    settings.studentTemp = try reference.number("student_temp")
    settings.sinkhornEpsilon = try reference.number("epsilon")
    settings.sinkhornIterations = try reference.count("sinkhorn_iterations")
    return settings
  }

  // MARK: - The model

  private static func configuration(_ reference: ReferenceCase) throws -> SelfAlign.Configuration {
    guard try reference.setting("base").string == "vsrn" else {
      throw ReferenceError.badSetting("base", try reference.setting("base").text(), "vsrn")
    }
    var configuration = SelfAlign.Configuration()
    configuration.form = try reference.setting("data_name").string == "f30k_precomp" ? .f30k : .coco
    configuration.padding = .official
    configuration.embedSize = try reference.count("embed_size")
    configuration.wordDim = try reference.count("word_dim")
    configuration.numLayers = try reference.count("num_layers", atMost: 64)
    configuration.margin = try reference.number("margin")
    configuration.maxViolation = try reference.flag("max_violation", or: false)
    configuration.maxLen = try reference.count("max_len", atMost: 4096)
    configuration.hidden = try reference.count("dim_hidden")
    configuration.captionWordDim = try reference.count("dim_word")
    configuration.dropout = try reference.number("dropout", or: 0)
    configuration.alignment = try alignment(reference)
    configuration.alignment.prototypes = try reference.count("local_clu_num")
    configuration.alignment.ctxRelu = try reference.number("ctx_relu") != 0
    configuration.alignment.temperatureRegions = try reference.number("v5_tao")
    configuration.alignment.temperatureWords = try reference.number("v6_tao")
    configuration.alignment.negativeRegions = try reference.optionalCount("neg_num_v2t")
    configuration.alignment.negativeWords = try reference.optionalCount("neg_num_t2v")
    return configuration
  }

  private static func model(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let configuration = try configuration(reference)
    let network = try SelfAlign(
      configuration,
      for: DataDescription(
        name: reference.folder.lastPathComponent,
        modalities: [
          .init(name: "images", kind: .set, size: try reference.count("img_dim")),
          .init(name: "captions", kind: .tokens, vocabulary: try reference.count("vocab_size")),
        ]))
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in network.stateEntries where entry.tensor.dtype.isFloatingPoint {
      entry.tensor = try entry.tensor.detached().to(.float64)
    }
    let given = try reference.input("regions").to(.float64)
    let captions = try reference.input("captions")
    let lengths = try reference.lengths(rows: captions.size(along: 0), width: captions.size(along: 1))
    let counts = [Int](repeating: given.size(along: 1), count: given.size(along: 0))
    func towers(_ pass: Pass) throws -> (image: AlignedItems, text: AlignedItems, reasoned: PaddedRows?) {
      let seen = try network.tower(.sets(given, lengths: counts), side: 0, pass)
      let said = try network.tower(.tokens(captions, lengths: lengths), side: 1, pass).items
      return (seen.items, said, seen.reasoned)
    }
    let step = try Step()
    let (image, text, reasoned) = try towers(step.pass)
    guard let regions = reasoned, let captioner = network.captioner, let concepts = network.concepts
    else { throw ReferenceError.missing("part", "caption_model", []) }
    let labels = try reference.captionLabels(columns: configuration.maxLen)
    let caption = try captioner.losses(regions, labels, step.pass).mean()
    let aligned = try configuration.alignment.losses(
      image, text, concepts: concepts.learned(step), comparesContexts: true, step)
    let (x, y) = (try image.embedding(), try text.embedding())
    let rank = try configuration.ranking()(x, y, Matches(pairs: x.size(along: 0))).total
    var loss = try rank + caption
    for term in aligned { loss = try loss + term.value * term.weight }
    try loss.backward()
    var outputs: [String: Tensor] = [
      "gcn_regions": regions.values, "train.img_embedding": x, "train.cap_embedding": y,
      "train.scores": try x.matmul(y.transposed()), "loss": loss, "loss_rank": rank, "loss_caption": caption,
    ]
    for term in aligned { outputs["loss_" + term.name.replacing("context", with: "ctx")] = term.value }
    outputs.merge(try Self.outputs(of: image, "img", parts: "regions")) { $1 }
    outputs.merge(try Self.outputs(of: text, "cap", parts: "words")) { $1 }
    for entry in network.parameters {
      outputs["grad." + entry.name] = try entry.gradient ?? entry.tensor.zerosLike()
    }
    for entry in network.stateEntries { outputs["after." + entry.name] = try entry.tensor.detached() }
    let measured = try towers(.evaluation)
    let (u, v) = (
      try measured.image.embedding(), try measured.text.embedding()
    )
    outputs["eval.img_embedding"] = u
    outputs["eval.cap_embedding"] = v
    outputs["eval.scores"] = try u.matmul(v.transposed())
    return outputs.mapValues { .tensor($0) }
  }

  private static func outputs(
    of tower: AlignedItems, _ name: String, parts: String
  ) throws -> [String: Tensor] {
    var outputs = ["\(name)_global": tower.whole]
    outputs["\(name)_concepts"] = tower.concepts?.values
    guard let context = tower.context else { return outputs }
    outputs["\(name)_context_\(parts)"] = context.parts.values
    outputs["\(name)_attended_global"] = context.attended
    outputs["\(name)_fused"] = context.fused
    return outputs
  }
}

extension ReferenceCase {
  /// A whole number from 1, or nil where the case has null or leaves the key out.
  fileprivate func optionalCount(_ key: String) throws -> Int? {
    config[key]?.isNull ?? true ? nil : try count(key)
  }

  /// The captions to write: labels and weights but for the last column, which is read by nobody.
  fileprivate func captionLabels(columns: Int) throws -> RegionCaptioner.Captions {
    let (labels, mask) = (try input("caption_labels"), try input("caption_mask"))
    guard labels.shape == mask.shape, labels.size(along: 1) >= columns else {
      throw ReferenceError.badSetting(
        "max_len", "\(columns)",
        "fewer than the columns of caption_labels \(labels.shape) and caption_mask \(mask.shape)")
    }
    let width = labels.size(along: 1)
    let (numbers, weights) = (try labels.values(as: Int.self), try mask.to(.float64).values(as: Double.self))
    let vocabulary = try count("vocab_size")
    guard numbers.allSatisfy((0..<vocabulary).contains) else {
      throw ReferenceError.badSetting("vocab_size", "\(vocabulary)", "more than every caption label")
    }
    let rows = 0..<labels.size(along: 0)
    return RegionCaptioner.Captions(
      labels: rows.map { Array(numbers[$0 * width..<$0 * width + columns]) },
      weights: rows.map { Array(weights[$0 * width..<$0 * width + columns]) })
  }
}
