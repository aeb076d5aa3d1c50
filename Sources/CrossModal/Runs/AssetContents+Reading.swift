import Foundation
import Torch

extension AssetContents {
  /// Reads what a method begins with; pairs, which belong to the data, are not among it.
  ///
  /// - Parameter words: the vocabulary of each modality; nil for one whose items are no words.
  /// - Throws: what is wrong with a file, naming it; ``ConfigurationError`` for vectors where there are no words.
  init(of assets: [Asset], words: [[String]?] = []) throws {
    self.init()
    for asset in assets {
      switch asset.kind {
      case .weights: weights[asset.key] = try Self.weights(of: asset)
      case .wordVectors:
        guard words.contains(where: { $0 != nil }) else {
          throw ConfigurationError.badValue(
            key: asset.key, value: asset.file,
            expected: "possible: no modality has words (features.NAME: words)")
        }
        wordVectors[asset.key] = try words.map { words in
          try words.map { try WordVectors(asset.file, of: $0) }
        }
      case .published:
        if published[asset.file] == nil {
          let folder = try PublishedFolder(asset.file)
          published[asset.file] = try folder.model()
        }
      case .pairs: break
      }
    }
  }

  /// Weights of a safetensors file, or of the network of pictures that a run learned.
  private static func weights(of asset: Asset) throws -> [(name: String, tensor: Tensor)] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: asset.file, isDirectory: &isFolder), isFolder.boolValue
    else {
      return try WrapperPrefixes.takenOff(SafeTensors.read(asset.file).tensors)
    }
    let run = try Run.open(asset.file)
    guard let method = run.method as? any DenseRepresenting else {
      throw ConfigurationError.badValue(
        key: asset.key, value: asset.file,
        expected:
          "a file of weights, or a run that learned a network of pictures; this one is of \(run.about.name)")
    }
    return method.pictureNetwork.state
  }
}
