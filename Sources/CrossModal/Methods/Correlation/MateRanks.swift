import Torch

/// How held-out pairs rank their mates, from scores `[m, m]` of every first item with every second of m pairs.
struct MateRanks {
  /// 1 where items are of other pairs, 0 where they are mates or share an item with one.
  private let others: Tensor

  /// - Parameter items: which item of each side a pair has, `[side][pair]`; nil where every pair has its own.
  init(pairs count: Int, items: [[Int]]?) throws {
    guard let items else {
      others = try 1.0 - Tensor.identity(count, .float64)
      return
    }
    // A pair that shares its first item with another has that one's second item for a mate too, and the other way round.
    let shared = try items.prefix(2).map { own in
      let own = try Tensor(own)
      return try (own.unsqueezed(at: 1) .== own).to(.float64)
    }
    others = try 1.0 - shared.dropFirst().reduce(shared[0]) { try $0.maximum($1) }
  }

  /// Ranks of the mates in both directions, from 1, `[2, m]`; equals count half.
  func ranks(_ scores: Tensor) throws -> Tensor {
    let own = try scores.diagonal()
    func ranks(_ scores: Tensor) throws -> Tensor {
      let mates = try own.unsqueezed(at: 1)
      let better = try (scores .> mates).to(.float64) + (scores .== mates).to(.float64) * 0.5
      return try (better * others).sum(along: 1) + 1.0
    }
    return try Tensor.stacked([ranks(scores), ranks(scores.transposed())])
  }

  /// Mean of the logarithms of the ranks: 0 when every mate comes first.
  func meanLogRank(_ scores: Tensor) throws -> Double { try ranks(scores).log().mean().item() }

  /// Share of mates that come first.
  func recall(_ scores: Tensor) throws -> Double { try (ranks(scores) .<= 1.0).to(.float64).mean().item() }
}
