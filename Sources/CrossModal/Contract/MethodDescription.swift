/// What the lists, the command and the documentation say of a method.
public struct MethodDescription: Sendable {
  /// How a method relates two modalities.
  public enum Family: String, Sendable, CaseIterable {
    case correlation
    case metric
    case attention
    case parameterFree = "parameter-free"
  }

  /// What a method is for.
  public enum Task: String, Sendable, CaseIterable {
    case retrieval
    case answering
    case captioning
    case grounding
    case representation
  }

  /// The name of the command line, such as `triplet-center`.
  public let name: String
  public let family: Family
  public let task: Task
  /// One sentence: what it does.
  public let summary: String
  /// Authors, title, place, year.
  public let citation: String
  /// Kinds of items each side accepts; the modalities of the data must be among them.
  public let accepts: [ModalityKind]
  /// How many modalities it relates.
  public let modalities: ClosedRange<Int>

  public init(
    name: String, family: Family, task: Task, summary: String, citation: String, accepts: [ModalityKind],
    modalities: ClosedRange<Int> = 2...2
  ) {
    self.name = name
    self.family = family
    self.task = task
    self.summary = summary
    self.citation = citation
    self.accepts = accepts
    self.modalities = modalities
  }
}

extension Method {
  /// Name, family, task, summary, citation, and every setting with its default.
  public static func json() throws -> JSON {
    var settings = try Configuration().documentation()
    if let trainable = Self.self as? any Trainable.Type {
      let own = Set(settings.map(\.key))
      settings += try trainable.documentedTraining().documentation().filter { !own.contains($0.key) }
    }
    var json: JSON = [
      "name": .string(description.name), "family": .string(description.family.rawValue),
      "task": .string(description.task.rawValue), "summary": .string(description.summary),
      "citation": .string(description.citation), "configuration": .object(settings),
    ]
    if !recipes.isEmpty {
      json["recipes"] = .array(
        recipes.map { ["name": .string($0.name), "summary": .string($0.summary), "settings": $0.settings] })
    }
    return json
  }
}

extension MethodConfiguration {
  /// Every key with its value as the default, what it sets, the bounds of its numbers, and its other names.
  func documentation() throws -> [JSON.Member] {
    let defaults = try tree()
    return Self.keys.map { key in
      let text = key.about + (key.part.map { "; part of \($0.key)" } ?? "")
      var about: JSON = ["default": defaults[key.name] ?? .null, "about": .string(text)]
      let named = key.part.flatMap { part in
        Self.keys.first { $0.name == part.key }?.members.first { $0.key == part.member }?.value.json
      }
      if let bounds = key.boundsJSON ?? named { about["bounds"] = bounds }
      if let reason = key.reason { about["reason"] = .string(reason) }
      if !key.aliases.isEmpty { about["aliases"] = .array(key.aliases.map(JSON.string)) }
      return JSON.Member(key.name, about)
    }
  }
}

extension Trainable {
  /// The settings of training that the documentation shows.
  fileprivate static func documentedTraining() -> TrainingConfiguration {
    trainingDefaults(Configuration(), pairs: 0)
  }
}

extension Method {
  /// Every key that a user may set: the method's, then those of training that it does not define itself.
  public static var allKeys: [ConfigurationKey] {
    guard Self.self is any Trainable.Type else { return Configuration.keys }
    let own = Set(Configuration.keys.flatMap { [$0.name] + $0.aliases })
    return Configuration.keys + TrainingConfiguration.keys.filter { !own.contains($0.name) }
  }
}
