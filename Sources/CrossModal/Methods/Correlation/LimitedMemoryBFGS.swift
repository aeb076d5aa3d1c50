import Torch

/// Minimises a smooth function of a vector by L-BFGS with a line search that satisfies the strong Wolfe
/// conditions (Nocedal & Wright, Numerical Optimization, algorithms 7.5, 3.5 and 3.6), in float64.
struct LimitedMemoryBFGS {
  /// Steps remembered.
  var history = 20
  var maxIterations = 5000
  /// Stops when no entry of the gradient is larger.
  var tolerance = 1e-8

  struct Result {
    let point: Tensor
    let value: Double
    /// Largest entry of the gradient, by magnitude.
    let gradient: Double
    let iterations: Int
    let hasConverged: Bool
  }

  private struct Point {
    let place: Tensor
    let value: Double
    let gradient: Tensor
  }

  /// - Parameter function: value and gradient at a vector.
  func minimize(from start: Tensor, _ function: (Tensor) throws -> (value: Double, gradient: Tensor)) throws
    -> Result
  {
    func evaluate(_ place: Tensor) throws -> Point {
      let (value, gradient) = try function(place)
      return Point(place: place, value: value, gradient: gradient)
    }
    var current = try evaluate(start)
    var memory: [(step: Tensor, change: Tensor, inverse: Double)] = []
    var iterations = 0
    while iterations < maxIterations, try largest(current.gradient) > tolerance {
      var direction = try -descent(current.gradient, memory)
      var slope: Double = try dot(direction, current.gradient)
      if !(slope < 0) {
        memory = []
        direction = try -current.gradient
        slope = try dot(direction, current.gradient)
      }
      let first = memory.isEmpty ? 1 / max(1, try largest(current.gradient)) : 1
      guard
        let next = try search(
          current, slope, first: first, at: { try evaluate(current.place + direction * $0) },
          slopeOf: { try dot($0.gradient, direction) })
      else { break }
      let step = try next.place - current.place
      let change = try next.gradient - current.gradient
      let curvature = try dot(step, change)
      if curvature > 0 {
        memory.append((step, change, 1 / curvature))
        if memory.count > history { memory.removeFirst() }
      }
      current = next
      iterations += 1
    }
    let gradient = try largest(current.gradient)
    return Result(
      point: current.place, value: current.value, gradient: gradient, iterations: iterations,
      hasConverged: gradient <= tolerance)
  }

  /// The approximate inverse Hessian times the gradient.
  private func descent(
    _ gradient: Tensor, _ memory: [(step: Tensor, change: Tensor, inverse: Double)]
  ) throws -> Tensor {
    guard let newest = memory.last else { return gradient }
    var q = gradient
    var factors: [Double] = []
    for pair in memory.reversed() {
      let factor = try pair.inverse * dot(pair.step, q)
      factors.append(factor)
      q = try q - pair.change * factor
    }
    q = try q * (1 / (newest.inverse * dot(newest.change, newest.change)))
    for (pair, factor) in zip(memory, factors.reversed()) {
      q = try q + pair.step * (factor - pair.inverse * dot(pair.change, q))
    }
    return q
  }

  /// A point along the direction with enough decrease and a slope near enough to 0; nil when rounding
  /// leaves none.
  private func search(
    _ start: Point, _ slope: Double, first: Double, at: (Double) throws -> Point,
    slopeOf: (Point) throws -> Double
  ) throws -> Point? {
    let rounding = 1e-15 * abs(start.value)
    func decreases(_ point: Point, _ length: Double) -> Bool {
      point.value <= start.value + 1e-4 * length * slope + rounding
    }
    var low = (length: 0.0, value: start.value, slope: slope)
    var high: (length: Double, value: Double, slope: Double)?
    var length = first
    var best: Point?
    for _ in 0..<50 {
      let point = try at(length)
      let found = try slopeOf(point)
      if !point.value.isFinite || !decreases(point, length)
        || (point.value > low.value + rounding && low.length > 0)
      {
        high = (length, point.value, found)
      } else {
        best = point
        if abs(found) <= -0.9 * slope { return point }
        if found * ((high?.length ?? .infinity) - low.length) >= 0 { high = low }
        low = (length, point.value, found)
      }
      guard let high else {
        length *= 2
        continue
      }
      guard abs(high.length - low.length) > 1e-16 * max(1, low.length) else { break }
      length = between(low, high)
    }
    return best.flatMap { $0.value < start.value ? $0 : nil }
  }

  /// The minimum of the cubic through both ends, kept away from them.
  private func between(
    _ a: (length: Double, value: Double, slope: Double), _ b: (length: Double, value: Double, slope: Double)
  ) -> Double {
    let width = b.length - a.length
    let d1 = a.slope + b.slope - 3 * (b.value - a.value) / width
    let square = d1 * d1 - a.slope * b.slope
    var place = a.length + width / 2
    if square >= 0, b.value.isFinite {
      let d2 = square.squareRoot() * (width < 0 ? -1 : 1)
      let cubic = b.length - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
      if cubic.isFinite { place = cubic }
    }
    let near = a.length + 0.1 * width
    let far = a.length + 0.9 * width
    return min(max(place, min(near, far)), max(near, far))
  }

  private func dot(_ a: Tensor, _ b: Tensor) throws -> Double { try (a * b).sum().item() }
  private func largest(_ x: Tensor) throws -> Double { try x.magnitude().max().item() }
}
