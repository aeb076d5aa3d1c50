extension [StateEntry] {
  /// Moves these tensors towards others of the same shapes, a ← a + weight · (b - a), in one call for all: a momentum
  /// encoder towards the trained one.
  ///
  /// - Parameters:
  ///   - targets: as many, in the same order.
  ///   - weight: 0 leaves them, 1 copies.
  public func move(towards targets: [StateEntry], by weight: Double) throws(TorchError) {
    guard count == targets.count else {
      throw TorchError(
        operation: "move", shapes: [[count], [targets.count]], message: "needs as many tensors as targets")
    }
    guard !isEmpty, weight != 0 else { return }
    for entry in self { try entry.slot.makeWritable() }
    try withoutGradient { () throws(TorchError) in
      let ends = try targets.map { target throws(TorchError) in try target.tensor.detached() }
      try Foreach.move(map(\.tensor), towards: ends, by: weight)
    }
  }
}

/// The exponential moving average of a module's state beside the state itself: a ← decay · a + (1 - decay) · w.
///
/// Whole numbers, such as counts of steps, are copied.
public final class MovingAverage {
  public let entries: [StateEntry]
  public let decay: Double
  private var averages: [Slot]

  /// Starts at the state as it is now.
  ///
  /// - Parameter decay: how much of the average stays at each update, in 0...1.
  public init(of entries: [StateEntry], decay: Double) throws(TorchError) {
    self.entries = entries
    self.decay = decay
    averages = try entries.map { entry throws(TorchError) in Slot(try entry.tensor.detached().copied()) }
  }

  /// Takes the state as it is now into the average.
  ///
  /// - Parameter decay: another one for this update, such as a smaller one at the start.
  public func update(decay: Double? = nil) throws(TorchError) {
    var slots: [Slot] = []
    var targets: [Tensor] = []
    for (average, entry) in zip(averages, entries) {
      let target = try entry.tensor.detached()
      let fits = target.shape == average.tensor.shape && target.device == average.tensor.device
      if fits, target.dtype.isFloatingPoint, target.dtype == average.tensor.dtype {
        try average.makeWritable()
        slots.append(average)
        targets.append(target)
      } else {
        average.tensor = try target.copied()
      }
    }
    guard !slots.isEmpty else { return }
    let weight = 1 - (decay ?? self.decay)
    try withoutGradient { () throws(TorchError) in
      try Foreach.move(slots.map(\.tensor), towards: targets, by: weight)
    }
  }

  /// The averages by the names of the state.
  public var state: [(name: String, tensor: Tensor)] {
    zip(entries, averages).map { ($0.name, $1.tensor) }
  }

  /// Continues from a state that ``state`` gave.
  ///
  /// - Throws: ``OptimizerError`` with every name that does not fit; nothing is changed then.
  public func load(_ state: [String: Tensor]) throws {
    var error = OptimizerError()
    error.missing = entries.map(\.name).filter { state[$0] == nil }
    error.unexpected = Set(state.keys).subtracting(entries.map(\.name)).sorted()
    error.misshaped = zip(entries, averages).filter { entry, average in
      state[entry.name].map { $0.shape != average.tensor.shape } ?? false
    }.map(\.0.name)
    guard error.isEmpty else { throw error }
    for (entry, average) in zip(entries, averages) {
      guard let tensor = state[entry.name] else { continue }
      average.tensor = try tensor.detached().to(average.tensor.dtype).to(average.tensor.device)
    }
  }

  /// Puts the averages in place of the state for good.
  public func keep() { for (entry, average) in zip(entries, averages) { entry.tensor = average.tensor } }

  /// Runs `body` with the averages in place of the state, which is put back afterwards.
  public func applied<Result>(_ body: () throws -> Result) throws -> Result {
    let trained = entries.map(\.tensor)
    for (entry, average) in zip(entries, averages) { entry.tensor = average.tensor }
    defer { for (entry, tensor) in zip(entries, trained) { entry.slot.tensor = tensor } }
    return try body()
  }
}
