/// A number that says how good a model is.
public struct Measure: Sendable, Equatable {
  /// Such as `image_to_text.R@1` or `loss`.
  public let name: String
  public let value: Double
  /// Whether more is better.
  public let increases: Bool

  public init(_ name: String, _ value: Double, increases: Bool = true) {
    self.name = name
    self.value = value
    self.increases = increases
  }
}
