extension String {
  /// A weight's name without what wraps a network in checkpoints: `module` of data-parallel training anywhere, and at
  /// the front those of `levels` that are there, in this order.
  func withoutWrapping(_ levels: String...) -> String {
    var parts = split(separator: ".").filter { $0 != "module" }
    for level in levels where parts.first.map(String.init) == level { parts.removeFirst() }
    return parts.joined(separator: ".")
  }
}
