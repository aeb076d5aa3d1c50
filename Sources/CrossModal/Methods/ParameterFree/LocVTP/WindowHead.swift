import Torch

/// Says of every clip whether it lies inside of the moment that is asked for, from how similar it is to what was said and
/// from what it looks like: two convolutions over five clips.
///
/// Ours: nothing in the objectives of LocVTP tells where a word ends. It learns from the true moments, beside the
/// objectives, which do not feel it.
final class WindowHead: Module {
  let conv1: Conv1d
  let conv2: Conv1d

  private static let curves = 4
  private static let width = 32

  /// - Parameter inputs: width of the vectors of clips.
  init(from inputs: Int, using generator: Generator) throws(TorchError) {
    conv1 = try Conv1d(from: inputs + Self.curves, to: Self.width, kernel: 5, padding: 2, using: generator)
    conv2 = try Conv1d(from: Self.width, to: 1, kernel: 5, padding: 2, using: generator)
  }

  /// Log-odds that clips lie inside, `[n, t]`.
  ///
  /// - Parameters:
  ///   - clips: `[n, t, inputs]`, zero behind the lengths.
  ///   - curves: similarities of clips, `[n, t]`.
  ///   - lengths: clips of each video.
  func callAsFunction(_ clips: Tensor, _ curves: Tensor, lengths: [Int]) throws -> Tensor {
    let isClip = try Tensor.counting(lengths, below: clips.size(along: 1), on: clips.device)
    let mask = try isClip.to(clips.dtype)
    let counts = try mask.sum(along: 1, keepingDimension: true)
    let mean = try (curves * mask).sum(along: 1, keepingDimension: true) / counts
    let most = try curves.masked(with: isClip.not(), fill: -.infinity).max(along: 1, keepingDimension: true)
    let seen = try Tensor.stacked(
      [curves, curves - mean, curves - most, (curves - (mean + most) / 2) * 4], along: 2)
    let inputs = try Tensor.concatenated([clips, seen * mask.unsqueezed(at: 2)], along: 2)
    let hidden = try conv1(inputs.transposed(1, 2)).relu() * mask.unsqueezed(at: 1)
    return try conv2(hidden).squeezed(at: 1)
  }

  /// Cross-entropy of the log-odds with whether clips lie inside of the true moments, the mean over all clips (a scalar).
  ///
  /// - Parameter isInside: `[n, t]`.
  func loss(_ odds: Tensor, isInside: Tensor, lengths: [Int]) throws -> Tensor {
    let mask = try Tensor.counting(lengths, below: odds.size(along: 1), on: odds.device).to(odds.dtype)
    return try ((odds.softplus() - odds * isInside.to(odds.dtype)) * mask).sum() / mask.sum()
  }
}
