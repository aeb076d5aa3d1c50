/// L-BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5) over all parameters as one vector,
/// with a line search to the strong Wolfe conditions, or with fixed steps. As PyTorch's `LBFGS`.
///
/// For whole-batch objectives: it assumes that the same point always gives the same loss. A step runs up to
/// ``iterations`` iterations and keeps its history for the next one. Directions and inner products are in
/// float64 whatever the type of the parameters; a loss that is not finite is worse than any other.
public final class LBFGS {
  /// How one step came out.
  public struct Outcome: Sendable {
    /// The loss before the step and after it.
    public let before: Double
    public let after: Double
    /// Calls of the closure.
    public let evaluations: Int
    /// Whether there was nothing left to gain.
    public let hasConverged: Bool
  }

  public let parameters: [StateEntry]
  /// Iterations of one step.
  public let iterations: Int
  /// Evaluations after which a step ends with the iteration it is in.
  public let evaluations: Int
  /// A step ends when no element of the gradient is larger.
  public let gradientTolerance: Double
  /// A step ends when neither the point nor the loss moves by more.
  public let changeTolerance: Double
  /// Pairs of change and gradient change that stand for the Hessian.
  public let history: Int
  /// Whether each iteration searches along its direction; otherwise it goes learning rate times the direction.
  public let searchesLine: Bool
  private var memory = Memory()

  public init(
    _ parameters: [StateEntry], iterations: Int = 20, evaluations: Int? = nil,
    gradientTolerance: Double = 1e-7, changeTolerance: Double = 1e-9, history: Int = 100,
    searchesLine: Bool = true
  ) {
    self.parameters = parameters
    self.iterations = iterations
    self.evaluations = evaluations ?? iterations * 5 / 4
    self.gradientTolerance = gradientTolerance
    self.changeTolerance = changeTolerance
    self.history = history
    self.searchesLine = searchesLine
  }

  /// What is carried from one iteration to the next.
  private struct Memory {
    var direction: Tensor?
    var length = 0.0
    var gradient: Tensor?
    var iteration = 0
    var history = CurvatureHistory()
    /// Loss and gradient where the last step ended.
    var end: (loss: Double, gradient: Tensor)?
  }

  /// One step.
  ///
  /// - Parameters:
  ///   - learningRate: the first length that is tried along a direction; 1 is natural.
  ///   - isSameLoss: whether the closure is the function of the step before, so that the loss and gradient
  ///     with which that step ended still hold.
  ///   - closure: computes the loss and leaves its gradient in the parameters, whose gradients are clear.
  /// - Throws: what the closure throws; the parameters are then those of before.
  @discardableResult
  public func step(
    learningRate: Double = 1, isSameLoss: Bool = false, _ closure: () throws -> Double
  ) throws -> Outcome {
    let entries = active
    let start = try point(of: entries)
    do {
      return try withoutGradient { try step(entries, learningRate, isSameLoss, closure) }
    } catch {
      try place(entries, at: start)
      throw error
    }
  }

  private func step(
    _ entries: [StateEntry], _ learningRate: Double, _ isSameLoss: Bool, _ closure: () throws -> Double
  ) throws -> Outcome {
    var evaluated = 0
    func evaluate() throws -> (loss: Double, gradient: Tensor) {
      evaluated += 1
      try entries.clearGradients()
      let loss = try withGradient { try closure() }
      return (loss, try flatGradient(of: entries))
    }
    var (loss, gradient) = try (isSameLoss ? memory.end : nil) ?? evaluate()
    let before = loss
    var isFlat = try entries.isEmpty || largest(gradient) <= gradientTolerance
    let hasConverged = isFlat
    var hasMoved = false
    var iteration = 0
    while iteration < iterations, !isFlat, loss.isFinite {
      iteration += 1
      var direction = try self.direction(for: gradient)
      var slope = try inner(gradient, direction)
      if slope >= 0, !memory.history.pairs.isEmpty {
        // What was remembered no longer describes the loss.
        memory.iteration = 0
        direction = try self.direction(for: gradient)
        slope = try inner(gradient, direction)
      }
      var length = learningRate
      if memory.iteration == 1 {
        length *= min(1, 1 / (try gradient.magnitude().sum().item(as: Double.self)))
      }
      (memory.direction, memory.gradient, memory.length) = (direction, gradient, length)
      if slope > -changeTolerance { break }

      let lossBefore = loss
      let start = try point(of: entries)
      func evaluateAt(_ length: Double) throws -> LineSearch.Point {
        try place(entries, at: start + direction * length)
        let (loss, gradient) = try evaluate()
        let slope = try inner(gradient, direction)
        return LineSearch.Point(length: length, loss: loss, gradient: gradient, slope: slope)
      }
      if searchesLine {
        let origin = LineSearch.Point(length: 0, loss: loss, gradient: gradient, slope: slope)
        let search = LineSearch(origin: origin, reach: try largest(direction), tolerance: changeTolerance)
        let found = try search.run(from: length, evaluateAt)
        (length, loss, gradient) = (found.length, found.loss, found.gradient)
        try place(entries, at: start + direction * length)
      } else if iteration < iterations {
        let next = try evaluateAt(length)
        (loss, gradient) = (next.loss, next.gradient)
      } else {
        try place(entries, at: start + direction * length)
      }
      memory.length = length
      isFlat = try largest(gradient) <= gradientTolerance
      let moved = try largest(direction) * abs(length)
      hasMoved = hasMoved || moved > 0
      if evaluated >= evaluations || moved <= changeTolerance || abs(loss - lossBefore) < changeTolerance {
        break
      }
    }
    memory.end = searchesLine ? (loss, gradient) : nil
    return Outcome(
      before: before, after: loss, evaluations: evaluated,
      hasConverged: hasConverged || (!hasMoved && before.isFinite))
  }

