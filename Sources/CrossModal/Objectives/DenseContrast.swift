import Torch

/// The objective of DenseCL (Wang et al., CVPR 2021, eq. 2 and 3): two views of pictures are contrasted as wholes, and
/// cell by cell, (1 - λ) · L_global + λ · L_dense. With λ = 0 it is that of MoCo-v2.
///
/// Every cell of the query view has for its own key the cell of the key view that it belongs to (``CellMatching``), and
/// for others a queue of averaged cells of other pictures. Gradient flows into what the query view was projected to, and
/// nowhere else. Where it differs from the released program: maps are pooled to the same grid as their projections
/// before they are matched, which that program forgets.
public struct DenseContrast: Sendable {
  public let contrast: QueueContrast
  /// λ, from 0 to 1.
  public let lambda: Double
  public let matching: CellMatching

  /// - Throws: ``ObjectiveError`` for a λ outside of 0...1.
  public init(_ contrast: QueueContrast, lambda: Double, matching: CellMatching = .argmax) throws {
    guard (0...1).contains(lambda) else {
      throw ObjectiveError.badSetting("lambda", lambda, expected: "from 0 to 1")
    }
    self.contrast = contrast
    self.lambda = lambda
    self.matching = matching
  }

  /// A view of a batch of pictures, as the network gives it: nothing is normalized.
  public struct View {
    /// Maps of the backbone for matching, `[n, channels, cells]`.
    public var map: Tensor
    /// `[n, d]`.
    public var global: Tensor
    /// `[n, d, cells]`.
    public var grid: Tensor
    /// Mean over the cells of ``grid``, `[n, d]`.
    public var pooled: Tensor

    public init(map: Tensor, global: Tensor, grid: Tensor, pooled: Tensor) {
      self.map = map
      self.global = global
      self.grid = grid
      self.pooled = pooled
    }
  }

  /// Both losses with their weights in them, and what else there is to see.
  public struct Value {
    /// (1 - λ) · L_global and λ · L_dense, scalars.
    public let single: Tensor
    public let dense: Tensor
    /// Share of the cells that are nearer to their key than to the queue; nil where λ is 0.
    public let denseAccuracy: Tensor?
    public let matches: CellMatches
    /// Keys for the queues, `[n, d]` of norm 1, without a graph.
    public let keys: Tensor
    public let denseKeys: Tensor

    /// What is minimized.
    public var total: Tensor { get throws(TorchError) { try single + dense } }
  }

  /// - Parameters:
  ///   - query: the view that learns.
  ///   - key: the other view; no gradient flows there.
  ///   - queue: keys of other pictures, `[k, d]`.
  ///   - denseQueue: averaged cells of other pictures, `[k, d]`.
  ///   - places: for each cell of the query the one of the key, for ``CellMatching/geometry``.
  ///   - computesBoth: whether a loss of weight 0 is computed, too.
  /// - Throws: ``ObjectiveError`` for sizes that do not fit.
  public func callAsFunction(
    _ query: View, _ key: View, queue: Tensor, denseQueue: Tensor, places: [[Int?]]? = nil,
    computesBoth: Bool = false
  ) throws -> Value {
    guard query.map.size(along: 2) == query.grid.size(along: 2),
      key.map.size(along: 2) == key.grid.size(along: 2)
    else {
      throw ObjectiveError.unequalCounts(
        "cells of the maps", query.map.size(along: 2), "cells of what they were projected to",
        query.grid.size(along: 2))
    }
    let nothing = try Tensor.zeros([], query.global.dtype, on: query.global.device)
    let keys = try key.global.detached().normalized(along: 1)
    var single = nothing
    if lambda < 1 || computesBoth {
      let queries = try query.global.normalized(along: 1)
      single =
        try contrast(queries, positives: (queries * keys).sum(along: 1), queue: queue).loss * (1 - lambda)
    }
    let matches: CellMatches =
      if let places, matching == .geometry {
        try CellMatches(query.map, key.map, places: places)
      } else {
        try CellMatches(query.map, key.map, isMutual: matching == .mutual)
      }
    var (dense, accuracy) = (nothing, Tensor?.none)
    if lambda > 0 || computesBoth {
      let cells = try query.grid.normalized(along: 1)
      let own = try key.grid.detached().normalized(along: 1).columns(at: matches.indices)
      var rows = try cells.transposed(1, 2).reshaped(-1, cells.size(along: 1))
      var positives = try (cells * own).sum(along: 1).flattened()
      if let counted = matches.counted {
        let kept = try counted.flattened().nonZero().squeezed(at: 1)
        (rows, positives) = try (rows.rows(at: kept), positives.rows(at: kept))
      }
      let found = try contrast(rows, positives: positives, queue: denseQueue)
      (dense, accuracy) = (try found.loss * lambda, found.accuracy)
    }
    return Value(
      single: single, dense: dense, denseAccuracy: accuracy, matches: matches, keys: keys,
      denseKeys: try key.pooled.detached().normalized(along: 1))
  }
}
