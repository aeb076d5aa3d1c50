import Foundation
import Torch

extension Run {
  /// Writes the network of pictures that was learned, by itself, under the names that others know it by:
  /// `backbone.safetensors` for torchvision and what builds on it, `backbone-detectron2.safetensors` for detectron2.
  ///
  /// - Returns: names of the files; none for a method that learns no such network.
  /// - Throws: what writing throws.
  @discardableResult
  public func writePictureNetwork(to folder: URL) throws -> [String] {
    guard let method = method as? any DenseRepresenting else { return [] }
    let state = method.pictureNetwork.state
    let renamed = state.map {
      (name: PictureNetworkNames.detectron2(ofTorchvision: $0.name), tensor: $0.tensor)
    }
    let files = [("backbone.safetensors", state), ("backbone-detectron2.safetensors", renamed)]
    for (name, tensors) in files {
      try SafeTensors.write(tensors, to: folder.appendingPathComponent(name).path)
    }
    return files.map(\.0)
  }
}
