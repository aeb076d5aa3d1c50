import Torch

extension Run {
  /// Learns a method from a split: in closed form or by gradient, as the method does.
  ///
  /// ```swift
  /// let run = try Run.learn(CLIP.self, from: data.split("train")) {
  ///   $0.embedSize = 128
  /// } training: {
  ///   $0.batchSize = 64
  /// }
  /// ```
  /// Everything that can be wrong with settings and data is checked before the work starts. What is learned is kept in
  /// memory; ``train(_:settings:data:split:seed:device:into:start:group:observe:with:)`` leaves checkpoints in a folder
  /// that can be resumed from.
  /// - Parameters:
  ///   - type: the method.
  ///   - split: what is learned from; a split of the same data called val, dev or validation chooses the best weights.
  ///   - features: featurizer of each modality that is to have one, by its name: `["text": "tfidf"]`.
  ///   - seed: fixes every random choice.
  ///   - configure: changes the settings of the method, which begin as its defaults.
  ///   - training: changes the settings of training, which begin as the method's defaults; closed forms have none.
  ///   - observe: told what happens.
  public static func learn<M: Method>(
    _ type: M.Type, from split: Split, features: JSON = .object([]), seed: UInt64 = 0, device: Device = .cpu,
    configure: (inout M.Configuration) throws -> Void = { _ in },
    training: (inout TrainingConfiguration) throws -> Void = { _ in },
    observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws -> Run {
    let note = { (text: String) in observe(.note(text)) }
    let show = { (progress: FeatureProgress) in observe(.features(progress)) }
    let learning = try Learning(
      type, from: split, settings: RunSettings(["features": features]), seed: seed, note: note,
      progress: show
    ) {
      var configuration = M.Configuration()
      try configure(&configuration)
      return try M.plan(configuration, pairs: split.count, training)
    }
    if M.self is any Fittable.Type {
      try learning.fit(note)
      return learning.run(try learning.record())
    }
    let (method, settings) = try learning.trainable()
    let types = method.stateEntries.map(\.tensor.dtype)
    try Trainer(
      method, training: settings, data: learning.data, validation: learning.heldOut { observe(.note($0)) },
      seed: seed,
      device: device, observe: observe
    ).run()
    try learning.averagePublished()
    // Training may have had another precision than the method has in use.
    for (entry, type) in zip(method.stateEntries, types) { entry.tensor = try entry.tensor.to(type) }
    return learning.run(try learning.record(device: device))
  }

  /// Fits a closed-form method to a split of a data set, with settings as a file or the command has them.
  ///
  /// - Parameters:
  ///   - type: the method.
  ///   - settings: what the user set.
  ///   - data: the data set, whose `split` is learned from.
  ///   - note: told in a sentence what happens.
  ///   - progress: told how far features are computed.
  public static func fit(
    _ type: any Method.Type, settings: RunSettings, data: DataSet, split: String = "train", seed: UInt64 = 0,
    note: (String) -> Void = { _ in }, progress: @escaping (FeatureProgress) -> Void = { _ in }
  ) throws -> Run {
    let learning = try Learning(
      type, settings: settings, data: data, split: split, seed: seed, note: note, progress: progress)
    try learning.fit(note)
    return learning.run(try learning.record())
  }
}
