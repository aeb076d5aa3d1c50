import Foundation
import Torch

/// The towers of a published model, one at a time as they are asked for.
final class FrozenTowers: FrozenEncoder, @unchecked Sendable {
  // The network is made and used under the lock.
  private let lock = NSLock()
  private var network: PublishedEncoder?
  private let tower: PublishedTower
  private let tensors: PublishedTensors
  private let settings: PublishedEncoderSettings
  private let tokenizer: (any TextTokenizer)?

  let kind: ModalityKind
  let notes: [String]
  var size: Int { settings.output == .pooled ? tower.sizes.width : tower.sizes.output }

  /// Items that are computed before progress is told.
  private static let block = 256

  /// - Parameters:
  ///   - folder: of a model with towers.
  ///   - kind: pictures or texts; nil for what there is, pictures first.
  ///   - contextLength: most pieces of a text; nil for what the folder says.
  /// - Throws: what is wrong with the files.
  init(
    _ folder: PublishedFolder, of kind: ModalityKind?, output: PublishedEncoderSettings.Output,
    contextLength: Int?
  ) throws {
    tensors = try folder.model()
    var settings = PublishedEncoderSettings()
    settings.output = output
    settings.contextLength = contextLength
    self.settings = settings
    var found = PublishedFolder.FoundTower()
    if kind != .text { found = try folder.tower(.pictures, of: tensors, settings) }
    if found.tower == nil, kind != .images { found = try folder.tower(.texts, of: tensors, settings) }
    guard let tower = found.tower else {
      throw PublishedModelError.unusable(
        folder.path, reason: "holds no tower of \(kind == .images ? "pictures" : "texts")")
    }
    self.tower = tower
    self.kind = tower.sizes.isOfPictures ? .images : .text
    notes = found.warnings
    guard self.kind == .text else {
      tokenizer = nil
      return
    }
    let place = try folder.placeOfTokenizer(nil)
    let length = try tower.sizes.textLength(contextLength, usual: tower.longest)
    guard let tokenizer = try PublishedTokenizers.load(from: place, contextLength: length) else {
      throw PublishedModelError.unusable(folder.path, reason: PublishedTokenizers.missing)
    }
    if let most = tower.sizes.vocabulary, tokenizer.vocabularySize > most {
      throw PublishedModelError.unusable(
        folder.path, reason: "its tokenizer has \(tokenizer.vocabularySize) pieces, its weights \(most)")
    }
    self.tokenizer = tokenizer
  }

  func vectors(of items: Items, progress: (Int) -> Void) throws -> Tensor {
    guard items.kind == kind else {
      throw FeaturizerError.wrongKind(featurizer: "encoder", kind: items.kind, accepts: [kind])
    }
    let seen = try tokenizer.map { try PieceFeaturizer($0).featurized(items) } ?? items
    return try lock.withLock {
      let network = try network ?? loaded()
      self.network = network
      let parts = try stride(from: 0, to: seen.count, by: Self.block).map { start in
        let rows = Array(start..<min(start + Self.block, seen.count))
        let part = try withoutGradient { try network.vectors(of: seen.rows(at: rows), .evaluation) }
        progress(rows.count + start)
        return part
      }
      return try Tensor.concatenated(parts)
    }
  }

  private func loaded() throws -> PublishedEncoder {
    let network = try PublishedEncoder(tower, settings, side: 0, to: size, using: Generator(seed: 0))
    try network.load(tensors)
    return network
  }
}