  /// The direction of the next step.
  private func direction(for gradient: Tensor) throws(TorchError) -> Tensor {
    memory.iteration += 1
    guard memory.iteration > 1, let before = memory.gradient, let direction = memory.direction else {
      memory.history = CurvatureHistory()
      return try -gradient
    }
    try memory.history.add(
      change: direction * memory.length, gradientChange: gradient - before, above: 1e-10, limit: history)
    return try memory.history.direction(for: gradient)
  }

  // MARK: - Parameters as one vector

  private var active: [StateEntry] { parameters.filter { !$0.slot.isFrozen } }

  private func flatGradient(of entries: [StateEntry]) throws(TorchError) -> Tensor {
    try vector(entries) { entry throws(TorchError) in
      if let gradient = entry.gradient { return gradient }
      return try entry.tensor.detached().zerosLike()
    }
  }

  private func point(of entries: [StateEntry]) throws(TorchError) -> Tensor {
    try vector(entries) { entry throws(TorchError) in try entry.tensor.detached() }
  }

  /// A copy also of a single part: what it is taken from changes in place.
  private func vector(
    _ entries: [StateEntry], _ part: (StateEntry) throws(TorchError) -> Tensor
  ) throws(TorchError) -> Tensor {
    guard !entries.isEmpty else { return try Tensor.zeros([0], .float64) }
    return try Tensor.concatenated(
      try entries.map { entry throws(TorchError) in try part(entry).flattened().to(.float64) }
    ).copied()
  }

  private func place(_ entries: [StateEntry], at point: Tensor) throws(TorchError) {
    var start = 0
    for entry in entries {
      let shape = entry.tensor.shape
      let count = shape.reduce(1, *)
      try entry.assign(try point[start..<start + count].reshaped(to: shape))
      start += count
    }
  }
}

// MARK: - State

extension LBFGS {
  private static let numbers = "scalars"

  /// What the next step depends on beside parameters and gradients: vectors over all parameters (`d`,
  /// `prev_flat_grad`, `old_stps.0`, `old_dirs.0`, …, `end`) and the numbers of `scalars`.
  public var state: [(name: String, tensor: Tensor)] {
    get throws {
      guard let direction = memory.direction, let gradient = memory.gradient else { return [] }
      let numbers =
        [memory.length, memory.history.scale, Double(memory.iteration), memory.end?.loss ?? 0]
        + memory.history.pairs.map(\.curvature)
      var state = [("d", direction), ("prev_flat_grad", gradient), (Self.numbers, try Tensor(numbers))]
      for (i, pair) in memory.history.pairs.enumerated() {
        state += [("old_stps.\(i)", pair.change), ("old_dirs.\(i)", pair.gradientChange)]
      }
      if let end = memory.end { state.append(("end", end.gradient)) }
      return state.map { (name: $0.0, tensor: $0.1) }
    }
  }

  /// Continues from a state that ``state`` gave.
  ///
  /// - Throws: ``OptimizerError`` with every name that does not fit; nothing is changed then.
  public func load(_ state: [String: Tensor]) throws {
    guard !state.isEmpty else {
      memory = Memory()
      return
    }
    let size = active.reduce(0) { $0 + $1.tensor.count }
    let numbers = try state[Self.numbers]?.flattened().values(as: Double.self) ?? []
    let pairs = max(0, numbers.count - 4)
    let vectors = ["d", "prev_flat_grad"] + (0..<pairs).flatMap { ["old_stps.\($0)", "old_dirs.\($0)"] }
    let known = Set(vectors + ["end", Self.numbers])
    var error = OptimizerError()
    error.missing = (vectors + [Self.numbers]).filter { state[$0] == nil }
    error.misshaped = (vectors + ["end"]).filter { name in state[name].map { $0.shape != [size] } ?? false }
    if numbers.count < 4, state[Self.numbers] != nil { error.misshaped.append(Self.numbers) }
    error.unexpected = state.keys.filter { !known.contains($0) }.sorted()
    guard error.isEmpty, let iteration = Int(exactly: numbers[2]) else { throw error }
    let device = active.first?.tensor.device ?? .cpu
    let own = try state.mapValues { try $0.detached().to(.float64).to(device).copied() }
    memory = Memory(
      direction: own["d"], length: numbers[0], gradient: own["prev_flat_grad"], iteration: iteration,
      history: CurvatureHistory(
        pairs: (0..<pairs).compactMap { i in
          guard let change = own["old_stps.\(i)"], let gradientChange = own["old_dirs.\(i)"] else {
            return nil
          }
          return (change, gradientChange, numbers[4 + i])
        }, scale: numbers[1]),
      end: own["end"].map { (numbers[3], $0) })
  }
}
