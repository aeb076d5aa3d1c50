import Foundation
import Torch

/// Shares of a grid of cells as a picture: enlarged, going over from one cell to the next, then blurred.
public struct AttentionMap {
  /// Pixels of a side of a cell.
  public let scale: Int
  /// Deviation of the blur, in pixels; 0 for none.
  public let sigma: Double

  public init(scale: Int, sigma: Double) {
    self.scale = scale
    self.sigma = sigma
  }

  /// The map before and after the blur, each `[rows · scale, columns · scale]`.
  ///
  /// Bilinear, with the middles of cells on the middles of their pixels and edges held; the blur is normal, cut off at
  /// int(4 sigma + 0.5) pixels, and mirrored at the edges with the edge repeated.
  ///
  /// - Parameter shares: floating point `[rows, columns]`.
  public func callAsFunction(_ shares: Tensor) throws -> (enlarged: Tensor, smoothed: Tensor) {
    let (rows, columns) = (shares.size(along: 0), shares.size(along: 1))
    func along(_ weights: (Int) -> [[Double]], _ x: Tensor, _ height: Int, _ width: Int) throws -> Tensor {
      let (down, across) = (weights(height), weights(width))
      let left = try Tensor(down.flatMap(\.self), shape: [down.count, height]).to(x.dtype)
      let right = try Tensor(across.flatMap(\.self), shape: [across.count, width]).to(x.dtype)
      return try left.matmul(x).matmul(right.transposed())
    }
    let enlarged = try along(enlarging, shares, rows, columns)
    guard sigma > 0 else { return (enlarged, enlarged) }
    return (enlarged, try along(blurring, enlarged, rows * scale, columns * scale))
  }

  /// Weights of the cells of a line for each of its pixels.
  private func enlarging(_ cells: Int) -> [[Double]] {
    (0..<cells * scale).map { pixel in
      let at = (Double(pixel) + 0.5) / Double(scale) - 0.5
      let held = max(0, min(Double(cells - 1), at))
      let first = Int(held)
      var weights = [Double](repeating: 0, count: cells)
      weights[first] += 1 - (held - Double(first))
      weights[min(cells - 1, first + 1)] += held - Double(first)
      return weights
    }
  }

  /// Weights of the pixels of a line for each of them.
  private func blurring(_ pixels: Int) -> [[Double]] {
    let radius = Int(4 * sigma + 0.5)
    let kernel = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = kernel.reduce(0, +)
    return (0..<pixels).map { pixel in
      var weights = [Double](repeating: 0, count: pixels)
      for (place, weight) in kernel.enumerated() {
        // Twice the line is a whole turn there and back.
        let turn = ((pixel + place - radius) % (2 * pixels) + 2 * pixels) % (2 * pixels)
        weights[min(turn, 2 * pixels - 1 - turn)] += weight / sum
      }
      return weights
    }
  }
}
