import Torch

/// A file that a setting names and that training begins with.
///
/// A method reads no file: it names its assets (``Trainable/assets``), the run reads them, and gives back what they
/// hold (``Trainable/begin(with:)``).
public struct Asset: Sendable, Equatable {
  public enum Kind: Sendable {
    /// Weights of the method or of a part of it, in safetensors. A run that is continued has its own.
    case weights
    /// A file or folder of published weights, of which networks take their part. A run that is continued has its own.
    case published
    /// Vectors of words, for the words of each modality's vocabulary. A run that is continued has its own.
    case wordVectors
    /// Pairs of items that alone count; they become ``TrainingSet/givenPairs``, also of a run that is continued.
    case pairs
  }

  public let kind: Kind
  /// The setting that names the file, such as `bert.weights`.
  public let key: String
  public let file: String

  public init(_ kind: Kind, key: String, file: String) {
    self.kind = kind
    self.key = key
    self.file = file
  }
}

/// What the files of a method's assets hold, by the keys of the settings that name them.
public struct AssetContents: Sendable {
  /// Names and tensors of files of weights.
  public var weights: [String: [(name: String, tensor: Tensor)]]
  /// Published models by the file or folder that is named.
  public var published: [String: PublishedTensors] = [:]
  /// Vectors of the words of each modality; nil for one whose items are no words.
  public var wordVectors: [String: [WordVectors?]]

  public init(
    weights: [String: [(name: String, tensor: Tensor)]] = [:], wordVectors: [String: [WordVectors?]] = [:]
  ) {
    self.weights = weights
    self.wordVectors = wordVectors
  }
}
