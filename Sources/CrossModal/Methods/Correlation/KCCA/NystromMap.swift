import Torch

/// Features from kernel values with a few landmarks: K(x, L) K_LL^(-1/2) (Williams & Seeger, NIPS 2000).
public struct NystromMap: Sendable {
  /// How landmarks are drawn.
  public enum Sampler: String, Codable, Sendable, CaseIterable {
    /// Every row alike.
    case uniform
    /// Far from those already drawn, in the space of features (k-means++, Arthur & Vassilvitskii 2007).
    case kmeans = "kmeans++"
    /// By ridge leverage scores (Alaoui & Mahoney, NIPS 2015).
    case leverage
  }

  /// The symmetric root of the inverse of the kernel matrix of the landmarks, `[m, m]`.
  public let root: Tensor
  /// The symmetric root of that matrix itself, `[m, m]`: undoes ``root`` on features.
  let inverseRoot: Tensor
  /// Eigenvalues above the cut.
  public let rank: Int

  /// - Parameters:
  ///   - landmarks: kernel matrix of the landmarks, `[m, m]`.
  ///   - tolerance: eigenvalues below this times the largest are left out.
  public init(landmarks: Tensor, tolerance: Double = 1e-10) throws {
    let (ascending, vectors) = try landmarks.symmetricEigen()
    let all = try ascending.values(as: Double.self)
    let kept = all.indices.filter { all[$0] > 0 && all[$0] > tolerance * (all.last ?? 0) }
    let axes = try vectors.rows(at: kept, along: 1)
    let roots = try Tensor(kept.map { all[$0] }).squareRoot()
    root = try (axes / roots).matmul(axes.transposed())
    inverseRoot = try (axes * roots).matmul(axes.transposed())
    rank = kept.count
  }

  /// - Parameter values: k(row, landmarks), `[n, m]`.
  /// - Returns: features, `[n, m]`.
  public func features(ofKernelValues values: Tensor) throws -> Tensor { try values.matmul(root) }

  /// Draws `count` different rows, or all when there are fewer, in the order drawn.
  ///
  /// - Parameter rows: training rows or a sample of them; leverage scores use the first 3000, chosen by seed.
  public static func landmarks(
    _ count: Int, of rows: Tensor, kernel: any Kernel, sampler: Sampler, seed: UInt64
  ) throws -> [Int] {
    let n = rows.size(along: 0)
    let generator = try Generator(seed: seed)
    let count = min(count, n)
    switch sampler {
    case .uniform:
      return Array(try Tensor.permutation(n, using: generator).values(as: Int.self).prefix(count))
    case .kmeans:
      return try farLandmarks(count, of: rows, kernel: kernel, generator)
    case .leverage:
      let pool = try Tensor.permutation(n, using: generator).values(as: Int.self).prefix(max(3000, count))
      let places = try kernel.points(rows, at: Array(pool))
      let gram =
        kernel is PrecomputedKernel
        ? try kernel.values(rows.rows(at: Array(pool)), places) : try kernel.gram(places)
      let trace: Double = try gram.trace().item()
      let ridge = max(trace / Double(count), .leastNormalMagnitude)
      let regular = try gram + Tensor.identity(pool.count, .float64) * ridge
      let scores = try 1.0 - regular.inverse().diagonal() * ridge
      let drawn = try scores.clamped(from: 1e-12).multinomial(count, using: generator)
      return try drawn.values(as: Int.self).map { pool[$0] }
    }
  }

  private static func farLandmarks(
    _ count: Int, of rows: Tensor, kernel: any Kernel, _ generator: Generator
  ) throws -> [Int] {
    let n = rows.size(along: 0)
    let column = try kernel.columns(rows)
    let norms = try kernel.diagonal(rows)
    var chosen = [try Tensor.integers(in: 0..<n, [1], using: generator).item(as: Int.self)]
    var nearest = try Tensor.full([n], .infinity, .float64)
    while chosen.count < count, let last = chosen.last {
      let distance = try norms + norms[last] - column(last) * 2.0
      nearest = try nearest.minimum(distance.clamped(from: 0))
        .replacing(Tensor(chosen), with: Tensor.zeros([chosen.count], .float64))
      // Rows that repeat a landmark add nothing.
      guard try nearest.sum().item(as: Double.self) > 0 else { break }
      chosen.append(try nearest.multinomial(1, using: generator).item(as: Int.self))
    }
    return chosen
  }
}
