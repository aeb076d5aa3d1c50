/// Settings of reference cases by type, with an error that names what was expected.
enum ReferenceSettings {
  /// A whole number from 1.
  static func count(_ reference: ReferenceCase, _ key: String) throws -> Int {
    let value = try reference.setting(key)
    guard let number = value.int, number >= 1 else {
      throw ReferenceError.badSetting(key, value.text(), "a whole number from 1")
    }
    return number
  }

  /// A number.
  static func number(_ reference: ReferenceCase, _ key: String) throws -> Double {
    let value = try reference.setting(key)
    guard let number = value.double else { throw ReferenceError.badSetting(key, value.text(), "a number") }
    return number
  }

  /// A list of numbers.
  static func numbers(_ reference: ReferenceCase, _ key: String) throws -> [Double] {
    let value = try reference.setting(key)
    guard let list = value.array else { throw ReferenceError.badSetting(key, value.text(), "a list") }
    return try list.map {
      guard let number = $0.double else { throw ReferenceError.badSetting(key, value.text(), "numbers") }
      return number
    }
  }
}
