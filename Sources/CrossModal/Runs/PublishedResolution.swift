import Foundation
import Torch

/// A plan whose settings name published weights, with what these say of the networks, of texts and of pictures: so that a
/// method, which reads no file, knows the sizes before the weights are loaded, and a run can be opened without them.
struct PublishedResolution {
  private(set) var plan: MethodPlan
  private(set) var settings: RunSettings
  /// What a user should know, a sentence each.
  private(set) var notes: [String] = []
  /// The sizes of the networks, and where each was found.
  private(set) var facts: [PublishedArchitecture.Fact] = []
  private let pickles: Bool
  private var models: [String: (folder: PublishedFolder, tensors: PublishedTensors)] = [:]

  /// - Parameters:
  ///   - data: as they come.
  ///   - pickles: whether weights that PyTorch wrote may be read.
  /// - Throws: what is wrong with the weights, naming the file; ``ConfigurationError`` for settings that do not fit them.
  init(
    _ plan: MethodPlan, _ settings: RunSettings, _ data: DataDescription, pickles: Bool = false
  ) throws {
    self.plan = plan
    self.settings = settings
    self.pickles = pickles
    guard var configuration = plan.configuration as? any BranchSettings,
      configuration.networks.encoder.values.contains(.published)
    else { return }
    try resolve(&configuration, data)
    self.plan.configuration = configuration
  }

  /// The tensors of a file or folder that was named.
  func model(at path: String) -> PublishedTensors? { models[path]?.tensors }

  private mutating func read(_ path: String) throws -> (folder: PublishedFolder, tensors: PublishedTensors) {
    if let known = models[path] { return known }
    let folder = try PublishedFolder(path, pickles: pickles)
    let found = (folder, try folder.model())
    models[path] = found
    return found
  }

  private mutating func resolve(
    _ configuration: inout any BranchSettings, _ data: DataDescription
  ) throws {
    var published = configuration.networks.published
    published.weights.values = published.weights.values.map { path in
      path.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    }
    var towers: [PublishedTower?] = []
    for (side, modality) in data.modalities.prefix(2).enumerated() {
      guard configuration.networks.encoder[side] == .published, let path = published.weights[side] else {
        towers.append(published.tower(side: side))
        continue
      }
      towers.append(try tower(for: modality, side: side, path, published))
    }
    published.towers = towers
    let widths = towers.compactMap { $0 }.map {
      published.output == .pooled ? $0.sizes.width : $0.sizes.output
    }
    if !published.map, let width = widths.first {
      guard Set(widths).count == 1 else {
        throw ConfigurationError.badValue(
          key: "published.weights",
          value: "networks that give \(widths[0]) and \(widths[widths.count - 1]) numbers",
          expected: "networks of one width, or published.map for a map to embed_size behind each")
      }
      let usual = configuration.usualSize
      guard configuration.networks.embedSize == usual || configuration.networks.embedSize == width else {
        throw ConfigurationError.badValue(
          key: "embed_size", value: "\(configuration.networks.embedSize)",
          expected:
            "\(width), as wide as what the published network gives, or published.map for a map behind it")
      }
      configuration.networks.embedSize = width
    }
    let paths = Set(published.weights.values.compactMap { $0 })
    if paths.count > 1, towers.compactMap({ $0 }).count > 1, !published.map {
      notes.append(
        "warning: \(paths.sorted().joined(separator: " and ")) are two files; what one says of pictures means something "
          + "to the other only where both were trained together")
    }
    configuration.networks.published = published
  }

  private mutating func tower(
    for modality: DataDescription.Modality, side: Int, _ path: String, _ published: PublishedEncoderSettings
  ) throws -> PublishedTower? {
    let half: PublishedArchitecture.Half
    switch modality.kind {
    case .images: half = .pictures
    case .text, .tokens: half = .texts
    // Whatever it is, the network will say that it does not take it.
    case .vector, .set, .sequence: return nil
    }
    let (folder, tensors) = try read(path)
    let found = try folder.tower(half, of: tensors, published, side: side)
    for warning in found.warnings where !notes.contains("warning: \(warning)") {
      notes.append("warning: \(warning)")
    }
    facts += found.facts
    guard let tower = found.tower else {
      throw PublishedModelError.unusable(
        path,
        reason: "holds no tower of \(half == .pictures ? "pictures" : "texts"), which \(modality.name) needs")
    }
    if half == .texts { try addTokenizer(for: modality, tower, folder, published) }
    return tower
  }

  /// The tokenizer that belongs to the weights, as the featurizer of a modality of texts.
  private mutating func addTokenizer(
    for modality: DataDescription.Modality, _ tower: PublishedTower, _ folder: PublishedFolder,
    _ published: PublishedEncoderSettings
  ) throws {
    guard modality.kind == .text else { return }
    let length = try tower.sizes.textLength(published.contextLength, usual: tower.longest)
    let given = settings.features[modality.name]
    let name = given?.string ?? given?["name"]?.string ?? PieceFeaturizer.name
    guard name == PieceFeaturizer.name else {
      throw ConfigurationError.badValue(
        key: "features.\(modality.name)", value: name,
        expected:
          "\(PieceFeaturizer.name), or nothing, before a network with published weights, which has a tokenizer "
          + "of its own")
    }
    var own: JSON = given?.members == nil ? .object([]) : given ?? .object([])
    own["name"] = .string(PieceFeaturizer.name)
    if own["tokenizer"] == nil {
      own["tokenizer"] = .string(try folder.placeOfTokenizer(published.tokenizer).path)
    }
    own["context_length"] = .int(length)
    if own["prompt"] == nil, let prompt = tower.prompt { own["prompt"] = .string(prompt) }
    if let clean = published.clean { own["clean"] = .string(clean.rawValue) }
    settings = settings.settingFeature(of: modality.name, to: own)
  }
}

extension BranchSettings {
  /// Width of vectors where nothing is said.
  fileprivate var usualSize: Int { Self().networks.embedSize }
}
