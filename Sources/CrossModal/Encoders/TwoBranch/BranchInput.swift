import Torch

/// What is done to items before their numbers are scaled and a network sees them.
struct BranchInput {
  /// Of pictures of any size.
  var transform: PictureTransform?
  /// Random vectors of sets are left out in training.
  var thins = false
  /// Vectors are divided by their norms.
  var normalizes = false

  func callAsFunction(_ items: Items, _ pass: Pass) throws -> Items {
    if let transform { return try transform(items, pass) }
    switch items {
    case .vectors(let rows): return .vectors(try normalized(rows))
    case .sets(let rows, let lengths):
      let (rows, lengths) = try thinned(rows, lengths, pass)
      return .sets(try normalized(rows), lengths: lengths)
    case .sequences(let rows, let lengths):
      let (rows, lengths) = try thinned(rows, lengths, pass)
      return .sequences(try normalized(rows), lengths: lengths)
    default: return items
    }
  }

  private func normalized(_ rows: Tensor) throws(TorchError) -> Tensor {
    normalizes ? try rows.normalized(along: -1) : rows
  }

  private func thinned(
    _ rows: Tensor, _ lengths: [Int], _ pass: Pass
  ) throws(TorchError) -> (Tensor, [Int]) {
    thins ? try pass.thinned(rows, lengths: lengths) : (rows, lengths)
  }
}
