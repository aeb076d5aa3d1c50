/// What divides a picture into cells that a method attends to.
public enum GridKind: Sendable, Equatable {
  /// Squares of pixels of that side, each as its pixels.
  case patches(Int)
  /// The last maps of the small network ``PictureEncoder``.
  case conv
  /// The last maps of ResNet or VGG.
  case cnn(CNNEncoder.Kind)

  /// All of them in words.
  static let choices =
    "patches(side in pixels), conv, " + CNNEncoder.Kind.allCases.map(\.rawValue).joined(separator: ", ")
}

extension GridKind: Codable {
  /// A name as settings write it: `conv`, `patches(8)`, `resnet18`.
  public init?(_ text: String) {
    if text == "conv" {
      self = .conv
    } else if let kind = CNNEncoder.Kind(rawValue: text) {
      self = .cnn(kind)
    } else if text.hasPrefix("patches("), text.hasSuffix(")"),
      let side = Int(text.dropFirst("patches(".count).dropLast()), (1...2048).contains(side)
    {
      self = .patches(side)
    } else {
      return nil
    }
  }

  /// As settings write it.
  public var text: String {
    switch self {
    case .patches(let side): "patches(\(side))"
    case .conv: "conv"
    case .cnn(let kind): kind.rawValue
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let kind = GridKind(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "what makes cells of pictures: \(Self.choices)")
    }
    self = kind
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
