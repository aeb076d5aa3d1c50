import Torch

/// The networks that metric learning can put on a modality.
public enum EncoderKind: String, Sendable, Codable, CaseIterable {
  /// `mlp` on vectors, `conv` on pictures, `gru` on texts.
  case auto
  /// One linear map.
  case linear
  /// A hidden layer of rectified units.
  case mlp
  /// Three convolutions, each followed by a maximum over 2 by 2, then a linear map.
  case conv
  /// The two convolutions with tanh of Hadsell, Chopra and LeCun (2006).
  case drlimConv = "drlim-conv"
  /// ResNet of 18, 50 or 152 layers, then a linear map.
  case resnet18, resnet50, resnet152
  /// VGG of 19 layers, then a linear map.
  case vgg19
  /// Word vectors and a gated recurrent unit over them, then a linear map.
  case gru

  /// The large network that it is, if it is one.
  var cnn: CNNEncoder.Kind? { CNNEncoder.Kind(rawValue: rawValue) }

  /// The network for vectors or pictures of one size.
  ///
  /// - Parameters:
  ///   - modality: what it takes.
  ///   - size: width of the vectors it gives.
  ///   - hidden: units of the hidden layer of `mlp`, channels of the last convolution of `conv`.
  /// - Throws: ``ConfigurationError`` for a network that does not fit the modality.
  public func encoder(
    for modality: DataDescription.Modality, size: Int, hidden: Int, using generator: Generator
  ) throws -> any VectorEncoder {
    let shape = modality.shape ?? modality.size.map { [$0] }
    guard let shape, shape.count == (modality.kind == .images ? 3 : 1) else {
      throw ConfigurationError.badValue(
        key: "encoder", value: "for \(modality.name)",
        expected: "possible: its items differ in size (choose a featuriser: features.\(modality.name))")
    }
    let width = shape.reduce(1, *)
    switch (self, modality.kind) {
    case (.auto, .images), (.conv, .images):
      return try PictureEncoder(
        channels: shape[2], height: shape[0], width: shape[1], hidden: hidden, to: size, using: generator)
    case (.drlimConv, .images):
      return try DrLIMEncoder(
        channels: shape[2], height: shape[0], width: shape[1], to: size, using: generator)
    case (.resnet18, .images), (.resnet50, .images), (.resnet152, .images), (.vgg19, .images):
      throw ConfigurationError.badValue(
        key: "encoder", value: rawValue, expected: "a network of vectors or small pictures")
    case (.conv, _), (.drlimConv, _), (.resnet18, _), (.resnet50, _), (.resnet152, _), (.vgg19, _),
      (.gru, _):
      throw ConfigurationError.badValue(
        key: "encoder", value: rawValue,
        expected: "one for \(modality.name), which is of kind \(modality.kind.rawValue): use linear or mlp")
    case (.linear, _): return try LinearEncoder(from: width, to: size, using: generator)
    case (.mlp, _), (.auto, _):
      return try PerceptronEncoder(from: width, hidden: hidden, to: size, using: generator)
    }
  }

  /// Whether it takes pictures as they are rather than as one row of numbers.
  func keepsPictures(_ kind: ModalityKind) -> Bool {
    kind == .images && (self == .auto || self == .conv || self == .drlimConv)
  }
}
