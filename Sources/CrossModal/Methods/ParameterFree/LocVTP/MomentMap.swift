import Torch

/// The head of LocVTP's downstream program that scores moments on a map: cell (i, j) is the stretch from clip i to clip j,
/// and a convolution sees the neighbors of each (after Zhang et al., "2D-TAN", AAAI 2020).
///
/// Names as in the release: `featpool.conv`, `integrator.lstm.*`, `integrator.fc`, `integrator.conv`,
/// `predictor.convs.N`, `predictor.pred`.
final class MomentMap: Module {
  /// Sizes of the head.
  struct Sizes: Sendable, Equatable {
    /// Clips along each side of the map, and rows that they are averaged from.
    var clips = 16
    var rows = 16
    /// How many offsets each level of the map has; each level's offsets are twice as far apart as the last one's.
    var counts = [15]
    var inputs = 256
    var hidden = 64
    var querySize = 256
    var queryHidden = 64
    var queryLayers = 1
    var kernel = 3
    var layers = 2
  }

  @Named private var featpool: Part<Conv1d>
  private let integrator: Integrator
  private let predictor: Predictor
  private let sizes: Sizes
  /// The cells of the map that stand for moments, from the main diagonal outwards: `[clips][clips]` in row-major order.
  let isCell: [Bool]
  /// Lengths of the moments in clips beyond the first, and where each level's moments begin.
  private let offsets: [(offset: Int, starts: [Int])]

  init(_ sizes: Sizes, using generator: Generator) throws(TorchError) {
    self.sizes = sizes
    offsets = Self.offsets(clips: sizes.clips, counts: sizes.counts)
    var isCell = [Bool](repeating: false, count: sizes.clips * sizes.clips)
    for (offset, starts) in offsets {
      for start in starts { isCell[start * sizes.clips + start + offset] = true }
    }
    self.isCell = isCell
    _featpool = Named(
      wrappedValue: Part(conv: try Conv1d(from: sizes.inputs, to: sizes.hidden, kernel: 1, using: generator)),
      "featpool")
    integrator = try Integrator(sizes, using: generator)
    predictor = try Predictor(sizes, isCell, using: generator)
  }

  /// Offset 0 with every clip; then each level g of `counts` adds so many offsets, 2^g apart, whose moments begin every 2^g
  /// clips.
  static func offsets(clips: Int, counts: [Int]) -> [(offset: Int, starts: [Int])] {
    var (found, offset) = ([(offset: 0, starts: Array(0..<clips))], 0)
    for (level, count) in counts.enumerated() {
      let stride = 1 << min(level, 62)
      for _ in 0..<count {
        guard offset <= clips - stride else { return found }
        offset += stride
        let starts = Array(Swift.stride(from: 0, to: clips - offset, by: stride))
        if starts.isEmpty { return found }
        found.append((offset, starts))
      }
    }
    return found
  }

  /// What videos look like before anybody asks: `[b, hidden, clips]`, and their maps `[b, hidden, clips, clips]`, where
  /// cells that stand for no moment are 0.
  ///
  /// - Parameter features: `[b, rows, inputs]`.
  func map(of features: Tensor) throws -> (pooled: Tensor, map: Tensor) {
    let pooled = try featpool.conv(features.transposed(1, 2)).relu()
      .meanPooled(size: sizes.rows / sizes.clips)
    var (largest, reach) = (pooled, 0)
    var (parts, cells) = ([Tensor](), [Int]())
    for (offset, starts) in offsets {
      while reach < offset {
        reach += 1
        let width = sizes.clips - reach
        largest = try largest.narrowed(to: 0..<width, along: 2)
          .maximum(pooled.narrowed(to: reach..<sizes.clips, along: 2))
      }
      parts.append(try largest.rows(at: starts, along: 2))
      cells += starts.map { $0 * sizes.clips + $0 + offset }
    }
    let shape = [pooled.size(along: 0), sizes.hidden, sizes.clips * sizes.clips]
    let map = try Tensor.zeros(shape, pooled.dtype, on: pooled.device)
      .adding(Tensor.concatenated(parts, along: 2), at: Tensor(cells).to(pooled.device), along: 2)
    return (pooled, try map.reshaped(shape[0], sizes.hidden, sizes.clips, sizes.clips))
  }

