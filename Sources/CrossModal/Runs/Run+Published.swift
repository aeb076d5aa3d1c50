import Foundation
import Torch

extension Run {
  /// A run with weights that were trained elsewhere, such as those of an authors' checkpoint.
  ///
  /// - Parameters:
  ///   - weights: every parameter of the method, by its own names or by those of the method's official program.
  ///   - source: the file, for messages.
  ///   - data: the data set whose modalities the method is for. Words get their numbers from it, unless the settings
  ///     name the vocabulary that belongs to the weights.
  /// - Throws: ``StateError`` with everything that does not fit; what is wrong with settings or data.
  public static func publishing(
    _ type: any Method.Type, weights: [(name: String, tensor: Tensor)], from source: String,
    settings: RunSettings, data: DataSet, split: String = "train"
  ) throws -> Run {
    let learning = try Learning(type, settings: settings, data: data, split: split, seed: 0) { _ in }
    try learning.method.load(type.ownWeights(ofOfficial: weights) ?? weights, from: source)
    return learning.run(try learning.record())
  }
}

/// The weights in a file of a published model: a checkpoint of PyTorch (``TorchCheckpoint``), safetensors, or an .npz of
/// NumPy.
public struct PublishedWeights {
  /// Names and tensors of the model.
  public let weights: [(name: String, tensor: Tensor)]
  /// Tensors of the file that are no part of the model.
  public let leftOut: Int
  /// Numbers and texts beside them, by name.
  public let facts: [(name: String, value: String)]

  /// - Throws: ``CheckpointError``, ``DataError`` and the like for a file that cannot be read.
  public init(_ path: String) throws {
    guard path.lowercased().hasSuffix(".npz") else {
      let checkpoint = try TorchCheckpoint(path)
      (weights, facts) = (checkpoint.weights, checkpoint.facts)
      leftOut = checkpoint.tensors.count - checkpoint.weights.count
      return
    }
    weights = try NPZReader.all(URL(fileURLWithPath: path), limits: .standard)
    (leftOut, facts) = (0, [])
  }
}
