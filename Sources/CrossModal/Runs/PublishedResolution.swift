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
    guard tensors.scheme.hasTowers else {
      throw PublishedModelError.unusable(
        path,
        reason: "is a sentence encoder (\(tensors.scheme.rawValue)), which has no tower of \(modality.name)")
    }
    let architecture = try PublishedArchitecture(
      of: tensors, folder.configuration, published.overrides(side: side), only: half)
    for warning in architecture.warnings where !notes.contains("warning: \(warning)") {
      notes.append("warning: \(warning)")
    }
    facts += architecture.facts
    guard var sizes = half == .pictures ? architecture.vision : architecture.text else {
      throw PublishedModelError.unusable(
        path,
        reason: "holds no tower of \(half == .pictures ? "pictures" : "texts"), which \(modality.name) needs")
    }
    guard half == .pictures else {
      try addTokenizer(for: modality, sizes, folder, published)
      return PublishedTower(sizes)
    }
    if let side = published.imageSize { try sizes.setImageSize(side) }
    let preparation = try preparation(for: sizes, scheme: tensors.scheme, folder, published)
    return PublishedTower(sizes, preparation: preparation)
  }

  /// How pictures are brought to a network: as its folder says, else as its kind usually has it.
  private mutating func preparation(
    for sizes: PublishedTowerSizes, scheme: PublishedScheme, _ folder: PublishedFolder,
    _ published: PublishedEncoderSettings
  ) throws -> PicturePreparation {
    let side = sizes.imageSize ?? 224
    var preparation: PicturePreparation
    if let stated = try folder.folder.flatMap({ try PicturePreparation.load(from: $0) }) {
      preparation = stated
      if stated.size != side, published.imageSize == nil {
        notes.append(
          "warning: \(folder.path): pictures are said to have \(stated.size) pixels a side, the network has positions "
            + "for \(side); taken is \(side)")
      }
      // The share of the middle stays.
      preparation.resize = stated.resize.map { Int((Double($0 * side) / Double(stated.size)).rounded()) }
      preparation.size = side
    } else if scheme == .siglip {
      preparation = .sigLIP(size: side)
    } else {
      preparation = PicturePreparation(size: side, cropRounding: scheme == .openai ? .halfEven : .floor)
    }
    preparation.cropRounding = published.cropRounding ?? preparation.cropRounding
    preparation.resizeMode = published.resizeMode ?? preparation.resizeMode
    preparation.interpolation = published.interpolation ?? preparation.interpolation
    return preparation
  }

  /// The tokenizer that belongs to the weights, as the featurizer of a modality of texts.
  private mutating func addTokenizer(
    for modality: DataDescription.Modality, _ sizes: PublishedTowerSizes, _ folder: PublishedFolder,
    _ published: PublishedEncoderSettings
  ) throws {
    guard modality.kind == .text else { return }
    let most = sizes.contextLength ?? 0
    let length = published.contextLength ?? most
    guard length <= most else {
      throw ConfigurationError.badValue(
        key: "published.context_length", value: "\(length)",
        expected: "\(most) or less, for which the network has positions")
    }
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
      guard let place = published.tokenizer ?? folder.folder?.path else {
        throw PublishedModelError.unusable(
          folder.path,
          reason:
            "is a file by itself: name its tokenizer (published.tokenizer), a tokenizer.json, a vocab.json beside a "
            + "merges.txt, bpe_simple_vocab_16e6.txt.gz or spiece.model; the package open_clip_torch of PyPI carries "
            + "CLIP's")
      }
      own["tokenizer"] = .string(place)
    }
    own["context_length"] = .int(length)
    if let clean = published.clean { own["clean"] = .string(clean.rawValue) }
    settings = settings.settingFeature(of: modality.name, to: own)
  }
}

extension BranchSettings {
  /// Width of vectors where nothing is said.
  fileprivate var usualSize: Int { Self().networks.embedSize }
}

extension PublishedTowerSizes {
  /// Takes another size of pictures, for which positions are then resampled.
  ///
  /// - Throws: ``ConfigurationError`` for one that is no multiple of a patch.
  fileprivate mutating func setImageSize(_ side: Int) throws {
    let patch = vit?.patchSize ?? siglip?.patchSize ?? ModifiedResNet.stride
    guard side >= patch, side.isMultiple(of: patch) else {
      throw ConfigurationError.badValue(
        key: "published.image_size", value: "\(side)", expected: "a multiple of \(patch), the side of a patch"
      )
    }
    vit?.imageSize = side
    resnet?.imageSize = side
    siglip?.imageSize = side
  }
}
