/// An error that may lie in what was asked, not in the data or the machine: a setting, a name, an option.
public protocol UserMistake: Error {
  /// Whether it does; always, unless the error says otherwise.
  var isUserMistake: Bool { get }
}

extension UserMistake {
  public var isUserMistake: Bool { true }
}
