import Foundation

/// What is wrong with data a user gave: each case says it in one sentence that names the file and the place.
public enum DataError: Error, Equatable, Sendable {
  /// There is no such file or folder.
  case missing(file: String)
  /// The system does not let us read it.
  case unreadable(file: String, reason: String)
  /// The contents are not what the format says; `place` is a line, row, byte or member.
  case malformed(file: String, place: String? = nil, reason: String)
  /// A kind of file or of contents that no reader takes.
  case unsupported(file: String, reason: String)
  /// A key that does not exist, with the nearest that does.
  case unknownKey(file: String, key: String, nearest: [String], known: [String])
  /// A key with a value of the wrong kind, or a key that is needed and not there.
  case badKey(file: String, key: String, reason: String)
  /// A container does not hold the variable.
  case unknownVariable(file: String, name: String?, known: [String])
  /// An array of another shape than the key it stands under needs.
  case wrongShape(file: String, shape: [Int], expected: String)
  /// Two counts that must be equal are not.
  case unequalCounts(file: String, count: Int, other: String, expected: Int)
  /// NaN, infinity or a number too large to compute with.
  case notFinite(file: String, row: Int, column: String, value: Double)
  /// An array all of whose numbers are too small to compute with, of which `largest` is the largest in size.
  case tooSmall(file: String, largest: Double)
  /// A row number that does not exist.
  case rowOutOfRange(file: String, place: String, row: Int, count: Int)
  /// Larger than ``Limits`` allow.
  case tooLarge(file: String, what: String, size: Int, limit: Int)
  /// Something that a warning says, where strict reading was asked for.
  case refused(file: String, warning: String)
  /// The data set has no such split.
  case unknownSplit(name: String, known: [String], file: String)
}

extension DataError {
  /// Where a line of a text file is, as editors count: from 1.
  ///
  /// - Parameter index: of the line, from 0.
  static func line(_ index: Int) -> String { "line \(index + 1)" }
}

extension DataError: LocalizedError, CustomStringConvertible {
  public var errorDescription: String? { description }

  /// One line: what a damaged file holds may be anything.
  public var description: String {
    String(
      String.UnicodeScalarView(
        sentence.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }

  private var sentence: String {
    switch self {
    case .missing(let file):
      let advice = file.contains("\u{FFFD}") ? "; its name may be no UTF-8: rename it" : ""
      return "\(file): there is no such file or folder\(advice)"
    case .unreadable(let file, let reason): return "\(file): cannot be read: \(reason)"
    case .malformed(let file, let place, let reason):
      return "\(file): \(place.map { $0 + ": " } ?? "")\(reason)"
    case .unsupported(let file, let reason): return "\(file): \(reason)"
    case .unknownKey(let file, let key, let nearest, let known):
      let hint = nearest.isEmpty ? "." : meant(nearest)
      return "\(file): unknown key '\(key)'\(hint) Known keys: \(known.joined(separator: ", "))"
    case .badKey(let file, let key, let reason): return "\(file): '\(key)' \(reason)"
    case .unknownVariable(let file, let name, let known):
      let shown = known.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
      let rest = known.count > 12 ? " and \(known.count - 12) more" : ""
      let held = known.isEmpty ? "no arrays" : shown + rest
      guard let name else { return "\(file): name the array as \(file):NAME; it holds \(held)" }
      let meant = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
      return "\(file): holds no array '\(name)', only \(held)\(meant)"
    case .wrongShape(let file, let shape, let expected):
      return "\(file): has shape \(shape), expected \(expected)"
    case .unequalCounts(let file, let count, let other, let expected):
      return "\(file): has \(count) rows, but \(other) \(expected)"
    case .notFinite(let file, let row, let column, let value):
      guard !value.isFinite else {
        return
          "\(file): row \(row), column \(column) is \(String(format: "%g", value)), too large to compute with; make the numbers smaller "
          + "than \(Limits.largestNumber), as scale does in dataset.yaml"
      }
      let name = value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
      return "\(file): row \(row), column \(column) is \(name); every number must be finite"
    case .tooSmall(let file, let largest):
      return
        "\(file): its numbers are at most \(String(format: "%g", largest)), too small to compute with; make them larger, as scale "
        + "does in dataset.yaml"
    case .rowOutOfRange(let file, let place, let row, let count):
      return "\(file): \(place) names row \(row), but rows are 0 to \(count - 1)"
    case .tooLarge(let file, let what, let size, let limit):
      return "\(file): \(what) is \(size), more than the limit of \(limit)"
    case .refused(let file, let warning): return "\(file): \(warning)"
    case .unknownSplit(let name, let known, let file):
      let meant = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
      let held = known.map { "'\($0)'" }.joined(separator: ", ")
      return "\(file): has no split '\(name)', only \(held)\(meant)"
    }
  }
}

extension DataError: UserMistake {
  public var isUserMistake: Bool {
    switch self {
    case .unknownSplit: true
    default: false
    }
  }
}
