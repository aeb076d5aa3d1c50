/// A method with its settings, decoded and checked before it sees data.
struct MethodPlan {
  let type: any Method.Type
  /// Settings of training; nil for closed forms.
  let training: TrainingConfiguration?
  let targets: TargetSettings
  /// The method's settings.
  var configuration: any MethodConfiguration
  private let made: (any MethodConfiguration, DataDescription) throws -> any Method

  init<M: Method>(
    _ type: M.Type, _ configuration: M.Configuration, training: TrainingConfiguration?,
    targets: TargetSettings
  ) {
    self.type = type
    self.training = training
    self.targets = targets
    self.configuration = configuration
    made = { try M($0 as? M.Configuration ?? configuration, for: $1) }
  }

  /// The method for data.
  func make(_ data: DataDescription) throws -> any Method { try made(configuration, data) }
}

extension Method {
  /// The plan of what a user wrote: keys of the method, of training and of targets in one tree.
  ///
  /// - Parameter pairs: number of training pairs.
  /// - Throws: ``ConfigurationError`` for a key or value that cannot be used.
  static func plan(_ settings: JSON, pairs: Int) throws -> MethodPlan {
    do { return try checkedPlan(settings, pairs: pairs) } catch ConfigurationError.unknownKey(
      let key, _, _, nil) where !key.contains(".")
    {
      throw unknown(key)
    }
  }

  /// A key that is none of the method's, nor of training, nor of every run.
  private static func unknown(_ key: String) -> ConfigurationError {
    .unknown(key, known: allKeys.map(\.name) + RunSettings.names, method: description.name)
  }

  private static func checkedPlan(_ settings: JSON, pairs: Int) throws -> MethodPlan {
    let targets = try TargetSettings(of: Self.self, settings)
    let (own, shared) = try apart(targets.others)
    let configuration = try Configuration(overrides: own)
    let training = try (Self.self as? any Trainable.Type)?.training(of: configuration, pairs, shared)
    return MethodPlan(Self.self, configuration, training: training, targets: targets)
  }

  /// The plan of typed settings, which are checked.
  ///
  /// - Parameter change: of the settings of training, which begin as the method's defaults.
  static func plan(
    _ configuration: Configuration, pairs: Int, _ change: (inout TrainingConfiguration) throws -> Void
  ) throws -> MethodPlan {
    try configuration.validate()
    let training = try (Self.self as? any Trainable.Type).map { type in
      var training = type.defaults(of: configuration, pairs)
      try change(&training)
      try training.validate()
      return training
    }
    return MethodPlan(
      Self.self, configuration, training: training,
      targets: try TargetSettings(of: Self.self, .object([])))
  }

  /// Settings taken apart: those of the method, and those of training.
  static func apart(_ all: JSON) throws -> (own: JSON, training: JSON) {
    guard Self.self is any Trainable.Type else { return (all, .object([])) }
    let names = Set(Configuration.keys.flatMap { [$0.name] + $0.aliases })
    let members = all.members ?? []
    let shared = members.filter { !names.contains($0.key) && TrainingConfiguration.knows($0.key) }
    let rest = members.filter { member in !shared.contains { $0.key == member.key } }
    if let unknown = rest.first(where: { !names.contains($0.key) }) {
      throw self.unknown(unknown.key)
    }
    return (.object(rest), .object(shared))
  }
}

extension Trainable {
  /// Where the user says nothing; for use where a method is not known to be trained by gradient.
  fileprivate static func defaults(
    of configuration: any MethodConfiguration, _ pairs: Int
  ) -> TrainingConfiguration {
    (configuration as? Configuration).map { trainingDefaults($0, pairs: pairs) } ?? TrainingConfiguration()
  }

  fileprivate static func training(
    of configuration: any MethodConfiguration, _ pairs: Int, _ overrides: JSON
  ) throws -> TrainingConfiguration {
    var defaults = defaults(of: configuration, pairs)
    // Rates and batches that suit L-BFGS suit no other optimizer, and the other way round: a user who names one gets
    // what the method sets for it, which is that of few or of many pairs.
    let quasiNewton = TrainingConfiguration.OptimizerKind.lbfgs
    if let wanted = (overrides["optimizer"] ?? overrides["optim"])?.string,
      (wanted == quasiNewton.rawValue) != (defaults.optimizer == quasiNewton)
    {
      defaults = self.defaults(of: configuration, wanted == quasiNewton.rawValue ? 1 : .max)
    }
    return try defaults.overridden(by: overrides)
  }
}
