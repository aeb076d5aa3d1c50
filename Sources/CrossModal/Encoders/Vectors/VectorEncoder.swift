import Torch

/// A network that makes one vector of each item.
public protocol VectorEncoder: Module {
  /// Width of the vectors.
  var size: Int { get }
  /// Vectors `[n, size]` of items: `[n, d]`, or pictures `[n, channels, height, width]`.
  func callAsFunction(_ items: Tensor) throws -> Tensor
  /// Draws the parameters anew.
  func reset(using generator: Generator) throws
}

/// The networks that metric learning can put on a modality.
public enum EncoderKind: String, Sendable, Codable, CaseIterable {
  /// `mlp` on vectors, `conv` on pictures.
  case auto
  /// One linear map.
  case linear
  /// A hidden layer of rectified units.
  case mlp
  /// Three convolutions, each followed by a maximum over 2 by 2, then a linear map.
  case conv
  /// The two convolutions with tanh of Hadsell, Chopra and LeCun (2006).
  case drlimConv = "drlim-conv"

  /// The network for a modality.
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
    case (.conv, _), (.drlimConv, _):
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
