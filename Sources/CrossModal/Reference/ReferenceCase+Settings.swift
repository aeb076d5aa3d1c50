/// Settings by type, with an error that names what was expected.
extension ReferenceCase {
  /// A number, or `fallback` where the case leaves the key out or null.
  func number(_ key: String, or fallback: Double? = nil) throws -> Double {
    if let fallback, config[key]?.isNull ?? true { return fallback }
    let value = try setting(key)
    guard let number = value.double else { throw ReferenceError.badSetting(key, value.text(), "a number") }
    return number
  }

  /// A list of numbers.
  func numbers(_ key: String) throws -> [Double] {
    let value = try setting(key)
    let numbers = value.array?.compactMap(\.double)
    guard let numbers, numbers.count == value.array?.count else {
      throw ReferenceError.badSetting(key, value.text(), "a list of numbers")
    }
    return numbers
  }

  /// A list of counts, from 0.
  func counts(_ key: String) throws -> [Int] {
    let value = try setting(key)
    let counts = value.array?.compactMap(\.int)
    guard let counts, counts.count == value.array?.count, counts.allSatisfy(Self.counts.contains) else {
      throw ReferenceError.badSetting(key, value.text(), "a list of whole numbers from 0")
    }
    return counts
  }

  /// A whole number, from 0 if nothing else is said.
  func whole(_ key: String, from least: Int = 0) throws -> Int {
    let value = try setting(key)
    guard let number = value.int, number >= least, number <= Self.counts.upperBound else {
      throw ReferenceError.badSetting(key, value.text(), "a whole number from \(least)")
    }
    return number
  }

  /// A whole number from 1, at most `limit` where there is one.
  func count(_ key: String, atMost limit: Int? = nil) throws -> Int {
    let value = try setting(key)
    guard let number = value.int, number >= 1, number <= limit ?? Self.counts.upperBound else {
      let end = limit.map { " to \($0)" } ?? ""
      throw ReferenceError.badSetting(key, value.text(), "a whole number from 1\(end)")
    }
    return number
  }

  /// What a case may count: products of a few of these are no overflow.
  private static let counts = 0...(1 << 20)

  /// True or false, or `fallback` where the case leaves the key out.
  func flag(_ key: String, or fallback: Bool) throws -> Bool {
    guard let value = config[key] else { return fallback }
    guard let flag = value.bool else { throw ReferenceError.badSetting(key, value.text(), "true or false") }
    return flag
  }

  /// One of a closed choice, or `fallback` where there is one and the case leaves the key out.
  func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, or fallback: Choice? = nil) throws
    -> Choice
  where Choice.RawValue == String {
    if let fallback, config[key] == nil { return fallback }
    let value = try setting(key)
    guard let choice = value.string.flatMap(Choice.init) else {
      throw ReferenceError.badSetting(
        key, value.text(), Choice.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return choice
  }
}
