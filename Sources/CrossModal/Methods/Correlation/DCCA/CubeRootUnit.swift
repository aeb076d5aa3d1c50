import Torch

/// The cube-root sigmoid s, the inverse of y³/3 + y (Andrew et al., ICML 2013, section 3): odd, monotone, and
/// growing like ∛(3x), so that it never saturates.
///
/// Since 4 sinh³t + 3 sinh t = sinh 3t, it is s(x) = 2 sinh(asinh(3x/2) / 3), without a loss of digits near 0.
/// - Returns: s(x) of x's shape; its gradient is 1 / (1 + s(x)²).
func cubeRootUnit(_ x: Tensor) throws -> Tensor {
  let start = try x.detached()
  let y = try withoutGradient { try ((start * 1.5).asinh() / 3).sinh() * 2 }
  guard x.requiresGradient else { return y }
  // The value is y and the slope comes from y alone.
  return try y + (x - start) * (y.squared() + 1).reciprocal()
}
