/// One key of a configuration, as help and documentation show it.
public struct ConfigurationKey: Sendable {
  /// Its name in files and on the command line, in snake case.
  public let name: String
  /// What it sets, its unit, its choices.
  public let about: String
  /// Names that official programs have for the same thing.
  public let aliases: [String]
  /// Where its value stands when it is a name for a part of another key's: that key, and a member of its object or a
  /// place in its list.
  public let part: (key: String, member: String)?
  /// Which numbers it may be, or have in a list or in brackets; nil where it has none.
  public let bounds: NumberBounds?
  /// The same of the members of its object.
  public let members: [(key: String, value: NumberBounds)]
  /// Why its default is what it is; nil where nothing is to be said.
  public let reason: String?

  public init(
    _ name: String, _ about: String, aliases: [String] = [], part: (key: String, member: String)? = nil,
    in bounds: NumberBounds? = nil, members: KeyValuePairs<String, NumberBounds> = [:], reason: String? = nil
  ) {
    self.name = name
    self.about = about
    self.aliases = aliases
    self.part = part
    self.bounds = bounds
    self.members = members.map { ($0.key, $0.value) }
    self.reason = reason
  }

  /// The key of messages about where its value stands.
  var path: String { part.map { "\($0.key).\($0.member)" } ?? name }
}
