/// What a fit found, for people: facts in order, and warnings.
public struct FitReport: Sendable, Equatable {
  /// Named facts, such as ranks, the number of components and correlations.
  public var facts: JSON
  /// What the user should know, one sentence each.
  public var warnings: [String]

  public init(facts: JSON = .object([]), warnings: [String] = []) {
    self.facts = facts
    self.warnings = warnings
  }
}

/// A method that tells what its last fit found.
public protocol FitReporting: Method {
  /// Nil before fitting and in a loaded model.
  var fitReport: FitReport? { get }
}
