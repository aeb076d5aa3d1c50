/// Where an item stands among others of exactly the same score.
public enum TieRule: String, Sendable, Codable, CaseIterable {
  /// After them: a constant model is the worst of all.
  case pessimistic
  /// Before them.
  case optimistic
  /// In the order of the gallery.
  case index
  /// In their middle; ranks may end in one half.
  case mean

  /// - Throws: ``EvaluationError`` with the known names.
  public init(named name: String) throws {
    guard let rule = TieRule(rawValue: name) else {
      throw EvaluationError.unknownName("tie rule", name, known: TieRule.allCases.map(\.rawValue))
    }
    self = rule
  }
}
