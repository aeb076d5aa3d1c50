/// What a user set of a method's targets: `targets: { answers: { count: 500 } }`.
struct TargetSettings {
  /// The other settings; all of them where the method has no targets.
  let others: JSON
  private let targets: [Target]
  /// Every setting that has a value, by the name of the target.
  private let settings: [String: [JSON.Member]]

  /// - Throws: ``ConfigurationError`` for a target or key that nobody knows, and for values.
  init(of method: any Method.Type, _ all: JSON) throws {
    targets = method.targets
    guard !targets.isEmpty else {
      (others, settings) = (all, [:])
      return
    }
    var others = all
    others["targets"] = nil
    self.others = others
    let names = targets.map(\.name)
    let given = all["targets"] ?? .null
    guard let members = given.isNull ? [] : given.members else {
      throw ConfigurationError.badValue(
        key: "targets", value: given.text(), expected: "settings of \(names.joined(separator: ", "))")
    }
    for member in members where !names.contains(member.key) {
      throw ConfigurationError.unknown(member.key, known: names, under: "targets")
    }
    settings = try targets.reduce(into: [:]) { settings, target in
      settings[target.name] = try target.encoder.checked(
        given[target.name] ?? .null, under: "targets.\(target.name)")
    }
  }

  /// The targets, fitted to the part that is learned from.
  ///
  /// - Throws: ``TargetError`` when there is nothing to fit them to; what reading throws.
  func fitted(to split: Split, _ note: (String) -> Void) throws -> [FittedTarget] {
    try targets.map { target in
      let source = try TargetSource(target, of: split)
      let encoder = try target.encoder.fit(source, .object(settings[target.name] ?? []))
      let fitted = FittedTarget(target, encoder)
      note("\(target.name): \(fitted.output.count) numbers")
      return fitted
    }
  }

  /// What `config.yaml` says of them.
  func record(of fitted: [FittedTarget]) -> JSON {
    .object(
      fitted.map {
        JSON.Member(
          $0.target.name, TargetFiles.record($0, settings: settings[$0.target.name] ?? []))
      })
  }
}
