extension LBFGS {
  /// Where a smooth function of a vector is lowest, for functions whose gradient has a closed form.
  ///
  /// - Parameters:
  ///   - start: where to begin, float64.
  ///   - tolerance: the search ends when no element of the gradient is larger, or when rounding leaves nothing to gain.
  ///   - history: steps that are remembered.
  ///   - iterations: after which the search ends anyhow.
  ///   - function: value and gradient at a vector.
  /// - Throws: what the function throws.
  public static func minimum(
    from start: Tensor, tolerance: Double, history: Int = 20, iterations: Int = 5000,
    of function: (Tensor) throws -> (value: Double, gradient: Tensor)
  ) throws -> Tensor {
    var place = start
    var (loss, gradient) = try function(start)
    var curvature = CurvatureHistory()
    var iteration = 0
    while iteration < iterations, try largest(gradient) > tolerance {
      iteration += 1
      var direction = try curvature.direction(for: gradient)
      var slope = try inner(gradient, direction)
      if !(slope < 0) {
        // What was remembered no longer describes the function.
        curvature = CurvatureHistory()
        direction = try -gradient
        slope = try inner(gradient, direction)
      }
      let origin = LineSearch.Point(length: 0, loss: loss, gradient: gradient, slope: slope)
      let search = LineSearch(
        origin: origin, reach: try largest(direction), tolerance: 0, rounding: 1e-15 * abs(loss))
      let first = curvature.pairs.isEmpty ? 1 / max(1, try largest(gradient)) : 1
      let found = try search.run(from: first) { length in
        let (loss, gradient) = try function(place + direction * length)
        let slope = try inner(gradient, direction)
        return LineSearch.Point(length: length, loss: loss, gradient: gradient, slope: slope)
      }
      guard found.length > 0 else { break }
      let change = try direction * found.length
      try curvature.add(
        change: change, gradientChange: found.gradient - gradient, above: 0, limit: history)
      (place, loss, gradient) = (try place + change, found.loss, found.gradient)
    }
    return place
  }
}
