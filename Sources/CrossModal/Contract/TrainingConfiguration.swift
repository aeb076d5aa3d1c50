import Torch

/// The settings that every method trained by gradient shares.
public struct TrainingConfiguration: MethodConfiguration {
  public enum OptimizerKind: String, Codable, Sendable, CaseIterable {
    case adam
    case adamw
    case sgd
    case rmsprop
    /// Limited-memory BFGS with a line search: for batches of all pairs.
    case lbfgs
  }

  public enum Precision: String, Codable, Sendable, CaseIterable {
    case float32
    /// Matrix products in bfloat16, parameters in float32.
    case bfloat16
    case float64
  }

  /// What adam's averages are divided by.
  public enum BiasCorrection: String, Codable, Sendable, CaseIterable {
    /// 1 less a power of the decay, as in the paper.
    case standard
    /// 1 less a power of what the decay is short of 1, as in the authors' program of Show, Attend and Tell: next to none
    /// after a few steps.
    case complement
  }

  /// Walks over the training pairs.
  public var epochs = 30
  /// Ends after this many steps even within an epoch.
  public var steps: Int?
  /// Pairs in a batch, over all processes; nil for all pairs.
  public var batchSize: Int? = 128
  /// Batches whose gradients make one step.
  public var accumulate = 1
  public var learningRate = 1e-3
  public var optimizer = OptimizerKind.adam
  /// Of sgd and rmsprop.
  public var momentum = 0.0
  public var nesterov = false
  /// Of adam and adamw.
  public var betas = [0.9, 0.999]
  /// Decay of rmsprop's average.
  public var smoothing = 0.99
  /// Whether rmsprop divides by the deviation of gradients, with epsilon inside the root (Graves, 2013).
  public var centered = false
  /// How adam makes up for averages that begin at 0.
  public var biasCorrection = BiasCorrection.standard
  /// Added to the root of the average of squares; nil for 1e-8.
  public var epsilon: Double?
  /// Steps that lbfgs remembers.
  public var history = 15
  public var weightDecay = 0.0
  public var schedule = Schedule()
  /// Longest gradient.
  public var gradientClip: Double?
  /// Whether that is the longest gradient of each parameter tensor by itself, weight decay included.
  public var clipEach = false
  /// The largest element of a gradient, before it is shortened.
  public var clipElements: Double?
  /// Evaluations without improvement before training ends.
  public var patience: Int?
  /// What a measure must gain on the best so far for ``patience`` to begin anew.
  public var minimumGain = 0.0
  /// Measure by which the best weights are kept; nil for the method's first.
  public var selectBy: String?
  /// Epochs between evaluations; 0 for none.
  public var evaluateEvery = 1
  /// Steps between further evaluations, within epochs.
  public var valEvery: Int?
  /// Split to evaluate on; nil for one called val, dev or validation, where there is one.
  public var validation: String?
  /// Share of the training pairs that are held back to evaluate on where there is no split for it; 0 for none.
  public var holdBack = 0.0
  /// Decay of a moving average of the weights that is evaluated and kept in their place.
  public var ema: Double?
  public var precision = Precision.float32
  /// Steps between checkpoints, beside those at the end of an epoch.
  public var checkpointEvery: Int?

  public init() {}

