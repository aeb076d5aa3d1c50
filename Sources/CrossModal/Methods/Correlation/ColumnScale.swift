import Torch

/// What the columns of a view are divided by before a ridge is added: `false`, `true` or `floored` in files.
public enum ColumnScale: Sendable, Equatable, CaseIterable {
  /// Nothing.
  case none
  /// Their standard deviation.
  case deviation
  /// Their standard deviation, or the median of those of all columns where that is larger: columns of large units come
  /// down, and columns that hardly vary, such as the pixels of a margin, are not blown up to the size of the others.
  case floored

  /// What each column is multiplied by, `[p]`: 0 for columns that carry nothing.
  ///
  /// - Parameters:
  ///   - variances: of the columns, `[p]`.
  ///   - constant: columns that carry nothing, bool `[p]`.
  func factors(variances: Tensor, constant: Tensor) throws -> Tensor {
    let useless = try constant.or(variances .<= 0.0)
    let factors =
      switch self {
      case .none: try variances.onesLike()
      case .deviation: try variances.inverseSquareRoot()
      case .floored:
        try variances.clamped(from: ColumnScale.median(of: variances.elements(where: useless.not())))
          .inverseSquareRoot()
      }
    return try factors.masked(with: useless, fill: 0)
  }

  /// The median, 0 of nothing.
  private static func median(of numbers: Tensor) throws -> Double {
    numbers.count == 0 ? 0 : try numbers.quantiles([0.5])[0].item()
  }
}

extension ColumnScale: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let isScaled = try? container.decode(Bool.self) {
      self = isScaled ? .deviation : .none
      return
    }
    guard try container.decode(String.self) == "floored" else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "true, false or floored")
    }
    self = .floored
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .none: try container.encode(false)
    case .deviation: try container.encode(true)
    case .floored: try container.encode("floored")
    }
  }
}
