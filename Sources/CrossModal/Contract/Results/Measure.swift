/// A number that says how good a model is.
public struct Measure: Sendable, Equatable {
  /// What the number counts, which decides how it is written.
  public enum Unit: String, Sendable, Codable {
    /// 0 to 100.
    case percent
    /// 0 to 1, or a number of that size.
    case fraction
    /// A place from 1, perhaps a mean of places.
    case rank
    /// A place from 1, whole as the field counts a median.
    case wholeRank = "whole_rank"
    /// A loss, or another number of any size.
    case number

    /// Decimals that a reader wants.
    public var decimals: Int {
      switch self {
      case .percent, .rank: 1
      case .wholeRank: 0
      case .fraction, .number: 3
      }
    }
  }

  /// Such as `image_to_text.R@1` or `loss`.
  public let name: String
  public let value: Double
  public let unit: Unit
  /// Whether more is better.
  public let increases: Bool

  /// - Parameter increases: nil for what the unit says: less is better of ranks, more of everything else.
  public init(_ name: String, _ value: Double, _ unit: Unit = .fraction, increases: Bool? = nil) {
    self.name = name
    self.value = value
    self.unit = unit
    self.increases = increases ?? (unit != .rank && unit != .wholeRank)
  }

  /// The same under another name.
  public func named(_ name: String) -> Measure { Measure(name, value, unit, increases: increases) }

  /// The number for a file: a whole rank without a fraction; null where it is not finite.
  public var json: JSON {
    if unit == .wholeRank, let whole = Int(exactly: value) { return .int(whole) }
    return value.isFinite ? .double(value) : .null
  }
}
