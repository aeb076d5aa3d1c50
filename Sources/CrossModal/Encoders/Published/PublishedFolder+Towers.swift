import Foundation
import Torch

extension PublishedFolder {
  /// One tower of a model with what belongs to it, and what a user should know.
  struct FoundTower {
    /// Nil where the model has no such tower.
    var tower: PublishedTower?
    var facts: [PublishedArchitecture.Fact] = []
    /// A sentence each.
    var warnings: [String] = []
  }

  /// The tower of pictures or of texts: its sizes, and how pictures are brought to it.
  ///
  /// - Parameters:
  ///   - tensors: of this folder.
  ///   - settings: over what the files say.
  ///   - side: the modality's place, of which the settings may have values of their own.
  /// - Throws: ``PublishedModelError`` for weights that are of no tower; ``ConfigurationError`` for settings that do not
  ///   fit them; ``DataError`` for files beside them.
  func tower(
    _ half: PublishedArchitecture.Half, of tensors: PublishedTensors, _ settings: PublishedEncoderSettings,
    side: Int = 0
  ) throws -> FoundTower {
    guard tensors.scheme.hasTowers else {
      return half == .pictures ? FoundTower() : try sentences(tensors, settings)
    }
    let architecture = try PublishedArchitecture(
      of: tensors, configuration, settings.overrides(side: side), only: half)
    var found = FoundTower(facts: architecture.facts, warnings: architecture.warnings)
    guard var sizes = half == .pictures ? architecture.vision : architecture.text else { return found }
    if half == .pictures, let side = settings.imageSize { try sizes.setImageSize(side) }
    let preparation =
      half == .pictures
      ? try preparation(for: sizes, tensors.scheme, settings, warnings: &found.warnings) : nil
    found.tower = PublishedTower(sizes, preparation: preparation)
    return found
  }

  /// A sentence encoder.
  private func sentences(
    _ tensors: PublishedTensors, _ settings: PublishedEncoderSettings
  ) throws -> FoundTower {
    guard let folder else {
      throw PublishedModelError.unusable(
        path,
        reason: "is a sentence encoder's file by itself: name its folder, with config.json and tokenizer")
    }
    let known = try SentenceFolder(folder) { _ in (tensors.tensors, tensors.source) }
    var sizes = PublishedTowerSizes()
    sizes.sentence = known.architecture
    let own = known.architecture.sizes
    var facts: [PublishedArchitecture.Fact] = []
    for (name, value) in [
      ("vocab_size", own.vocabSize), ("width", own.hiddenSize), ("layers", own.numHiddenLayers),
      ("heads", own.numAttentionHeads), ("mlp_width", own.intermediateSize),
      ("context_length", known.tokenizer.contextLength),
    ] {
      facts.append(.init(name: "text.\(name)", value: "\(value)", origin: "shapes and config.json"))
    }
    facts.append(
      .init(
        name: "text.pool",
        value: known.architecture.pooling.rawValue + (known.architecture.normalizes ? ", normalized" : ""),
        origin: known.notes.isEmpty ? "modules.json" : "as usual"))
    var tower = PublishedTower(sizes)
    tower.longest = known.tokenizer.contextLength
    tower.prompt = known.prompt.isEmpty ? nil : known.prompt
    return FoundTower(tower: tower, facts: facts, warnings: known.notes)
  }

  /// How pictures are brought to a network: as the folder says, else as its kind usually has it.
  private func preparation(
    for sizes: PublishedTowerSizes, _ scheme: PublishedScheme, _ settings: PublishedEncoderSettings,
    warnings: inout [String]
  ) throws -> PicturePreparation {
    let side = sizes.imageSize ?? 224
    var preparation: PicturePreparation
    if let stated = try folder.flatMap({ try PicturePreparation.load(from: $0) }) {
      preparation = stated
      if stated.size != side, settings.imageSize == nil {
        warnings.append(
          "\(path): pictures are said to have \(stated.size) pixels a side, the network has positions for \(side); taken "
            + "is \(side)")
      }
      // The share of the middle stays.
      preparation.resize = stated.resize.map { Int((Double($0 * side) / Double(stated.size)).rounded()) }
      preparation.size = side
    } else {
      preparation = PicturePreparation.usual(for: scheme, size: side)
    }
    preparation.cropRounding = settings.cropRounding ?? preparation.cropRounding
    preparation.resizeMode = settings.resizeMode ?? preparation.resizeMode
    preparation.interpolation = settings.interpolation ?? preparation.interpolation
    return preparation
  }

  /// Where the tokenizer of the weights is.
  ///
  /// - Parameter named: by the user.
  /// - Throws: ``PublishedModelError`` where the weights are a file by itself and nobody says.
  func placeOfTokenizer(_ named: String?) throws -> URL {
    if let named { return URL(fileURLWithPath: named) }
    if let network { return network }
    guard let folder else {
      throw PublishedModelError.unusable(
        path,
        reason:
          "is a file by itself: name its tokenizer (published.tokenizer), a tokenizer.json, a vocab.json beside a "
          + "merges.txt, bpe_simple_vocab_16e6.txt.gz or spiece.model; the package open_clip_torch of PyPI carries "
          + "CLIP's")
    }
    return folder
  }
}

extension PicturePreparation {
  /// What programs of a kind do with pictures where no file says it.
  static func usual(for scheme: PublishedScheme, size: Int) -> PicturePreparation {
    scheme == .siglip
      ? .sigLIP(size: size)
      : PicturePreparation(size: size, cropRounding: scheme == .openai ? .halfEven : .floor)
  }
}

extension PublishedTowerSizes {
  /// Most pieces of a text.
  ///
  /// - Parameters:
  ///   - wanted: by the user; nil for what the files say.
  ///   - usual: what the files say; nil for as many as the network has positions for.
  /// - Throws: ``ConfigurationError`` for more than those.
  func textLength(_ wanted: Int?, usual: Int? = nil) throws -> Int {
    let most = contextLength ?? 0
    guard let wanted else { return min(usual ?? most, most) }
    guard wanted <= most else {
      throw ConfigurationError.badValue(
        key: "published.context_length", value: "\(wanted)",
        expected: "\(most) or less, for which the network has positions")
    }
    return wanted
  }

  /// Takes another size of pictures, for which positions are then resampled.
  ///
  /// - Throws: ``ConfigurationError`` for one that is no multiple of a patch.
  mutating func setImageSize(_ side: Int) throws {
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
