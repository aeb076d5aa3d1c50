import Torch

/// A network with a part whose weights may come from a file, trained elsewhere.
public protocol PretrainedEncoder: ItemEncoder {
  /// What its names in weights files begin with: `bert` or `cnn`.
  var pretrainedPart: String { get }
  /// The safetensors file that the settings name; nil for none.
  var weightsFile: String? { get }
  /// The setting that names it.
  var weightsKey: String { get }
  /// Takes what the file holds.
  ///
  /// - Parameter source: the file, for messages.
  /// - Throws: ``StateError`` when it does not fit.
  func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws
  /// Checks, before training begins, that the part has weights worth keeping where it is not trained along.
  ///
  /// - Throws: ``ConfigurationError`` saying what to set.
  func checkWeights() throws
}
