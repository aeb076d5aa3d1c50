import Foundation
import Torch

extension FolderKind {
  /// A folder of a model as published ones are.
  public static let publishedModel = FolderKind(
    "published model",
    isOne: { folder in
      ["model.safetensors", "open_clip_model.safetensors"].contains {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
      }
        && ["config.json", "open_clip_config.json"].contains {
          FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
    })
}

extension Run {
  /// Writes the networks with published weights, trained on or not, into a folder as other programs read it: weights under
  /// published names, the configuration, how pictures are brought to the network, the tokenizer.
  ///
  /// - Parameters:
  ///   - folder: which appears when it is complete.
  ///   - scheme: `openai` for open_clip, `huggingface` for transformers, of CLIP and of SigLIP.
  ///   - replacing: a model that stands there may be replaced.
  ///   - note: told what the form cannot say.
  /// - Returns: how many tensors there are.
  /// - Throws: ``PublishedModelError`` for networks that the other program has not.
  @discardableResult
  public func writePublished(
    to folder: URL, scheme: PublishedScheme, replacing: Bool = false, note: (String) -> Void = { _ in }
  ) throws -> Int {
    let encoders = (method as? JointBranches)?.publishedEncoders ?? []
    guard !encoders.isEmpty else {
      throw PublishedModelError.unusable(
        record.data.name, reason: "the run has no network with published weights (encoder: published)")
    }
    guard encoders.allSatisfy({ $0.map == nil }) else {
      throw PublishedModelError.unusable(
        record.data.name,
        reason: "the run has a map behind its networks (published.map), which no published model has")
    }
    let form = try PublishedForm(encoders.map(\.tower), scheme, name: record.data.name)
    var tensors = encoders.flatMap(\.published).map { (name: $0.name, tensor: $0.tensor) }
    for (name, parameter) in (method as? any PublishedScaleTaking)?.scales ?? [] {
      tensors.append((name, parameter.wrappedValue))
    }
    if form.isTransposed {
      tensors = try HuggingFaceNames.huggingface(of: tensors.filter { !PublishedNaming.isLeftover($0.name) })
    }
    let staged = try StagedFolder(for: folder, kind: .publishedModel, replacing: replacing)
    let tokenizer = featurizers.values.compactMap { ($0 as? PieceFeaturizer)?.tokenizer }.first
    try staged.fill { folder in
      let path = { (name: String) in folder.appendingPathComponent(name).path }
      try SafeTensors.write(tensors, metadata: ["format": "pt"], to: path(form.weightsFile))
      for (name, json) in try form.files(tokenizer, note) {
        try AtomicFile.write(Data((json.text(pretty: true) + "\n").utf8), to: path(name))
      }
      if let tokenizer {
        try AtomicFile.write(Data(tokenizer.document.text().utf8), to: path("tokenizer.json"))
      }
    }
    try staged.commit()
    return tensors.count
  }
}

/// The files beside the weights of a published model.
private struct PublishedForm {
  private let vision: PublishedTower?
  private let text: PublishedTower?
  private let scheme: PublishedScheme
  private let name: String

  /// - Throws: ``PublishedModelError`` for networks that the program of the scheme has not.
  init(_ towers: [PublishedTower], _ scheme: PublishedScheme, name: String) throws {
    vision = towers.first { $0.sizes.isOfPictures }
    text = towers.first { !$0.sizes.isOfPictures }
    self.name = name
    let isSigLIP = towers.contains { $0.sizes.isSigLIP }
    self.scheme = scheme == .openai ? .openai : isSigLIP ? .siglip : .huggingface
    let refuse = { (reason: String) in PublishedModelError.unusable(name, reason: reason) }
    guard towers.allSatisfy({ $0.sizes.sentence == nil }) else {
      throw refuse(
        "is a sentence encoder, which is not written in these forms: `crossmodal export` without --scheme writes "
          + "its weights under Hugging Face's names")
    }
    switch self.scheme {
    case .openai:
      guard !isSigLIP else {
        throw refuse("SigLIP's networks have no names of OpenAI's: export them as huggingface")
      }
      let activations = towers.compactMap {
        $0.sizes.vit?.blocks.activation ?? $0.sizes.text?.blocks.activation
      }
      guard Set(activations).count < 2 || !activations.contains(.quickGELU) else {
        throw refuse("its two networks have different activations, which open_clip cannot say")
      }
    case .huggingface:
      let vit = vision?.sizes.vit
      guard vision?.sizes.resnet == nil else {
        throw refuse("transformers has no residual network of CLIP: export it as openai")
      }
      guard vit.map({ $0.pool == .tok && $0.hasFirstNorm && $0.output != nil }) ?? true else {
        throw refuse(
          "its network of pictures pools or begins in a way that transformers has not: export it as openai")
      }
      guard text?.sizes.text.map({ $0.causal && $0.pool != .last && $0.projection == .matrix }) ?? true else {
        throw refuse(
          "its network of texts reads or maps in a way that transformers has not: export it as openai")
      }
    default: break
    }
  }

