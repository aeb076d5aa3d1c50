import Torch

/// Where training is, for ``Trainable/loss(_:_:)``.
public final class Step {
  /// Counted from 0.
  public let epoch: Int
  /// Steps of the optimizer before this one, over all epochs.
  public let number: Int
  /// Batches of this epoch before this one.
  public let batch: Int
  /// Whether the loss is followed; false when it is only measured.
  public let isTraining: Bool
  /// Random numbers for dropout, noise and sampling: fixed by the run's seed, the step and the rank.
  public let generator: Generator
  public let training: TrainingConfiguration
  public let device: Device
  /// This process among those that train together.
  public var rank: Int { group?.rank ?? 0 }
  /// Number of processes that train together.
  public var processes: Int { group?.size ?? 1 }

  /// What the layers of a network are to know.
  public var pass: Pass { isTraining ? .training(generator, in: group) : .evaluation }

  private let group: (any ProcessGroup)?
  /// Fixed by the run's seed and the step alone.
  private let seed: UInt64
  /// Whether ``gathered(_:)`` was called, so that every process has the loss of the joined batch.
  private(set) var hasGathered = false

  /// - Parameter group: the processes that train together; nil for one.
  public init(
    epoch: Int = 0, number: Int = 0, batch: Int = 0, isTraining: Bool = true, seed: UInt64 = 0,
    training: TrainingConfiguration = TrainingConfiguration(), device: Device = .cpu,
    group: (any ProcessGroup)? = nil
  ) throws(TorchError) {
    self.epoch = epoch
    self.number = number
    self.batch = batch
    self.isTraining = isTraining
    self.training = training
    self.device = device
    self.group = group
    let place = isTraining ? UInt64(number) &* 0x1_0000 &+ UInt64(batch & 0xFFFF) : .max
    self.seed = mixed(seed, place)
    generator = try Generator(seed: mixed(seed, place, UInt64(group?.rank ?? 0)), device: device)
  }

  /// The same for this process by itself: nothing is gathered, and the gradients of the processes are averaged.
  var alone: Step { Step(alone: self) }

  private init(alone step: Step) {
    (epoch, number, batch, isTraining) = (step.epoch, step.number, step.batch, step.isTraining)
    (training, device, generator, group) = (step.training, step.device, step.generator, nil)
    seed = step.seed
  }

  /// The rows of every process, one after the other: `[rows of all, …]`. The gradient flows through the own rows.
  ///
  /// With several processes each sees a part of the batch. A loss that compares rows with each other, such as
  /// one with negatives from the batch, gathers everything that it is computed from; every process then has
  /// the loss of the whole batch, and the gradients of the processes add up to its gradient. A loss that
  /// gathers nothing must be a mean over rows; gradients are then averaged. With one process the rows
  /// themselves.
  ///
  /// - Parameter rows: one row a pair (or another number of rows); dimensions after the first may differ
  ///   between processes and are padded with zeros to the largest.
  public func gathered(_ rows: Tensor) throws -> Tensor {
    guard let group, group.size > 1 else { return rows }
    hasGathered = true
    let parts = try group.gather(rows.detached())
    guard rows.requiresGradient else { return try Tensor.concatenated(parts) }
    let own = try rows.padded(toTrailing: parts[group.rank].shape)
    return try Tensor.concatenated(parts.enumerated().map { $0.offset == group.rank ? own : $0.element })
  }

  /// Numbers of every process, one after the other.
  public func gathered(_ numbers: [Int]) throws -> [Int] {
    guard let group, group.size > 1 else { return numbers }
    hasGathered = true
    return try group.gather(Tensor(numbers).to(device)).flatMap { try $0.values(as: Int.self) }
  }
}

// MARK: - What the processes do together without having one loss

extension Step {
  /// The pass of this process by itself: batch normalization by its own part of the batch.
  public var ownPass: Pass { isTraining ? .training(generator) : .evaluation }

  /// Numbers uniform in 0..<1, `each` a row: those that the row has in the joined batch, whichever process works on it.
  ///
  /// - Parameter rows: of this process.
  public func choices(rows: Int, each: Int) throws -> [[Double]] {
    let parts = try parts(rows)
    let before = parts[..<rank].reduce(0, +)
    let all = parts.reduce(0, +)
    let numbers = try Tensor.uniform(
      [all, each], .float64, using: Generator(seed: mixed(seed, 0x0C40_1CE5), device: .cpu)
    )
    .values(as: Double.self)
    return (before..<before + rows).map { Array(numbers[$0 * each..<($0 + 1) * each]) }
  }

  /// The rows of every process, one after the other, without a graph: for what is remembered, such as the keys of a
  /// queue. Other than ``gathered(_:)`` it says nothing of the loss, which stays a mean over this process's rows.
  public func remembered(_ rows: Tensor) throws -> Tensor {
    guard let group, group.size > 1 else { return try rows.detached() }
    return try Tensor.concatenated(group.gather(rows.detached()))
  }

  /// What `body` gives for the rows of this process when the rows of all are dealt out in a random order: the
  /// "shuffled batch normalization" of momentum contrast (He et al., CVPR 2020, section 3.3), by which the statistics of
  /// a batch cannot tell which rows belong together. With one process the rows stay where they are, as the order of a
  /// batch does not change its statistics.
  ///
  /// - Parameters:
  ///   - rows: of this process, dimensions after the first the same everywhere.
  ///   - body: tensors with a row for each row that it is given; without a graph.
  public func shuffled(_ rows: Tensor, _ body: (Tensor) throws -> [Tensor]) throws -> [Tensor] {
    guard let group, group.size > 1 else { return try body(rows) }
    let parts = try parts(rows.size(along: 0))
    let all = try Tensor.concatenated(group.gather(rows.detached()))
    let order = try Tensor.permutation(
      all.size(along: 0), using: Generator(seed: mixed(seed, 0x05F1_E4ED), device: .cpu)
    ).values(as: Int.self)
    let before = parts[..<rank].reduce(0, +)
    let own = before..<before + parts[rank]
    var back = [Int](repeating: 0, count: order.count)
    for (place, row) in order.enumerated() { back[row] = place }
    return try body(all.rows(at: Array(order[own]))).map {
      try Tensor.concatenated(group.gather($0.detached())).rows(at: Array(back[own]))
    }
  }

  /// How many rows each process has.
  private func parts(_ rows: Int) throws -> [Int] {
    guard let group, group.size > 1 else { return [rows] }
    return try group.gather(Tensor([rows])).flatMap { try $0.values(as: Int.self) }
  }
}

extension Tensor {
  /// Zeros behind every dimension after the first, up to the sizes of `shape`.
  func padded(toTrailing shape: [Int]) throws(TorchError) -> Tensor {
    let own = self.shape
    let padding = zip(shape, own).dropFirst().reversed().flatMap { [0, $0 - $1] }
    return padding.allSatisfy { $0 == 0 } ? self : try padded(padding)
  }
}
