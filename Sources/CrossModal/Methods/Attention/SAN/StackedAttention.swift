import Torch

/// One layer of stacked attention (Yang et al., CVPR 2016, eq. 15-18): the query looks at the cells of a picture, and
/// what it sees is added to it.
///
/// h = tanh(W_I v + (W_Q u + b)), p = softmax over cells of (w_P · h + b_P), u' = u + Σ p v. What the released program
/// computes instead: h = tanh(W_I v + b_I) + tanh(W_Q u + b), p = softmax(tanh(w_P · h + b_P)).
final class AttentionLayer: Module {
  let image: Linear
  let query: Linear
  let score: Linear
  private let isOfficial: Bool

  init(_ width: Int, to attention: Int, isOfficial: Bool, using generator: Generator) throws(TorchError) {
    self.isOfficial = isOfficial
    image = try Linear(from: width, to: attention, bias: isOfficial, using: generator)
    query = try Linear(from: width, to: attention, using: generator)
    score = try Linear(from: attention, to: 1, using: generator)
  }

  /// What the picture gives to h, which no question changes: `[n, cells, m]`.
  func keys(_ cells: Tensor) throws(TorchError) -> Tensor {
    let keys = try image(cells)
    return isOfficial ? try keys.tanh() : keys
  }

  /// - Parameters:
  ///   - u: `[n, d]`.
  ///   - keys: of the same pictures, `[n, cells, m]`.
  ///   - cells: `[n, cells, d]`.
  ///   - isPadding: cells that are none, `[n, cells]`; nil where all are some.
  /// - Returns: the next query `[n, d]`, and how much it looked at each cell `[n, cells]`.
  func callAsFunction(
    _ u: Tensor, keys: Tensor, cells: Tensor, isPadding: Tensor?
  ) throws(TorchError) -> (query: Tensor, attention: Tensor) {
    let asked = try query(u).unsqueezed(at: 1)
    let hidden = isOfficial ? try keys + asked.tanh() : try (keys + asked).tanh()
    var scores = try score(hidden).squeezed(at: 2)
    if isOfficial { scores = try scores.tanh() }
    if let isPadding { scores = try scores.masked(with: isPadding, fill: -.infinity) }
    let attention = try scores.softmax(along: 1)
    return (try u + attention.unsqueezed(at: 1).matmul(cells).squeezed(at: 1), attention)
  }
}

/// Pictures as the layers look at them, computed once however many questions there are.
struct PictureView {
  /// `[n, cells, d]`.
  let cells: Tensor
  /// What each layer needs of them, `[n, cells, m]`.
  let keys: [Tensor]
  /// `[n, cells]`; nil where no cell is padding.
  let isPadding: Tensor?

  /// The pictures at some places, in that order.
  func rows(at places: [Int]) throws(TorchError) -> PictureView {
    let places = try Tensor(places).to(cells.device)
    return PictureView(
      cells: try cells.rows(at: places),
      keys: try keys.map { key throws(TorchError) in try key.rows(at: places) },
      isPadding: try isPadding.map { mask throws(TorchError) in try mask.rows(at: places) })
  }
}
