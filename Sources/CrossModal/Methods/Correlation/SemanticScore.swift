import Torch

/// How two vectors of a common space, or two class posteriors, are compared; larger is closer, distances are
/// negated (`scm.md` section 3).
public enum SemanticScore: String, Codable, Sendable, CaseIterable {
  /// -Σ |p - q|.
  case l1
  /// -√Σ (p - q)².
  case l2
  /// Inner product over the product of norms; 0 for a zero vector.
  case nc
  /// ``nc`` after each vector's own mean is subtracted; 0 for a constant vector.
  case ncc
  /// Inner product: the probability of the same class when both are independent posteriors.
  case dot
  /// -Σ p ln(p / q), p the query, both at least 1e-12.
  case kl
  /// The mean of ``kl`` in both directions.
  case klSymmetric = "kl_sym"
  /// Minus the Jensen-Shannon divergence, natural logarithm, no root.
  case js
  /// Inner product over the sum of norms, as the co-author's program computes what it calls nc.
  case ncSum = "nc_sum"

  /// Whether vectors must be distributions.
  public var needsPosteriors: Bool { [.kl, .klSymmetric, .js].contains(self) }

  /// Whether exchanging p and q changes nothing.
  public var isSymmetric: Bool { self != .kl }

  /// Scores of the rows of `p` `[n, d]` (queries) against the rows of `q` `[m, d]`: float64 `[n, m]`.
  ///
  /// - Throws: ``CorrelationError/impossible(_:)`` for negative entries where posteriors are needed.
  /// - Complexity: O(n · m · d); `js` a block of queries at a time.
  public func scores(_ p: Tensor, _ q: Tensor) throws -> Tensor {
    let (p, q) = (try p.to(.float64), try q.to(.float64))
    if needsPosteriors {
      guard try !(p .< 0.0).any(), try !(q .< 0.0).any() else {
        throw CorrelationError.impossible("\(rawValue) compares class posteriors; found negative entries")
      }
    }
    switch self {
    case .l1: return try -p.distances(to: q, order: 1)
    case .l2: return try -p.distances(to: q)
    case .nc: return try unit(p).matmul(unit(q).transposed())
    case .ncc: return try unit(centered(p)).matmul(unit(centered(q)).transposed())
    case .dot: return try p.matmul(q.transposed())
    case .kl: return try divergence(floored(p), floored(q))
    case .klSymmetric:
      let (p, q) = (try floored(p), try floored(q))
      return try (divergence(p, q) + divergence(q, p).transposed()) * 0.5
    case .js: return try jensenShannon(floored(p), floored(q))
    case .ncSum:
      let sums = try p.norm(along: 1).unsqueezed(at: 1) + q.norm(along: 1)
      return try (p.matmul(q.transposed()) / sums).masked(with: sums .== 0.0, fill: 0)
    }
  }

  private func unit(_ x: Tensor) throws -> Tensor {
    let norms = try x.norm(along: 1, keepingDimension: true)
    return try (x / norms).masked(with: norms .== 0.0, fill: 0)
  }

  /// Without the mean of each row; rows that are constant but for rounding become zero.
  private func centered(_ x: Tensor) throws -> Tensor {
    let rest = try x - x.mean(along: 1, keepingDimension: true)
    let isConstant =
      try rest.norm(along: 1, keepingDimension: true)
      .<= (x.norm(along: 1, keepingDimension: true) * 1e-14)
    return try rest.masked(with: isConstant, fill: 0)
  }

  private func floored(_ x: Tensor) throws -> Tensor { try x.clamped(from: 1e-12) }

  private func divergence(_ p: Tensor, _ q: Tensor) throws -> Tensor {
    try p.matmul(q.log().transposed()) - (p * p.log()).sum(along: 1, keepingDimension: true)
  }

  private func jensenShannon(_ p: Tensor, _ q: Tensor) throws -> Tensor {
    let own = try (p * p.log()).sum(along: 1, keepingDimension: true)
    let other = try (q * q.log()).sum(along: 1)
    let block = max(1, (1 << 22) / max(1, q.count))
    let parts = try stride(from: 0, to: p.size(along: 0), by: block).map { start in
      let range = start..<min(start + block, p.size(along: 0))
      let mean = try (p[range].unsqueezed(at: 1) + q.unsqueezed(at: 0)) * 0.5
      return try (mean * mean.log()).sum(along: 2) - (own[range] + other) * 0.5
    }
    return parts.isEmpty ? try Tensor.zeros([0, q.size(along: 0)], .float64) : try Tensor.concatenated(parts)
  }
}
