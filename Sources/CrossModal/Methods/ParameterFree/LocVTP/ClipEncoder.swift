import Torch

/// Clips of videos from rows of features or from frames: some rows in a row make a clip, each clip goes through a linear
/// map with rectified units, and convolutions over three clips see what stands beside it.
///
/// A light stand-in for the video encoders of LocVTP (Cao et al., ECCV 2022), which are trained on many machines: features
/// that such encoders gave come in here.
final class ClipEncoder: Module {
  let scaling: InputScaling
  /// What makes a vector of each frame; nil where rows are vectors.
  let frames: PictureEncoder?
  let input: Linear
  let convs: [Conv1d]
  /// Width of the vectors of clips.
  let size: Int
  /// Rows that make a clip.
  let rows: Int
  private let picture: [Int]
  private let dropout: Double

  /// - Parameters:
  ///   - modality: sequences.
  ///   - rows: of a clip.
  ///   - picture: height, width and channels where each row is a frame; empty where rows are vectors.
  ///   - layers: convolutions over time.
  /// - Throws: ``ConfigurationError`` for frames of another size than the rows have.
  init(
    for modality: DataDescription.Modality, rows: Int, picture: [Int], size: Int, layers: Int,
    dropout: Double,
    using generator: Generator
  ) throws {
    let width = modality.size ?? 1
    self.rows = rows
    self.size = size
    self.picture = picture
    self.dropout = dropout
    scaling = try InputScaling(for: modality, keepsFragments: true)
    guard picture.isEmpty || picture.reduce(1, *) == width else {
      throw ConfigurationError.badValue(
        key: "frames", value: "\(picture)",
        expected: "height, width and channels of \(width) numbers together, as a row of \(modality.name) has")
    }
    frames =
      picture.isEmpty
      ? nil
      : try PictureEncoder(
        channels: picture[2], height: picture[0], width: picture[1], hidden: size, to: size, using: generator)
    input = try Linear(from: (frames?.size ?? width) * rows, to: size, using: generator)
    convs = try (0..<layers).map { _ in
      try Conv1d(from: size, to: size, kernel: 3, padding: 1, using: generator)
    }
  }

  /// Clips of each of `lengths` rows.
  func counts(_ lengths: [Int]) -> [Int] { lengths.map { ($0 + rows - 1) / rows } }

  /// - Parameters:
  ///   - items: sequences none of which is empty.
  /// - Returns: `[n, clips, size]`, zero behind the lengths, and clips of each video.
  func callAsFunction(_ items: Items, _ pass: Pass) throws -> (clips: Tensor, lengths: [Int]) {
    let lengths = items.lengths ?? []
    let counts = counts(lengths)
    let most = counts.max() ?? 1
    var x = try scaling(items).to(input.weight.dtype).to(input.weight.device)
    let longest = x.size(along: 1)
    // A last clip that is not full repeats the last row.
    let places = lengths.enumerated().flatMap { video, length in
      (0..<most * rows).map { video * longest + min($0, length - 1) }
    }
    x = try x.reshaped(lengths.count * longest, x.size(along: 2)).rows(at: places)
    if let frames {
      x = try frames(x.reshaped(to: [places.count] + picture).permuted(0, 3, 1, 2).contiguous())
    }
    let isClip = try Tensor.counting(counts, below: most, on: x.device).to(x.dtype).unsqueezed(at: 2)
    x = try x.reshaped(lengths.count, most, -1)
    x = try input(x).relu().dropped(dropout, pass) * isClip
    for conv in convs {
      x = try conv(x.transposed(1, 2)).transposed(1, 2).relu().dropped(dropout, pass) * isClip
    }
    return (x, counts)
  }
}
