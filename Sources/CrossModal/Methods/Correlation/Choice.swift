/// A setting that is given, or chosen by cross-validation on the training part: `7` or `cv` in files.
public enum Choice<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
  case crossValidated
  case fixed(Value)

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let word = try? container.decode(String.self), word == "cv" || word == "auto" {
      self = .crossValidated
    } else {
      self = .fixed(try container.decode(Value.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .crossValidated: try container.encode("cv")
    case .fixed(let value): try container.encode(value)
    }
  }

  /// The value that was given; nil when it is to be chosen.
  public var value: Value? { if case .fixed(let value) = self { value } else { nil } }
}
