import Torch

/// Which cell of one map belongs to each cell of another (DenseCL, Wang et al., CVPR 2021, section 3.3).
///
/// The maps may be of two views of a picture or of two modalities, and their grids may differ in size.
public enum CellMatching: String, Sendable, Codable, CaseIterable {
  /// The most similar one.
  case argmax
  /// The most similar one where each is the most similar one of the other; other cells do not count.
  case mutual
  /// The one that lies nearest in the picture that both views were cut from; cells outside of the other view do not
  /// count.
  case geometry
}

/// For each cell of a map the cell of another that it belongs to.
public struct CellMatches {
  /// int64 `[n, cells]`.
  public let indices: Tensor
  /// Cosine of each cell with the one it belongs to, `[n, cells]`.
  public let similarities: Tensor
  /// Whether each cell counts, bool `[n, cells]`; nil when all do.
  public let counted: Tensor?
  /// Share of the cells that are the most similar ones of those that are their most similar ones, a scalar.
  public let mutual: Tensor

  /// The cosine of every cell of a map with every cell of another: `[n, cells of a, cells of b]`, without a graph.
  ///
  /// - Parameters:
  ///   - a: `[n, channels, cells of a]`.
  ///   - b: `[n, channels, cells of b]`.
  /// - Throws: ``ObjectiveError`` for maps of different numbers or channels.
  public static func similarities(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    guard a.size(along: 0) == b.size(along: 0) else {
      throw ObjectiveError.unequalCounts(
        "maps of one view", a.size(along: 0), "those of the other", b.size(along: 0))
    }
    guard a.size(along: 1) == b.size(along: 1) else {
      throw ObjectiveError.unequalSizes(
        "maps of one view", a.size(along: 1), "those of the other", b.size(along: 1))
    }
    return try withoutGradient {
      try a.detached().normalized(along: 1).transposed(1, 2).matmul(b.detached().normalized(along: 1))
    }
  }

  /// The matches of cells by what they look like: of equally similar ones the first. Products are made for a few
  /// pictures at a time and not kept.
  ///
  /// - Parameters:
  ///   - a: `[n, channels, cells of a]`.
  ///   - b: `[n, channels, cells of b]`.
  ///   - presence: which cells of b there are, bool `[n, cells of b]`; nil for all. Others belong to none.
  ///   - isMutual: whether only cells count that choose each other.
  /// - Throws: ``ObjectiveError`` for maps of different numbers or channels.
  public init(_ a: Tensor, _ b: Tensor, presence: Tensor? = nil, isMutual: Bool = false) throws {
    let count = a.size(along: 0)
    let each = max(1, (1 << 22) / max(1, a.size(along: 2) * b.size(along: 2)))
    var parts: [(indices: Tensor, similarities: Tensor, isMutual: Tensor)] = []
    for start in stride(from: 0, to: max(1, count), by: each) {
      let range = start..<min(start + each, count)
      var products = try Self.similarities(a[range], b[range])
      if let presence {
        products = try products.masked(with: presence[range].not().unsqueezed(at: 1), fill: -.infinity)
      }
      let found = try products.maximum(along: 2)
      let back = try products.argmax(along: 1)
      let own = try Tensor.range(0..<a.size(along: 2), on: a.device).unsqueezed(at: 0)
      parts.append(
        (found.indices, found.values, try back.gathered(found.indices, along: 1) .== own))
    }
    indices = try Tensor.concatenated(parts.map(\.indices))
    similarities = try Tensor.concatenated(parts.map(\.similarities))
    let chosen = try Tensor.concatenated(parts.map(\.isMutual))
    counted = isMutual ? chosen : nil
    mutual = try chosen.to(a.dtype).mean()
  }

  /// Matches that are known, such as those by geometry, with what the cells look like beside them.
  ///
  /// - Parameters:
  ///   - a: `[n, channels, cells of a]`.
  ///   - b: `[n, channels, cells of b]`.
  ///   - places: for each cell of a that of b; nil for one that does not count, `[n][cells of a]`.
  /// - Throws: ``ObjectiveError`` for maps of different numbers or channels.
  public init(_ a: Tensor, _ b: Tensor, places: [[Int?]]) throws {
    let found = try CellMatches(a, b)
    let shape = [a.size(along: 0), a.size(along: 2)]
    indices = try Tensor(places.joined().map { $0 ?? 0 }, shape: shape).to(a.device)
    counted = try Tensor(places.joined().map { $0 != nil }, shape: shape).to(a.device)
    let other = try b.detached().normalized(along: 1).columns(at: indices)
    similarities = try (a.detached().normalized(along: 1) * other).sum(along: 1)
    mutual = found.mutual
  }
}

extension Tensor {
  /// Of maps `[n, channels, cells]` the cells at places int64 `[n, m]` of each: `[n, channels, m]`.
  func columns(at places: Tensor) throws(TorchError) -> Tensor {
    let wide = try places.unsqueezed(at: 1)
      .expanded(to: [size(along: 0), size(along: 1), places.size(along: 1)])
    return try gathered(wide, along: 2)
  }
}
