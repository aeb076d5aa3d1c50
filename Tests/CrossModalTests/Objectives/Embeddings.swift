import CrossModal
import Torch

/// Vectors to try objectives on, in float64.
struct Embeddings {
  let x: Tensor
  let y: Tensor
  let labelsX: Tensor
  let labelsY: Tensor

  /// Random rows of both sides with labels from a few classes.
  init(_ rows: Int = 11, _ columns: Int = 13, size: Int = 5, classes: Int = 4, seed: UInt64 = 7) throws {
    let generator = try Generator(seed: seed)
    x = try Tensor.normal([rows, size], .float64, using: generator).requiringGradient()
    y = try Tensor.normal([columns, size], .float64, using: generator).requiringGradient()
    labelsX = try Tensor.integers(in: 0..<classes, [rows], using: generator)
    labelsY = try Tensor.integers(in: 0..<classes, [columns], using: generator)
  }

  var matches: Matches { Matches(ids: labelsX, labelsY) }

  /// Value and gradients by both sides.
  func value<Loss: PairLoss>(_ objective: PairObjective<Loss>) throws -> (total: Double, x: Tensor, y: Tensor)
  {
    let total = try objective(x, y, matches).total
    let slopes = try Tensor.gradients(of: [total], by: [x, y])
    return (try total.item(), try slopes[0] ?? x.zerosLike(), try slopes[1] ?? y.zerosLike())
  }
}

/// The slope of `loss` by the elements of `x` from differences.
func numericSlope(_ x: Tensor, step: Double = 1e-6, of loss: (Tensor) throws -> Tensor) throws -> Tensor {
  let numbers = try x.values(as: Double.self)
  let slopes = try numbers.indices.map { place in
    var (above, below) = (numbers, numbers)
    above[place] += step
    below[place] -= step
    let up = try loss(Tensor(above, shape: x.shape)).item()
    let down = try loss(Tensor(below, shape: x.shape)).item()
    return (up - down) / (2 * step)
  }
  return try Tensor(slopes, shape: x.shape)
}

func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-9) -> Bool { abs(a - b) <= tolerance }
