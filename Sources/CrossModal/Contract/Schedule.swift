import Foundation

/// How the learning rate changes in the course of training.
public struct Schedule: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// The same all the time.
    case constant
    /// Times `gamma` every `every` epochs, or at each of `milestones`.
    case step
    /// Times `gamma` after every epoch.
    case exponential
    /// Down to `floor` of the rate along half a cosine, over all steps.
    case cosine
    /// Down to `floor` of the rate in a straight line, over all steps.
    case linear
    /// Divided by 1 + `gamma` × steps.
    case inverse
    /// Times `gamma` after `every` evaluations in a row without improvement, down to `floor`.
    case plateau
  }

  public var kind = Kind.constant
  /// Epochs between two changes of `step`; evaluations that `plateau` waits.
  public var every = 10
  public var gamma = 0.1
  /// Epochs at which `step` changes the rate, instead of every so many.
  public var milestones: [Int] = []
  /// Steps over which the rate rises from near 0.
  public var warmup = 0
  /// What `cosine`, `linear` and `plateau` end at, as a fraction of the rate.
  public var floor = 0.0

  public init() {}

  public init(
    kind: Kind, every: Int = 10, gamma: Double = 0.1, milestones: [Int] = [], warmup: Int = 0,
    floor: Double = 0
  ) {
    self.kind = kind
    self.every = every
    self.gamma = gamma
    self.milestones = milestones
    self.warmup = warmup
    self.floor = floor
  }

  /// What the learning rate is multiplied by.
  ///
  /// - Parameters:
  ///   - step: steps of the optimizer before this one.
  ///   - epoch: epochs before this one.
  ///   - total: steps of the whole training.
  public func factor(step: Int, epoch: Int, total: Int) -> Double {
    if step < warmup { return Double(step + 1) / Double(warmup) }
    let course = min(1, Double(step - warmup) / Double(max(1, total - warmup)))
    switch kind {
    // What a plateau does depends on what was measured: the trainer's state has its factor.
    case .constant, .plateau: return 1
    case .step:
      let changes = milestones.isEmpty ? epoch / every : milestones.count { $0 <= epoch }
      return pow(gamma, Double(changes))
    case .exponential: return pow(gamma, Double(epoch))
    case .cosine: return floor + (1 - floor) * (1 + cos(.pi * course)) / 2
    case .linear: return floor + (1 - floor) * (1 - course)
    case .inverse: return 1 / (1 + gamma * Double(step))
    }
  }
}