  /// Maps and sentences together, each cell of norm 1: `[n, hidden, clips, clips]`.
  ///
  /// - Parameters:
  ///   - map: `[b, hidden, clips, clips]`.
  ///   - videos: the map that each sentence is about; nil where sentence i is about map i.
  ///   - queries: words of the sentences, `[n, w, querySize]`.
  ///   - lengths: words of each, 1 or more.
  func fused(_ map: Tensor, videos: [Int]? = nil, _ queries: Tensor, lengths: [Int]) throws -> Tensor {
    let seen = try integrator.conv(map)
    let asked = try integrator.sentence(queries, lengths: lengths).unsqueezed(at: 2).unsqueezed(at: 3)
    return try (asked * (videos.map { try seen.rows(at: $0) } ?? seen)).normalized(along: 1)
  }

  /// Scores before the sigmoid on all cells, `[n, clips, clips]`.
  func scores(_ fused: Tensor) throws -> Tensor { try predictor(fused) }

  /// Cross-entropy of the scores of the cells that stand for moments, the mean over all of them (a scalar).
  ///
  /// - Parameters:
  ///   - scores: `[n, clips, clips]`.
  ///   - overlaps: of each cell's moment with the true one, `[n, clips, clips]`.
  ///   - least: what counts as no overlap.
  ///   - most: what counts as a whole one.
  func loss(_ scores: Tensor, overlaps: Tensor, least: Double, most: Double) throws -> Tensor {
    let targets = try ((overlaps - least) / (most - least)).clamped(from: 0, to: 1)
    let entropy = try scores.softplus() - scores * targets
    let mask = try mask(like: scores)
    return try (entropy * mask).sum() / (mask.sum() * Double(scores.size(along: 0)))
  }

  /// Sigmoid of the scores, 0 where a cell stands for no moment.
  func probabilities(_ scores: Tensor) throws -> Tensor { try scores.sigmoid() * mask(like: scores) }

  private func mask(like scores: Tensor) throws -> Tensor {
    try Tensor(isCell.map { Float($0 ? 1 : 0) }, shape: [sizes.clips, sizes.clips]).to(scores.dtype)
      .to(scores.device)
  }
}

/// A convolution under the name `conv`.
private final class Part<Layer: Module>: Module {
  let conv: Layer

  init(conv: Layer) { self.conv = conv }
}

/// What puts maps and sentences together.
private final class Integrator: Module {
  let lstm: LSTM
  let fc: Linear
  let conv: Conv2d

  init(_ sizes: MomentMap.Sizes, using generator: Generator) throws(TorchError) {
    lstm = try LSTM(
      from: sizes.querySize, to: sizes.queryHidden, layers: sizes.queryLayers, using: generator)
    fc = try Linear(from: sizes.queryHidden, to: sizes.hidden, using: generator)
    conv = try Conv2d(from: sizes.hidden, to: sizes.hidden, kernel: 1, using: generator)
  }

  /// The last layer's output at the last word, mapped: `[n, hidden]`.
  func sentence(_ queries: Tensor, lengths: [Int]) throws -> Tensor {
    let output = try lstm(queries, lengths: lengths).output
    let (count, width) = (output.size(along: 0), output.size(along: 1))
    let last = lengths.enumerated().map { $0 * width + $1 - 1 }
    return try fc(output.reshaped(count * width, output.size(along: 2)).rows(at: last))
  }
}

/// Convolutions over a map of which each divides by how much of its window stands for moments.
private final class Predictor: Module {
  let convs: [Conv2d]
  let pred: Conv2d
  private let weights: [Tensor]

  init(_ sizes: MomentMap.Sizes, _ isCell: [Bool], using generator: Generator) throws(TorchError) {
    let padding = (sizes.kernel - 1) * sizes.layers / 2
    convs = try (0..<sizes.layers).map { layer throws(TorchError) in
      try Conv2d(
        from: sizes.hidden, to: sizes.hidden, kernel: sizes.kernel, padding: layer == 0 ? padding : 0,
        using: generator)
    }
    pred = try Conv2d(from: sizes.hidden, to: 1, kernel: 1, using: generator)
    let window = try Tensor.ones([1, 1, sizes.kernel, sizes.kernel])
    var mask = try Tensor(isCell.map { Float($0 ? 1 : 0) }, shape: [1, 1, sizes.clips, sizes.clips])
    var weights: [Tensor] = []
    for layer in 0..<sizes.layers {
      let counts = try mask.convolved(window, padding: layer == 0 ? padding : 0)
      let isSome = try (counts .> 0.5).to(.float32)
      weights.append(try isSome / counts.clamped(from: 1))
      mask = isSome
    }
    self.weights = weights
  }

  func callAsFunction(_ map: Tensor) throws(TorchError) -> Tensor {
    var map = map
    for (conv, weight) in zip(convs, weights) {
      map = try conv(map).relu() * weight.to(map.dtype).to(map.device)
    }
    return try pred(map).squeezed(at: 1)
  }
}