  var isTransposed: Bool { scheme == .huggingface }
  var weightsFile: String { scheme == .openai ? "open_clip_model.safetensors" : "model.safetensors" }

  func files(
    _ tokenizer: (any TextTokenizer)?, _ note: (String) -> Void
  ) throws -> [(name: String, json: JSON)] {
    let rounding: PicturePreparation.CropRounding = scheme == .openai ? .halfEven : .floor
    if let own = vision?.preparation, own.cropRounding != rounding, own.resizeMode == .shortest {
      note(
        "programs of this form round where the middle of a picture begins \(rounding == .floor ? "down" : "to the even side"), "
          + "which this run does not: pictures may lie one pixel apart")
    }
    if scheme == .openai { return [("open_clip_config.json", openCLIP(tokenizer))] }
    if vision?.preparation?.resizeMode == .longest {
      throw PublishedModelError.unusable(
        name,
        reason: "its pictures are resized by the longer side, which transformers has not: export it as openai"
      )
    }
    var files = [("config.json", huggingFace)]
    if let own = vision?.preparation { files.append(("preprocessor_config.json", preprocessor(own))) }
    if let tokenizer {
      files.append(
        (
          "tokenizer_config.json",
          [
            "model_max_length": .int(tokenizer.contextLength),
            "tokenizer_class": scheme == .siglip ? "SiglipTokenizer" : "CLIPTokenizer",
          ]
        ))
    }
    return files
  }

  // MARK: - transformers

  private func section(_ blocks: BlockSizes, _ others: KeyValuePairs<String, JSON>) -> JSON {
    .object(
      [
        .init("hidden_size", .int(blocks.width)), .init("num_hidden_layers", .int(blocks.layers)),
        .init("num_attention_heads", .int(blocks.heads)), .init("intermediate_size", .int(blocks.mlpWidth)),
        .init("hidden_act", .string(blocks.activation.rawValue)),
        .init("layer_norm_eps", .double(blocks.layerNormEps)),
      ] + others.map { .init($0.key, $0.value) })
  }

  private var huggingFace: JSON {
    let family = scheme == .siglip ? "siglip" : "clip"
    let title = scheme == .siglip ? "Siglip" : "CLIP"
    var sections: [(key: String, json: JSON)] = []
    if let sizes = vision?.sizes, let blocks = sizes.vit?.blocks ?? sizes.siglip?.blocks {
      let patch = sizes.vit?.patchSize ?? sizes.siglip?.patchSize ?? 1
      sections.append(
        (
          "vision",
          section(
            blocks,
            [
              "model_type": .string("\(family)_vision_model"), "image_size": .int(sizes.imageSize ?? 0),
              "patch_size": .int(patch), "num_channels": 3,
            ])
        ))
    }
    if let sizes = text?.sizes, let blocks = sizes.text?.blocks ?? sizes.siglipText?.blocks {
      var json = section(
        blocks,
        [
          "model_type": .string("\(family)_text_model"), "vocab_size": .int(sizes.vocabulary ?? 0),
          "max_position_embeddings": .int(sizes.contextLength ?? 0),
        ])
      // 2 is what transformers takes for the largest number of a text.
      if let own = sizes.text { json["eos_token_id"] = .int(own.eosTokenId ?? 2) }
      if let own = sizes.siglipText { json["projection_size"] = .int(own.output) }
      sections.append(("text", json))
    }
    let output = vision?.sizes.output ?? text?.sizes.output ?? 0
    guard sections.count == 1, let (key, section) = sections.first else {
      var json: JSON = [
        "model_type": .string(family), "architectures": .array([.string("\(title)Model")]),
      ]
      for (key, section) in sections { json["\(key)_config"] = section }
      if scheme == .huggingface { json["projection_dim"] = .int(output) }
      return json
    }
    var json = section
    let kind = key == "vision" ? "Vision" : "Text"
    json["architectures"] = .array([
      .string(scheme == .siglip ? "Siglip\(kind)Model" : "CLIP\(kind)ModelWithProjection")
    ])
    if scheme == .huggingface { json["projection_dim"] = .int(output) }
    return json
  }

