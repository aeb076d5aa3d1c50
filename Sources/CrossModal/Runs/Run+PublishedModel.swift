import Foundation
import Torch

extension Run {
  /// A run of a published model: it embeds, scores and searches, and needs no data set to be made.
  ///
  /// Two towers become a run of `clip` or `siglip` with modalities `image` and `text`, one tower or a sentence encoder a
  /// run of that modality alone. Weights are float32 under the names of the published file (of CLIP, OpenAI's), and settings, tokenizer and
  /// how pictures are brought to the network are kept with them. Where a data set has other names, modalities are matched
  /// by their kinds (``adapt(to:)``).
  /// - Parameters:
  ///   - path: a file or folder; see ``PublishedFolder``. Weights that PyTorch wrote are read too.
  ///   - settings: those under `published`, over what the files say.
  ///   - note: told in a sentence what a user should know.
  /// - Throws: what is wrong with the files, naming them; ``ConfigurationError``.
  public static func published(
    _ path: String, settings: RunSettings? = nil, note: (String) -> Void = { _ in }
  ) throws -> Run {
    let folder = try PublishedFolder(path, pickles: true)
    let tensors = try folder.model()
    let names = tensors.tensors.map(\.name)
    // What is added to the scores is SigLIP's, whatever the towers are.
    let hasBias = tensors.scheme == .siglip || names.contains("logit_bias")
    let type: any Method.Type = hasBias ? SigLIP.self : CLIP.self
    var tree = settings?.method ?? .object([])
    for member in tree.members ?? [] where member.key != "published" {
      throw ConfigurationError.badValue(
        key: member.key, value: member.value.text(),
        expected: "left out: a published model takes published.KEY alone")
    }
    tree["encoder"] = "published"
    var own = tree["published"] ?? .object([])
    own["weights"] = .string(path)
    tree["published"] = own
    let hasPictures = names.contains { $0.hasPrefix("visual.") || $0.hasPrefix("vision_model.") }
    let hasTexts =
      !tensors.scheme.hasTowers
      || names.contains { $0.hasPrefix("token_embedding.") || $0.hasPrefix("text_model.") }
    var modalities: [DataDescription.Modality] = []
    if hasPictures { modalities.append(.init(name: "image", kind: .images)) }
    if hasTexts { modalities.append(.init(name: "text", kind: .text)) }
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let data = DataDescription(name: name, modalities: modalities)

    let resolution = try PublishedResolution(
      type.plan(tree, pairs: 0), settings ?? RunSettings(.null), data, pickles: true)
    for text in resolution.notes { note(text) }
    return try Run(published: tensors, resolution, data)
  }

  private convenience init(
    published tensors: PublishedTensors, _ resolution: PublishedResolution, _ data: DataDescription
  ) throws {
    let plan = resolution.plan
    let choices = try FeaturizerChoice.all(for: plan.type, resolution.settings, data)
    var featurizers: [String: any Featurizer] = [:]
    let nothing = FeaturizerSource(.texts([]))
    for choice in choices {
      featurizers[data.modalities[choice.side].name] = try Featurizers.fit(
        choice.name, to: nothing, settings: .object(choice.settings))
    }
    let method = try plan.make(data.throughFeatures(featurizers))
    let encoders = (method as? JointBranches)?.publishedEncoders ?? []
    let scales = method.stateEntries.filter { entry in
      ["logit_scale", "logit_bias"].contains(entry.name) && tensors[entry.name] != nil
    }
    // Everything that does not fit is told at once, of both towers.
    try tensors.resized(for: encoders.map(\.tower.sizes))
      .check(against: encoders.flatMap(\.published) + scales, resolution.facts)
    try tensors.checkFinite()
    for encoder in encoders { try encoder.load(tensors) }
    try (method as? any PublishedScaleTaking)?.takeScale(of: tensors)
    self.init(
      record: RunRecord(
        method: plan.type.description.name, configuration: try method.settings(),
        features: FeaturizerFiles.record(choices, featurizers, of: data), seed: 0, threads: Runtime.threads,
        device: Device.cpu.description, dataPath: "", split: "", fingerprint: "", data: data),
      method: method, featurizers: featurizers)
  }

  /// Whether the run is a published model as it came, which belongs to no data set.
  public var isPublished: Bool {
    record.dataPath.isEmpty && record.fingerprint.isEmpty && record.training.isNull
      && !((method as? JointBranches)?.publishedEncoders.isEmpty ?? true)
  }

  /// Lets a published model take the modalities of a data set, matched by name and kind, else by kind.
  ///
  /// Other runs stay as they are, and so does this one where a modality has no counterpart.
  /// - Throws: what building the method for these modalities throws.
  public func adapt(to data: DataDescription) throws {
    let own = record.data.modalities
    guard isPublished,
      own.map(\.name) != data.modalities.map(\.name) || own.map(\.kind) != data.modalities.map(\.kind)
    else { return }
    var sides: [Int] = []
    for modality in data.modalities {
      let same = own.indices.filter { own[$0].takes(modality) }
      guard let side = same.first(where: { own[$0].name == modality.name }) ?? same.first else { return }
      sides.append(side)
    }
    guard sides.count <= 2, var configuration = method.configuration as? any BranchSettings else { return }
    // One network for two modalities of its kind.
    let isShared = sides.count == 2 && sides[0] == sides[1]
    configuration.networks.published.reorder(sides)
    configuration.networks.encoder = PerView(.published)
    configuration.networks.branches = isShared ? .shared : .separate
    var found: [String: any Featurizer] = [:]
    for (modality, side) in zip(data.modalities, sides) where modality.kind == .text {
      found[modality.name] = featurizers[own[side].name]
    }
    let description = DataDescription(name: record.data.name, modalities: data.modalities)
    let adapted = try type(of: method).make(
      configuration.tree(), for: description.throughFeatures(found))
    try adapted.load(method.state, from: record.data.name, allowingUnused: true)
    for (place, side) in sides.enumerated().reversed() { formerNames[own[side].name] = place }
    record.data = description
    record.configuration = try adapted.settings()
    (method, featurizers) = (adapted, found)
  }
}

extension DataDescription.Modality {
  /// Whether rows of another modality can be taken for rows of this one.
  fileprivate func takes(_ other: Self) -> Bool {
    kind == other.kind || kind == .text && other.kind == .tokens
  }
}
