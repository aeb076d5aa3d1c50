/// Limited-memory BFGS with a line search that ensures the strong Wolfe conditions (Nocedal & Wright,
/// Numerical Optimization, 2nd ed., algorithms 7.5, 3.5 and 3.6): for losses of all data at once.
///
/// Directions and scalar products are in float64 whatever the type of the parameters.
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
  /// Steps that shape the direction.
  public let history: Int
  /// Calls of the closure in one line search.
  public let mostEvaluations: Int
  /// A largest entry of the gradient below this is convergence.
  public let tolerance: Double
  /// Changes of parameters and of gradient, oldest first.
  private var changes: [(parameters: Tensor, gradient: Tensor)] = []
  private var previous: (loss: Double, gradient: Tensor)?

  public init(
    _ parameters: [StateEntry], history: Int = 15, mostEvaluations: Int = 25, tolerance: Double = 1e-9
  ) {
    self.parameters = parameters
    self.history = history
    self.mostEvaluations = mostEvaluations
    self.tolerance = tolerance
  }

  /// One step along the quasi-Newton direction.
  ///
  /// - Parameters:
  ///   - learningRate: the first length that is tried; 1 is natural.
  ///   - isSameLoss: whether the closure is the function of the step before (all pairs), so that its last
  ///     value and gradient still hold.
  ///   - closure: computes the loss and leaves its gradient in the parameters, whose gradients are clear.
  /// - Throws: what the closure throws; the parameters are then those of before.
  public func step(
    learningRate: Double = 1, isSameLoss: Bool = true, _ closure: () throws -> Double
  ) throws -> Outcome {
    let start = try position()
    do {
      return try step(from: start, learningRate, isSameLoss, closure)
    } catch {
      try move(to: start)
      throw error
    }
  }

  private func step(
    from start: Tensor, _ learningRate: Double, _ isSameLoss: Bool, _ closure: () throws -> Double
  ) throws -> Outcome {
    var evaluations = 0
    func evaluate() throws -> (Double, Tensor) {
      evaluations += 1
      try parameters.clearGradients()
      let loss = try closure()
      return (loss, try gradientVector())
    }
    let known = isSameLoss ? previous : nil
    let (loss, gradient) = try known.map { ($0.loss, $0.gradient) } ?? evaluate()
    guard loss.isFinite else {
      return Outcome(before: loss, after: loss, evaluations: evaluations, hasConverged: false)
    }
    if try gradient.count == 0 || gradient.magnitude().max().item() <= tolerance {
      previous = (loss, gradient)
      return Outcome(before: loss, after: loss, evaluations: evaluations, hasConverged: true)
    }
    var direction = try self.direction(gradient)
    var slope = try dot(gradient, direction)
    if slope >= 0 {
      // What was remembered no longer describes the loss.
      changes = []
      direction = try -gradient
      slope = try dot(gradient, direction)
    }
    let first =
      changes.isEmpty ? min(1, 1 / (try gradient.magnitude().sum().item())) * learningRate : learningRate
    var search = LineSearch(
      start: .init(length: 0, loss: loss, slope: slope, gradient: gradient),
      reach: try direction.magnitude().max().item(), mostEvaluations: mostEvaluations)
    let found = try search.run(first: first) { length in
      try self.move(to: start + direction * length)
      let (loss, gradient) = try evaluate()
      return .init(length: length, loss: loss, slope: try self.dot(gradient, direction), gradient: gradient)
    }
    try move(to: start + direction * found.length)
    try remember(change: direction * found.length, gradient: found.gradient - gradient)
    previous = (found.loss, found.gradient)
    return Outcome(
      before: loss, after: found.loss, evaluations: evaluations, hasConverged: found.length == 0)
  }

  private func remember(change: Tensor, gradient: Tensor) throws {
    let curvature = try dot(change, gradient)
    guard curvature > 1e-10 * (try dot(gradient, gradient)), curvature > 0 else { return }
    changes.append((change, gradient))
    if changes.count > history { changes.removeFirst() }
  }

  /// The two-loop recursion: minus the inverse Hessian, as the history has it, times the gradient.
  private func direction(_ gradient: Tensor) throws -> Tensor {
    var q = try -gradient
    var steps: [(Double, Double)] = []
    for change in changes.reversed() {
      let rho = 1 / (try dot(change.gradient, change.parameters))
      let alpha = rho * (try dot(change.parameters, q))
      q = try q - change.gradient * alpha
      steps.append((rho, alpha))
    }
    if let last = changes.last {
      q = try q * (try dot(last.parameters, last.gradient) / dot(last.gradient, last.gradient))
    }
    for (change, (rho, alpha)) in zip(changes, steps.reversed()) {
      let beta = rho * (try dot(change.gradient, q))
      q = try q + change.parameters * (alpha - beta)
    }
    return q
  }

  private func dot(_ a: Tensor, _ b: Tensor) throws -> Double { try (a * b).sum().item() }

  // MARK: - One vector of all parameters

  private func position() throws -> Tensor {
    try flat { try $0.tensor.detached() }
  }

  private func gradientVector() throws -> Tensor {
    try flat { try $0.gradient ?? $0.tensor.detached().zerosLike() }
  }

  private func flat(_ part: (StateEntry) throws -> Tensor) throws -> Tensor {
    guard !parameters.isEmpty else { return try Tensor.zeros([0], .float64) }
    // A copy also of a single part: what it is taken from changes in place.
    return try Tensor.concatenated(parameters.map { try part($0).flattened().to(.float64) }).copied()
  }

  private func move(to position: Tensor) throws {
    var start = 0
    for entry in parameters {
      let count = entry.tensor.count
      try entry.assign(
        position[start..<start + count].reshaped(to: entry.tensor.shape).to(entry.tensor.dtype))
      start += count
    }
  }

  // MARK: - State

  /// What the next step depends on besides the parameters.
  public var state: [(name: String, tensor: Tensor)] {
    get throws {
      var state: [(name: String, tensor: Tensor)] = []
      for (i, change) in changes.enumerated() {
        state.append(("change.\(i).parameters", change.parameters))
        state.append(("change.\(i).gradient", change.gradient))
      }
      if let previous {
        state.append(("previous.loss", try Tensor(previous.loss)))
        state.append(("previous.gradient", previous.gradient))
      }
      return state
    }
  }

  /// Continues from a state that ``state`` gave.
  public func load(_ state: [String: Tensor]) throws {
    let count = parameters.reduce(0) { $0 + $1.tensor.count }
    let misshaped = state.filter { $0.key != "previous.loss" && $0.value.shape != [count] }.keys.sorted()
    guard misshaped.isEmpty else { throw OptimizerError(missing: [], misshaped: misshaped) }
    let device = parameters.first?.tensor.device ?? .cpu
    var loaded: [(parameters: Tensor, gradient: Tensor)] = []
    while let change = state["change.\(loaded.count).parameters"],
      let gradient = state["change.\(loaded.count).gradient"]
    {
      loaded.append((try change.to(device), try gradient.to(device)))
    }
    changes = loaded
    previous = nil
    if let loss = state["previous.loss"], let gradient = state["previous.gradient"] {
      previous = (try loss.item(), try gradient.to(device))
    }
  }
}

