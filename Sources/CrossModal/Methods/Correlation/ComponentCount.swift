/// How many components a user wants: a number, `all` or `cv` in files.
public enum ComponentCount: Codable, Sendable, Equatable {
  /// As many as the views have directions, up to a bound of the method that keeps projections small.
  case all
  /// As held-out folds of the training part decide.
  case crossValidated
  case fixed(Int)

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    switch try? container.decode(String.self) {
    case "all": self = .all
    case "cv", "auto": self = .crossValidated
    default: self = .fixed(try container.decode(Int.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .crossValidated: try container.encode("cv")
    case .fixed(let value): try container.encode(value)
    }
  }
}

extension ComponentCount? {
  /// What a solver is asked for; nothing means 10 or as many as there are, and what is still to be chosen all.
  ///
  /// - Parameters:
  ///   - most: that `all` keeps.
  ///   - clip: keep fewer than were asked for where the views have fewer.
  func request(most: Int, clip: Bool) -> ComponentRequest {
    switch self {
    case nil: .upTo(10)
    case .all: .upTo(most)
    case .crossValidated: .upTo(.max)
    case .fixed(let k): clip ? .upTo(k) : .exactly(k)
    }
  }
}
