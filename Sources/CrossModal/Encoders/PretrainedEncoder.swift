import Torch

/// A network with a part whose weights may come from a file, trained elsewhere.
public protocol PretrainedEncoder: ItemEncoder {
  /// What its names in weights files begin with: `bert` or `cnn`.
  var pretrainedPart: String { get }
  /// The safetensors file that the settings name; nil for none.
  var weightsFile: String? { get }
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

/// A method whose networks may start from files; whoever makes the method for training reads them.
protocol PretrainedParts: Module {
  var pretrainedEncoders: [any PretrainedEncoder] { get }
  /// Reads the files that the settings name.
  ///
  /// - Throws: what is wrong with a file, naming it.
  func loadPretrainedWeights() throws
}

extension PretrainedParts {
  /// Reads the files of the networks.
  func loadEncoderWeights() throws {
    for encoder in pretrainedEncoders {
      guard let file = encoder.weightsFile else { continue }
      try encoder.loadWeights(SafeTensors.read(file).tensors, from: file)
    }
  }
}
