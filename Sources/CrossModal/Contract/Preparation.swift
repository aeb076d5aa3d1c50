import Torch

/// What ``Trainable/prepare(on:_:)`` and ``Trainable/finish(on:_:)`` may know of the run.
public struct Preparation {
  public let training: TrainingConfiguration
  public let seed: UInt64
  public let device: Device
  /// Tells the user in a sentence what happens.
  public let note: (String) -> Void

  public init(
    training: TrainingConfiguration = TrainingConfiguration(), seed: UInt64 = 0, device: Device = .cpu,
    note: @escaping (String) -> Void = { _ in }
  ) {
    self.training = training
    self.seed = seed
    self.device = device
    self.note = note
  }
}

extension Preparation {
  /// How held-out pairs are measured to choose weights by: briefly, and retrieval always in one way.
  ///
  /// - Parameters:
  ///   - searched: whether to say what is searched.
  ///   - ties: whether to say where equal scores stand.
  func evaluation(searched: Bool, ties: Bool) -> EvaluationOptions {
    EvaluationOptions(
      searched: searched ? .full : nil, ties: ties ? .pessimistic : nil, device: device,
      dtype: training.dtype, isBrief: true)
  }
}
