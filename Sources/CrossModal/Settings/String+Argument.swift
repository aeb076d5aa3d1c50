extension StringProtocol {
  /// What stands in brackets behind a name, as in settings: `hard(3)` has `3` behind `hard`; nil where there is none.
  func argument(of name: String) -> String? {
    hasPrefix(name + "(") && hasSuffix(")") ? String(dropFirst(name.count + 1).dropLast()) : nil
  }
}