  private func preprocessor(_ own: PicturePreparation) -> JSON {
    let side = own.resize ?? own.size
    let isShortest = own.resizeMode == .shortest
    var json: JSON = [
      "do_resize": true, "do_rescale": true, "do_normalize": true, "do_convert_rgb": true,
      "size": isShortest ? ["shortest_edge": .int(side)] : ["height": .int(side), "width": .int(side)],
      "do_center_crop": .bool(isShortest || own.resize != nil),
      "resample": own.interpolation == .bicubic ? 3 : 2, "rescale_factor": .double(1 / 255.0),
      "image_mean": .array(own.mean.map(JSON.double)), "image_std": .array(own.std.map(JSON.double)),
      "image_processor_type": scheme == .siglip ? "SiglipImageProcessor" : "CLIPImageProcessor",
    ]
    if isShortest || own.resize != nil {
      json["crop_size"] = ["height": .int(own.size), "width": .int(own.size)]
    }
    return json
  }

  // MARK: - open_clip

  private func openCLIP(_ tokenizer: (any TextTokenizer)?) -> JSON {
    var model: JSON = ["embed_dim": .int(vision?.sizes.output ?? text?.sizes.output ?? 0)]
    let blocks = vision?.sizes.vit?.blocks ?? text?.sizes.text?.blocks
    model["quick_gelu"] = .bool(blocks?.activation == .quickGELU)
    func kwargs(_ json: inout JSON, _ blocks: BlockSizes) {
      if blocks.layerNormEps != 1e-5 { json["norm_kwargs"] = ["eps": .double(blocks.layerNormEps)] }
      if blocks.activation == .geluByTanh { json["act_kwargs"] = ["approximate": "tanh"] }
    }
    if let vit = vision?.sizes.vit {
      let own = vit.blocks
      var json: JSON = [
        "image_size": .int(vit.imageSize), "layers": .int(own.layers), "width": .int(own.width),
        "head_width": .int(own.width / own.heads), "patch_size": .int(vit.patchSize),
        "mlp_ratio": .double(Double(own.mlpWidth) / Double(own.width)),
        "pool_type": .string(vit.pool.rawValue),
      ]
      if vit.finalLnAfterPool { json["final_ln_after_pool"] = true }
      if !vit.hasFirstNorm { json["no_ln_pre"] = true }
      kwargs(&json, own)
      model["vision_cfg"] = json
    } else if let resnet = vision?.sizes.resnet {
      model["vision_cfg"] = [
        "image_size": .int(resnet.imageSize), "layers": .array(resnet.layers.map(JSON.int)),
        "width": .int(resnet.width), "head_width": .int(32 * resnet.width / resnet.heads),
      ]
    }
    if let sizes = text?.sizes.text {
      let own = sizes.blocks
      var json: JSON = [
        "context_length": .int(sizes.contextLength), "vocab_size": .int(sizes.vocabSize),
        "width": .int(own.width), "heads": .int(own.heads), "layers": .int(own.layers),
        "mlp_ratio": .double(Double(own.mlpWidth) / Double(own.width)),
        "pool_type": .string(sizes.pool.rawValue),
      ]
      if let end = sizes.eosTokenId { json["eos_id"] = .int(end) }
      if !sizes.causal { json["no_causal_mask"] = true }
      if sizes.projection == .affine { json["proj_bias"] = true }
      kwargs(&json, own)
      switch (tokenizer as? BytePairTokenizer)?.clean {
      case .whitespace?: json["tokenizer_kwargs"] = ["clean": "whitespace"]
      case .canonicalize?: json["tokenizer_kwargs"] = ["clean": "canonicalize"]
      // The tokenizer beside it, as transformers would use it.
      case .huggingface?, nil: if tokenizer != nil { json["hf_tokenizer_name"] = "." }
      case .openai?: break
      }
      model["text_cfg"] = json
    }
    var json: JSON = ["model_cfg": model]
    if let own = vision?.preparation {
      json["preprocess_cfg"] = [
        "size": .int(own.size), "mean": .array(own.mean.map(JSON.double)),
        "std": .array(own.std.map(JSON.double)), "interpolation": .string(own.interpolation.rawValue),
        "resize_mode": .string(own.resizeMode.rawValue),
      ]
    }
    return json
  }
}
