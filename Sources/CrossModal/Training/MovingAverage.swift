import Torch

/// Exponential moving averages of the parameters; buffers are taken as they are.
final class MovingAverage {
  private let decay: Double
  private let entries: [StateEntry]
  private var averages: [Tensor]

  init(_ entries: [StateEntry], decay: Double) throws {
    self.decay = decay
    self.entries = entries
    averages = try entries.map { try $0.tensor.detached().copied() }
  }

  /// After a step: average ← decay · average + (1 - decay) · weight.
  func update() throws {
    for (i, entry) in entries.enumerated() {
      averages[i] = try averages[i] * decay + entry.tensor.detached() * (1 - decay)
    }
  }

  /// Runs `body` with the averages in the place of the weights.
  func applied<Result>(_ body: () throws -> Result) throws -> Result {
    let weights = try entries.map { try $0.tensor.detached().copied() }
    try assign(averages)
    do {
      let result = try body()
      try assign(weights)
      return result
    } catch {
      try assign(weights)
      throw error
    }
  }

  /// Puts the averages in the place of the weights for good.
  func keep() throws { try assign(averages) }

  private func assign(_ tensors: [Tensor]) throws {
    for (entry, tensor) in zip(entries, tensors) { try entry.assign(tensor) }
  }

  var state: [(name: String, tensor: Tensor)] { zip(entries, averages).map { ($0.name, $1) } }

  func load(_ state: [String: Tensor], file: String) throws {
    averages = try entries.map { entry in
      guard let tensor = state[entry.name], tensor.shape == entry.tensor.shape else {
        throw TrainingError.badCheckpoint(file: file, reason: "has no average of '\(entry.name)' that fits")
      }
      return try tensor.to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
