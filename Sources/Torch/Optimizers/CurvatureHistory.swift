/// What the last steps told of a function's curvature, in place of its Hessian (Nocedal & Wright, Numerical
/// Optimization, algorithm 7.4).
struct CurvatureHistory {
  /// s_k, y_k and 1 / s_k·y_k, oldest first.
  var pairs: [(change: Tensor, gradientChange: Tensor, curvature: Double)] = []
  /// The first guess of the inverse Hessian is this number times the identity.
  var scale = 1.0

  /// Remembers a step.
  ///
  /// - Parameters:
  ///   - least: steps of no more curvature are left out, as they would make the Hessian indefinite.
  ///   - limit: how many steps are remembered; the oldest goes.
  mutating func add(
    change: Tensor, gradientChange: Tensor, above least: Double, limit: Int
  ) throws(TorchError) {
    let curvature = try inner(gradientChange, change)
    guard curvature > least else { return }
    if pairs.count == limit { pairs.removeFirst() }
    pairs.append((change, gradientChange, 1 / curvature))
    scale = curvature / (try inner(gradientChange, gradientChange))
  }

  /// The inverse Hessian of the history times the negative gradient.
  func direction(for gradient: Tensor) throws(TorchError) -> Tensor {
    var q = try -gradient
    var weights: [Double] = []
    for pair in pairs.reversed() {
      let weight = try inner(pair.change, q) * pair.curvature
      weights.append(weight)
      q = try q - pair.gradientChange * weight
    }
    var r = try q * scale
    for (pair, weight) in zip(pairs, weights.reversed()) {
      let correction = try inner(pair.gradientChange, r) * pair.curvature
      r = try r + pair.change * (weight - correction)
    }
    return r
  }
}

func inner(_ a: Tensor, _ b: Tensor) throws(TorchError) -> Double { try (a * b).sum().item() }

/// The largest magnitude of an element.
func largest(_ vector: Tensor) throws(TorchError) -> Double { try vector.magnitude().max().item() }