  /// Type of floating-point inputs.
  public var dtype: DataType { precision == .float64 ? .float64 : .float32 }

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey(
      "epochs", "walks over the training pairs", aliases: ["num_epochs", "n_epochs", "max_epochs"],
      in: .count(from: 0)),
    ConfigurationKey(
      "steps", "ends after this many steps, also within an epoch", aliases: ["max_steps", "num_steps"],
      in: .count(from: 1, or: "null")),
    ConfigurationKey(
      "batch_size", "pairs in a batch, over all processes; null for all pairs", aliases: ["batch", "bs"],
      in: .count(from: 1, or: "null")),
    ConfigurationKey(
      "accumulate", "batches whose gradients make one step", aliases: ["gradient_accumulation_steps"],
      in: .count(from: 1)),
    ConfigurationKey("learning_rate", "length of a step", aliases: ["lr", "learningrate"], in: .from(0)),
    ConfigurationKey("optimizer", "adam, adamw, sgd, rmsprop or lbfgs", aliases: ["optim"]),
    ConfigurationKey("momentum", "of sgd and rmsprop", in: .fraction),
    ConfigurationKey("nesterov", "look ahead along the momentum (sgd)"),
    ConfigurationKey(
      "betas", "of adam and adamw: decay of the averages of gradients and of squares", in: .fraction),
    ConfigurationKey(
      "smoothing", "of rmsprop: decay of the average of squares", aliases: ["alpha_rmsprop"], in: .fraction),
    ConfigurationKey(
      "centered",
      "of rmsprop: divide by the deviation of the gradients, with epsilon inside the root (Graves, 2013)"),
    ConfigurationKey(
      "bias_correction",
      "of adam: standard, or complement (as the program of Show, Attend and Tell: nearly none after a few steps)"
    ),
    ConfigurationKey(
      "epsilon", "added to the root of the average of squares; null for 1e-8", aliases: ["adam_eps"],
      in: .from(0)),
    ConfigurationKey(
      "history", "of lbfgs: steps it remembers", aliases: ["history_size"], in: .count(1...10_000)),
    ConfigurationKey(
      "weight_decay", "shrinks weights; through the gradient, beside it for adamw", aliases: ["wd"],
      in: .from(0)),
    ConfigurationKey(
      "schedule",
      "of the learning rate: kind (constant, step, exponential, cosine, linear, inverse, plateau), every (epochs, or "
        + "evaluations without improvement), gamma, milestones (epochs), warmup (steps), floor; lr_update and lr_gamma alone are every and gamma of step",
      aliases: ["lr_schedule"],
      members: [
        "every": .count(from: 1), "gamma": .from(0), "milestones": .count(from: 0), "warmup": .count(from: 0),
        "floor": .share,
      ]),
    ConfigurationKey(
      "gradient_clip", "longest gradient; null for no limit",
      aliases: ["grad_clip", "clip_grad", "max_grad_norm"], in: .above(0, or: "null")),
    ConfigurationKey(
      "clip_each",
      "gradient_clip is for the gradient of each parameter by itself, weight decay included, not for all as one vector"
    ),
    ConfigurationKey(
      "clip_elements", "largest element of a gradient, either sign; null for no limit",
      aliases: ["clip_value"], in: .above(0, or: "null")),
    ConfigurationKey(
      "patience", "evaluations without improvement before training ends; null for all epochs",
      in: .count(from: 1, or: "null")),
    ConfigurationKey(
      "minimum_gain", "what a measure must gain on the best so far for patience to begin anew",
      aliases: ["min_delta"], in: .from(0)),
    ConfigurationKey("select_by", "measure by which the best weights are kept; null for the method's first"),
    ConfigurationKey("evaluate_every", "epochs between evaluations; 0 for none", in: .count(from: 0)),
    ConfigurationKey(
      "val_every", "steps between further evaluations, within epochs; null for none",
      in: .count(from: 1, or: "null")),
    ConfigurationKey(
      "validation", "split to evaluate on; null for val, dev or validation", aliases: ["val_split"]),
    ConfigurationKey(
      "hold_back",
      "share of the training pairs that are held back to evaluate on, so that the best weights are kept, where no split is called val, dev or validation; 0 for none",
      in: .from(0, to: 0.5)),
    ConfigurationKey(
      "ema", "decay of a moving average of the weights, which is then kept; null for none",
      in: .fraction.or("null")),
    ConfigurationKey("precision", "float32, bfloat16 (matrix products) or float64", aliases: ["dtype"]),
    ConfigurationKey(
      "checkpoint_every", "steps between checkpoints, beside those at the end of an epoch",
      in: .count(from: 1, or: "null")),
  ]

  /// Official programs state the epochs between changes of the rate, and what then multiplies it, by themselves.
  static let scheduleAliases = ["lr_update": "every", "lr_gamma": "gamma"]

  public func validateRelations() throws {
    try require(betas.count == 2, "betas", betas, "two numbers from 0 to below 1")
    try require(
      valEvery == nil || evaluateEvery > 0, "val_every", valEvery ?? 0, "null where evaluate_every is 0")
    try require(
      optimizer != .lbfgs || accumulate == 1, "accumulate", accumulate, "1, which is what lbfgs needs")
  }
}

extension TrainingConfiguration {
  /// Whether a key of a file is one of training: its name, an alias, or `schedule.every` and the like.
  static func knows(_ key: String) -> Bool {
    scheduleAliases[key] != nil || keys.contains { $0.name == key || $0.aliases.contains(key) }
  }

  /// These settings with the members of `overrides` put in place, validated.
  ///
  /// - Throws: ``ConfigurationError`` for a key or value that cannot be used.
  public func overridden(by overrides: JSON) throws -> TrainingConfiguration {
    var overrides = try Self.withAliasesInSchedule(overrides)
    if let given = overrides["schedule"] { overrides["schedule"] = try schedule.merged(with: given) }
    return try TrainingConfiguration(overrides: overrides, over: self)
  }

  /// Settings with `lr_update` and `lr_gamma` as what they say of the schedule: steps, unless another kind is named.
  ///
  /// - Parameter own: keys of the method, which may have one of these names for something of its own.
  static func withAliasesInSchedule(_ settings: JSON, except own: [ConfigurationKey] = []) throws -> JSON {
    let given = scheduleAliases.filter { alias in
      settings[alias.key] != nil && !own.contains { $0.name == alias.key }
    }
    guard !given.isEmpty else { return settings }
    var settings = settings
    var schedule = settings["schedule"] ?? .object([])
    if let kind = schedule.string { schedule = ["kind": .string(kind)] }
    for (alias, member) in given {
      guard schedule[member] == nil else {
        throw ConfigurationError.givenTwice(key: "schedule.\(member)", alias: alias)
      }
      schedule[member] = settings[alias]
      settings[alias] = nil
    }
    if schedule["kind"] == nil { schedule["kind"] = "step" }
    settings["schedule"] = schedule
    return settings
  }
}

extension Schedule {
  /// These values as a tree with those of `given` put in place; a word alone names the kind.
  fileprivate func merged(with given: JSON) throws -> JSON {
    var tree = try JSON(encoding: self)
    let known = tree.members?.map(\.key) ?? []
    if given.isNull { return try JSON(encoding: Schedule()) }
    guard given.string != nil || given.members != nil else {
      throw ConfigurationError.badValue(
        key: "schedule", value: given.text(), expected: "a kind, or keys with values")
    }
    // A word that was given keys of its own, `schedule=cosine` and then `schedule.warmup=9`, has become a name.
    let members = given.members?.map { JSON.Member($0.key == "name" ? "kind" : $0.key, $0.value) }
    for member in given.string.map({ [JSON.Member("kind", .string($0))] }) ?? members ?? [] {
      guard known.contains(member.key) else {
        throw ConfigurationError.unknown(member.key, known: known, under: "schedule")
      }
      tree[member.key] = member.value
    }
    return tree
  }
}
