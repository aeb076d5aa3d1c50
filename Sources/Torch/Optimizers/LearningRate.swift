import Foundation

/// A learning rate that changes with the steps (or epochs) of a training, as a multiple of the base rate.
///
/// A pure function of the step, so that a resumed run continues at the right place.
public struct LearningRateSchedule: Sendable, Equatable {
  /// How the rate falls after the warm-up.
  public enum Decay: Sendable, Equatable {
    /// Not at all.
    case none
    /// Times `gamma` every `every` steps (PyTorch's `StepLR`).
    case step(every: Int, gamma: Double)
    /// Times `gamma` at each of these steps (`MultiStepLR`).
    case milestones([Int], gamma: Double)
    /// Times `gamma` at each step (`ExponentialLR`).
    case exponential(gamma: Double)
    /// Half a cosine from 1 to `floor` over `steps` steps, then `floor` (Loshchilov & Hutter, ICLR 2017, eq. 5
    /// without restarts).
    case cosine(steps: Int, floor: Double)
    /// A straight line from 1 to `floor` over `steps` steps, then `floor`.
    case linear(steps: Int, floor: Double)
  }

  /// Steps in which the rate rises in a straight line to the base rate; the step after them has it in full.
  public var warmUp: Int
  public var decay: Decay

  /// - Parameter decay: counted from the end of the warm-up.
  public init(_ decay: Decay = .none, warmUp: Int = 0) {
    self.decay = decay
    self.warmUp = warmUp
  }

  /// The multiple of the base rate at a step, counted from 0.
  public func factor(at step: Int) -> Double {
    if step < warmUp { return Double(step + 1) / Double(warmUp + 1) }
    let step = step - max(0, warmUp)
    switch decay {
    case .none:
      return 1
    case .step(let every, let gamma):
      return pow(gamma, Double(step / max(1, every)))
    case .milestones(let milestones, let gamma):
      return pow(gamma, Double(milestones.count { $0 <= step }))
    case .exponential(let gamma):
      return pow(gamma, Double(step))
    case .cosine(let steps, let floor):
      let progress = min(1, Double(step) / Double(max(1, steps)))
      return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
    case .linear(let steps, let floor):
      return 1 + (floor - 1) * min(1, Double(step) / Double(max(1, steps)))
    }
  }
}

/// A learning rate that falls when a quantity no longer gets better (PyTorch's `ReduceLROnPlateau`).
public struct PlateauSchedule: Sendable, Equatable, Codable {
  /// What is better.
  public enum Direction: String, Sendable, Codable {
    case lower, higher
  }

  public let direction: Direction
  /// What the rate is multiplied by.
  public let gamma: Double
  /// Observations without progress that are borne.
  public let patience: Int
  /// Progress smaller than this part of the best value does not count.
  public let threshold: Double
  /// Observations after a fall that are not counted.
  public let cooldown: Int
  /// The smallest multiple of the base rate.
  public let floor: Double
  /// The multiple of the base rate now.
  public private(set) var factor = 1.0
  public private(set) var best: Double?
  private var stale = 0
  private var cooling = 0

  public init(
    _ direction: Direction = .lower, gamma: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4,
    cooldown: Int = 0, floor: Double = 0
  ) {
    self.direction = direction
    self.gamma = gamma
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.floor = floor
  }

  /// Takes an observation; returns ``factor`` from now on.
  @discardableResult
  public mutating func observe(_ value: Double) -> Double {
    if isProgress(value) {
      best = value
      stale = 0
    } else {
      stale += 1
    }
    if cooling > 0 {
      cooling -= 1
      stale = 0
    }
    if stale > patience {
      factor = max(factor * gamma, floor)
      cooling = cooldown
      stale = 0
    }
    return factor
  }

  private func isProgress(_ value: Double) -> Bool {
    guard let best else { return !value.isNaN }
    switch direction {
    case .lower: return value < best * (1 - threshold)
    case .higher: return value > best * (1 + threshold)
    }
  }
}