/// Finds a length along a direction that meets the strong Wolfe conditions.
struct LineSearch {
  struct Point {
    let length: Double
    let loss: Double
    let slope: Double
    let gradient: Tensor

    /// A loss that is not finite is worse than any.
    var isUsable: Bool { loss.isFinite && slope.isFinite }
  }

  let start: Point
  /// Largest entry of the direction.
  let reach: Double
  let mostEvaluations: Int
  private var used = 0

  /// Sufficient decrease and curvature, as usual for quasi-Newton methods.
  private static let decrease = 1e-4
  private static let curvature = 0.9

  init(start: Point, reach: Double, mostEvaluations: Int) {
    self.start = start
    self.reach = reach
    self.mostEvaluations = mostEvaluations
  }

  /// The point found; the start when nothing better was met.
  mutating func run(first: Double, _ evaluate: (Double) throws -> Point) throws -> Point {
    var before = start
    var length = first
    while used < mostEvaluations {
      used += 1
      let point = try evaluate(length)
      if !point.isUsable || !descends(point) || (used > 1 && point.loss >= before.loss) {
        return try zoom(low: before, high: point, evaluate)
      }
      if abs(point.slope) <= -Self.curvature * start.slope { return point }
      if point.slope >= 0 { return try zoom(low: point, high: before, evaluate) }
      let next = Self.cubicMinimum(before, point)
      let room = point.length - before.length
      length = min(max(next ?? point.length * 2, point.length + 0.01 * room), point.length * 10)
      before = point
    }
    return before
  }

  private func descends(_ point: Point) -> Bool {
    point.loss <= start.loss + Self.decrease * point.length * start.slope
  }

  /// Between a point that descends and one that is too far.
  private mutating func zoom(
    low: Point, high: Point, _ evaluate: (Double) throws -> Point
  ) throws -> Point {
    var (low, high) = (low, high)
    while used < mostEvaluations, abs(high.length - low.length) * reach > 1e-9 {
      let (left, right) = (min(low.length, high.length), max(low.length, high.length))
      let margin = 0.1 * (right - left)
      let guess = high.isUsable ? Self.cubicMinimum(low, high) : nil
      let length = min(max(guess ?? (left + right) / 2, left + margin), right - margin)
      used += 1
      let point = try evaluate(length)
      if !point.isUsable || !descends(point) || point.loss >= low.loss {
        high = point
      } else {
        if abs(point.slope) <= -Self.curvature * start.slope { return point }
        if point.slope * (high.length - low.length) >= 0 { high = low }
        low = point
      }
    }
    return low
  }

  /// Where the cubic through two points with their slopes is smallest (Nocedal & Wright, eq. 3.59).
  static func cubicMinimum(_ a: Point, _ b: Point) -> Double? {
    let d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0, square.isFinite else { return nil }
    let d2 = (b.length >= a.length ? 1.0 : -1.0) * square.squareRoot()
    let length = b.length - (b.length - a.length) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
    return length.isFinite ? length : nil
  }
}
