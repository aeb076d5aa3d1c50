import Torch

/// Order similarity (Vendrov et al., "Order-Embeddings of Images and Language", ICLR 2016) as VSE++ computes it:
/// S(x, y) = −‖max(0, y − x)‖, 0 where y lies below x in every coordinate.
///
/// The norm is not squared, unlike in the paper. Nothing of size `[n, m, d]` ever exists: scores and gradients come
/// from tiles of a few pairs.
public enum OrderSimilarity {
  /// Numbers in a tile: small enough for the processor's cache.
  private static let tile = 1 << 17

  /// Scores of the rows of `x` `[n, d]` against the rows of `y` `[m, d]`: `[n, m]`, without a graph; of float32 on the
  /// cpu by a kernel that adds up in registers.
  ///
  /// - Complexity: O(n · m · d) time, O(n · m) memory.
  public static func scores(_ x: Tensor, _ y: Tensor) throws(TorchError) -> Tensor {
    if x.dtype == .float32, y.dtype == .float32, x.device == .cpu, y.device == .cpu {
      return try x.orderScores(against: y)
    }
    return try withoutGradient { () throws(TorchError) in
      let (n, m) = (x.size(along: 0), y.size(along: 0))
      let (rows, columns) = sides(n, m, width: x.size(along: 1))
      var bands: [Tensor] = []
      for i in stride(from: 0, to: n, by: rows) {
        let anchors = try x[i..<min(i + rows, n)].unsqueezed(at: 1)
        var band: [Tensor] = []
        for j in stride(from: 0, to: m, by: columns) {
          let excess = try (y[j..<min(j + columns, m)].unsqueezed(at: 0) - anchors).relu()
          band.append(try -excess.norm(along: 2))
        }
        bands.append(try Tensor.concatenated(band, along: 1))
      }
      return bands.isEmpty ? try Tensor.zeros([n, m], x.dtype, on: x.device) : try Tensor.concatenated(bands)
    }
  }

  /// Gradients by `x` and `y` of Σ G · S; zero where a score is 0, whose root has no slope.
  ///
  /// - Parameters:
  ///   - weights: G, `[n, m]`; pairs of weight 0 cost nothing where they are the most.
  ///   - scores: S, as ``scores(_:_:)`` gave it.
  static func slopes(
    _ weights: Tensor, _ scores: Tensor, _ x: Tensor, _ y: Tensor
  ) throws(TorchError) -> (x: Tensor, y: Tensor) {
    try withoutGradient { () throws(TorchError) in
      let ordered = try scores .>= 0
      // S = −r: dS/dx = e / r and dS/dy = −e / r with the excess e.
      let shares = try weights / (-scores).masked(with: ordered, fill: 1)
      let factors = try shares.masked(with: ordered, fill: 0)
      let pairs = try factors.nonZero()
      return try pairs.size(along: 0) * 4 < factors.count
        ? listed(pairs, factors, x, y) : tiled(factors, x, y)
    }
  }

  private static func tiled(
    _ factors: Tensor, _ x: Tensor, _ y: Tensor
  ) throws(TorchError) -> (x: Tensor, y: Tensor) {
    let (n, m) = (x.size(along: 0), y.size(along: 0))
    let (rows, columns) = sides(n, m, width: x.size(along: 1))
    var byX: [Tensor] = []
    var byY = try y.zerosLike()
    for i in stride(from: 0, to: n, by: rows) {
      let band = i..<min(i + rows, n)
      let anchors = try x[band].unsqueezed(at: 1)
      var own = try x[band].zerosLike()
      var others: [Tensor] = []
      for j in stride(from: 0, to: m, by: columns) {
        let places = j..<min(j + columns, m)
        let excess = try (y[places].unsqueezed(at: 0) - anchors).relu()
        let part = try factors[band].narrowed(to: places, along: 1)
        own = try own + part.unsqueezed(at: 1).matmul(excess).squeezed(at: 1)
        others.append(
          try part.transposed().unsqueezed(at: 1).matmul(excess.transposed(0, 1)).squeezed(at: 1))
      }
      byX.append(own)
      byY = try byY - Tensor.concatenated(others)
    }
    return (try Tensor.concatenated(byX), byY)
  }

  private static func listed(
    _ pairs: Tensor, _ factors: Tensor, _ x: Tensor, _ y: Tensor
  ) throws(TorchError) -> (x: Tensor, y: Tensor) {
    var (byX, byY) = (try x.zerosLike(), try y.zerosLike())
    let step = max(1, tile / max(1, x.size(along: 1)))
    for start in stride(from: 0, to: pairs.size(along: 0), by: step) {
      let some = try pairs[start..<min(start + step, pairs.size(along: 0))]
      let (i, j) = (try some.selected(0, along: 1), try some.selected(1, along: 1))
      let excess = try (y.rows(at: j) - x.rows(at: i)).relu()
      let pull = try excess * factors.elements(at: i, j).unsqueezed(at: 1)
      byX = try byX.adding(pull, at: i)
      byY = try byY.adding(-pull, at: j)
    }
    return (byX, byY)
  }

  /// Rows and columns of a tile.
  private static func sides(_ n: Int, _ m: Int, width: Int) -> (Int, Int) {
    let pairs = max(1, tile / max(1, width))
    let columns = max(1, min(m, max(8, Int(Double(pairs).squareRoot()))))
    return (max(1, min(n, pairs / columns)), columns)
  }
}
