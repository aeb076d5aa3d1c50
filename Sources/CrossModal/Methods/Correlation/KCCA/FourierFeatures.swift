import Foundation
import Torch

/// Random features whose inner products approach a kernel that depends on differences only:
/// √(2/D) cos(xW + b) (Rahimi & Recht, NIPS 2007; Lopez-Paz et al., ICML 2014).
public struct FourierFeatures: Sendable {
  /// W', one frequency a row, `[D, p]`.
  public let frequencies: Tensor
  /// b, `[D]`.
  public let phases: Tensor

  public init(frequencies: Tensor, phases: Tensor) {
    self.frequencies = frequencies
    self.phases = phases
  }

  /// Draws frequencies for an rbf kernel (normal, variance 2γ) or a laplacian one (Cauchy, scale γ).
  ///
  /// - Parameters:
  ///   - count: D.
  ///   - width: p.
  ///   - isOrthogonal: frequencies of a block of p at right angles (Yu et al., NIPS 2016); rbf only.
  /// - Throws: ``KernelError/unsupported(_:)`` for other kernels.
  public init(
    of kernel: any Kernel, count: Int, width: Int, isOrthogonal: Bool = false, seed: UInt64
  ) throws {
    let generator = try Generator(seed: seed)
    switch kernel {
    case let kernel as RBFKernel:
      let unit =
        isOrthogonal
        ? try FourierFeatures.orthogonal(count, width, generator)
        : try Tensor.normal([count, width], .float64, using: generator)
      frequencies = try unit * (2 * kernel.gamma).squareRoot()
    case let kernel as LaplacianKernel where !isOrthogonal:
      let angles = try Tensor.uniform([count, width], in: -0.5..<0.5, .float64, using: generator) * Double.pi
      frequencies = try angles.sin() / angles.cos() * kernel.gamma
    default:
      throw KernelError.unsupported(
        "solver rff needs an rbf kernel"
          + (isOrthogonal ? " for orthogonal frequencies" : ", or a laplacian one") + "; use pgso or nystrom")
    }
    phases = try Tensor.uniform([count], in: 0..<(2 * Double.pi), .float64, using: generator)
  }

  private static func orthogonal(_ count: Int, _ width: Int, _ generator: Generator) throws -> Tensor {
    let blocks = try (0..<((count + width - 1) / width)).map { _ in
      let turn = try Tensor.normal([width, width], .float64, using: generator).qr().q
      let lengths = try Tensor.normal([width, width], .float64, using: generator).norm(along: 1)
      return try turn * lengths.unsqueezed(at: 1)
    }
    return try Tensor.concatenated(blocks)[0..<count]
  }

  /// - Parameter rows: `[n, p]`.
  /// - Returns: `[n, D]`.
  public func features(_ rows: Tensor) throws -> Tensor {
    try phases.addingProduct(rows.to(.float64), frequencies.transposed()).cos()
      * (2 / Double(max(1, phases.count))).squareRoot()
  }
}
