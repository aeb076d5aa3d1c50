/// What a fit found, for people and for other programs: sections in order, and warnings.
public struct FitReport: Sendable, Equatable {
  public private(set) var sections: [any FitSection]
  /// What the user should know, one sentence each.
  public var warnings: [String]

  /// - Parameter facts: an object of named facts to begin with.
  public init(facts: JSON = .object([]), warnings: [String] = []) {
    sections = (facts.members ?? []).map { FitFact($0.key, $0.value) }
    self.warnings = warnings
  }

  /// What all sections say, by name.
  public var facts: JSON { .object(sections.flatMap(\.facts)) }

  public mutating func add(_ section: any FitSection) { sections.append(section) }

  /// Adds a fact.
  public mutating func add(_ name: String, _ value: JSON) { sections.append(FitFact(name, value)) }

  /// The sections of a kind.
  public func sections<Section: FitSection>(_ kind: Section.Type) -> [Section] {
    sections.compactMap { $0 as? Section }
  }

  public static func == (a: FitReport, b: FitReport) -> Bool {
    a.facts == b.facts && a.warnings == b.warnings
  }
}

/// A part of what a fit found, which a report draws by its type.
public protocol FitSection: Sendable {
  /// The same by name, for other programs.
  var facts: [JSON.Member] { get }
}

/// One named fact, such as ranks, the number of components or correlations.
public struct FitFact: FitSection {
  public let name: String
  public let value: JSON

  public init(_ name: String, _ value: JSON) {
    self.name = name
    self.value = value
  }

  public var facts: [JSON.Member] { [JSON.Member(name, value)] }
}

/// Settings that held-out folds of the training part decided.
public struct FitSelection: FitSection {
  /// Settings that were tried, and how they did.
  public struct Candidate: Sendable {
    /// The setting beside the number of components, such as a ridge; nil where there is none.
    public let setting: (name: String, value: Double)?
    /// What tells it from others of the same setting, such as a score.
    public let variant: String?
    public let components: Int
    public let value: Double
    /// All that is known of it, for other programs.
    public let json: JSON
  }

  /// What ``Candidate/value`` is, as an axis says it.
  public let measure: String
  public let tried: [Candidate]
  public let best: Candidate
  /// The plainest within one standard error of the best; nil where that was not asked.
  public let plainest: Candidate?

  public var facts: [JSON.Member] {
    var json: JSON = ["best": best.json]
    if let plainest { json["one_standard_error"] = plainest.json }
    json["tried"] = .array(tried.map(\.json))
    return [JSON.Member("selection", json)]
  }
}

/// Settings that the data decided, each with the reason in a few words.
public struct ChosenSettings: FitSection {
  public let reasons: [(key: String, reason: String)]

  public init(_ reasons: [(key: String, reason: String)]) { self.reasons = reasons }

  public var facts: [JSON.Member] {
    [JSON.Member("chosen", .object(reasons.map { JSON.Member($0.key, .string($0.reason)) }))]
  }
}

/// A method that tells what its last fit found.
public protocol FitReporting: Method {
  /// Nil before fitting and in a loaded model.
  var fitReport: FitReport? { get }
}
