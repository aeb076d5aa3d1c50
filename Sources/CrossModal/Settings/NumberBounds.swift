/// Which numbers a setting may be.
///
/// A count beyond any sense would take all memory or all time before anything is said; a number that is no float32 would
/// be infinite in a network. So every number that a user can set has an upper bound, which stands beside its key.
public struct NumberBounds: Sendable, Equatable {
  /// The smallest number, and whether it is one of those allowed.
  public let lowest: Double
  public let isLowestIncluded: Bool
  /// The largest number, and whether it is one of those allowed.
  public let highest: Double
  public let isHighestIncluded: Bool
  /// What may stand in place of a number, for messages: `null`, `cv`.
  public let alternative: String?

  private init(
    _ lowest: Double, _ isLowestIncluded: Bool, _ highest: Double, _ isHighestIncluded: Bool,
    or alternative: String?
  ) {
    self.lowest = lowest
    self.isLowestIncluded = isLowestIncluded
    self.highest = highest
    self.isHighestIncluded = isHighestIncluded
    self.alternative = alternative
  }

  /// Networks compute with float32.
  private static let largest = Double(Float.greatestFiniteMagnitude)

  /// Whole numbers.
  public static func count(_ range: ClosedRange<Int>, or alternative: String? = nil) -> NumberBounds {
    NumberBounds(Double(range.lowerBound), true, Double(range.upperBound), true, or: alternative)
  }

  /// Counts of pairs, rows, steps or epochs: products of two of these are no overflow.
  public static func count(from lowest: Int, or alternative: String? = nil) -> NumberBounds {
    .count(lowest...1 << 30, or: alternative)
  }

  /// Units of a layer and widths of vectors: beyond this their weights fit into no memory.
  public static let units = NumberBounds.count(1...1 << 20)
  /// Layers of a network.
  public static let layers = NumberBounds.count(1...64)
  /// Every number.
  public static let any = NumberBounds(-largest, true, largest, true, or: nil)
  /// From 0, 1 excluded: decays, momenta and thresholds.
  public static let fraction = NumberBounds(0, true, 1, false, or: nil)
  /// From 0 to 1, both included.
  public static let share = NumberBounds.from(0, to: 1)

  public static func from(
    _ lowest: Double, to highest: Double? = nil, or alternative: String? = nil
  ) -> NumberBounds { NumberBounds(lowest, true, highest ?? largest, true, or: alternative) }

  public static func above(
    _ lowest: Double, to highest: Double? = nil, or alternative: String? = nil
  ) -> NumberBounds { NumberBounds(lowest, false, highest ?? largest, true, or: alternative) }

  /// The same where something else may stand in place of a number.
  public func or(_ alternative: String) -> NumberBounds {
    NumberBounds(lowest, isLowestIncluded, highest, isHighestIncluded, or: alternative)
  }
}

extension NumberBounds {
  /// What was expected in place of a number, as messages say it; nil when the number is one of those allowed.
  func expectation(of number: Double) -> String? {
    let isHighEnough = isLowestIncluded ? number >= lowest : number > lowest
    let isLowEnough = isHighestIncluded ? number <= highest : number < highest
    guard !isHighEnough || !isLowEnough else { return nil }
    let words = number.isNaN ? "a finite number" : isHighEnough ? most : least
    return words + (alternative.map { ", or \($0)" } ?? "")
  }

  private var least: String {
    let number = Self.text(lowest)
    // What lies between two small numbers is said whole.
    if highest <= 1 {
      let end = isHighestIncluded ? "to \(Self.text(highest))" : "to below \(Self.text(highest))"
      return isLowestIncluded ? "from \(number) \(end)" : "above \(number), at most \(Self.text(highest))"
    }
    return isLowestIncluded ? "\(number) or more" : "above \(number)"
  }

  private var most: String {
    if highest <= 1 { return least }
    return isHighestIncluded ? "at most \(Self.text(highest))" : "below \(Self.text(highest))"
  }

  private static func text(_ number: Double) -> String {
    Int(exactly: number).map { abs($0) < 1 << 53 ? "\($0)" : "\(number)" } ?? "\(number)"
  }

  /// As schemas of JSON have it: `minimum` or `exclusive_minimum`, `maximum` or `exclusive_maximum`.
  var json: JSON {
    func number(_ value: Double) -> JSON { Int(exactly: value).map(JSON.int) ?? .double(value) }
    return .object([
      .init(isLowestIncluded ? "minimum" : "exclusive_minimum", number(lowest)),
      .init(isHighestIncluded ? "maximum" : "exclusive_maximum", number(highest)),
    ])
  }
}

extension ConfigurationKey {
  /// Throws, naming the key, for a number out of its bounds, at whatever depth it stands.
  func check(_ value: JSON) throws { try check(value, at: name, bounds) }

  private func check(_ value: JSON, at path: String, _ bounds: NumberBounds?) throws {
    for (place, element) in (value.array ?? []).enumerated() {
      // An element that is no list needs no number of its own: the list is short, and its name says enough.
      try check(element, at: element.members == nil ? path : "\(path).\(place)", bounds)
    }
    for member in value.members ?? [] {
      let own = members.first { $0.key == member.key }?.value
      try check(member.value, at: "\(path).\(member.key)", own)
    }
    guard let bounds, let number = value.numberOrArgument, let expected = bounds.expectation(of: number)
    else { return }
    throw ConfigurationError.badValue(key: path, value: value.string ?? value.text(), expected: expected)
  }

  /// What is allowed of the numbers of this key, as documentation shows it; nil where there are none.
  var boundsJSON: JSON? {
    if let bounds { return bounds.json }
    guard !members.isEmpty else { return nil }
    return .object(members.map { JSON.Member($0.key, $0.value.json) })
  }
}

extension JSON {
  /// A number, also one that stands in brackets behind a name: `hard(3)`.
  fileprivate var numberOrArgument: Double? {
    if let double { return double }
    guard let string else { return nil }
    if let word = Self.notFinite[string] { return word }
    guard let start = string.lastIndex(of: "("), string.hasSuffix(")") else { return nil }
    return Double(string[string.index(after: start)...].prefix { $0 != ")" })
  }

  /// Values of a configuration made in code, where the settings of a file cannot have them.
  static let notFinite = ["nan": Double.nan, "inf": Double.infinity, "-inf": -Double.infinity]
}
