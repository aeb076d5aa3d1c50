import CrossModal
import Foundation
import Torch

/// The losses of clips and words of LocVTP's released program on one thread, forward and backward. Benchmarks/peers_locvtp.py
/// does the same in PyTorch with the loops of that program, and without them, on the numbers that are written here.
struct ClipWordSteps {
  private static let (videos, clips, words, size, negatives) = (128, 5, 20, 256, 4)
  private static let work = "losses of clips and words of LocVTP, \(videos) videos of \(clips) clips"

  /// Vectors and codes, by name.
  private let arrays: [(name: String, tensor: Tensor)]
  private let draws: [(name: String, tensor: Tensor)]

  init() throws {
    let generator = try Generator(seed: 13)
    let (b, t, w, d) = (Self.videos, Self.clips, Self.words, Self.size)
    var arrays: [(String, Tensor)] = [
      ("clips", try Tensor.normal([b, t, d], using: generator) * 0.3),
      ("words", try Tensor.normal([b, w, d], using: generator) * 0.3),
      ("captions", try Tensor.normal([b, d], using: generator) * 0.3),
    ]
    for name in ["sign_word", "distance_word", "sign_clip", "distance_clip"] {
      arrays.append(("\(name)_weight", try Tensor.normal([d, 1], using: generator) * 0.3))
      arrays.append(("\(name)_bias", try Tensor.normal([d], using: generator) * 0.3))
    }
    self.arrays = arrays.map { (name: $0.0, tensor: $0.1) }
    draws = [
      ("negative_words", try Tensor.integers(in: 0..<w, [b, t, Self.negatives], using: generator)),
      ("moved_words", try Tensor.integers(in: 0..<w, [b, t], using: generator)),
      ("negative_clips", try Tensor.integers(in: 0..<t, [b, w, Self.negatives], using: generator)),
      ("moved_clips", try Tensor.integers(in: 0..<t, [b, w], using: generator)),
    ]
  }

  /// For the peer.
  static func write(to folder: URL) throws {
    let all = try ClipWordSteps()
    for (name, tensor) in all.arrays + all.draws {
      try NPYWriter.write(tensor, to: folder.appending(path: "locvtp-\(name).npy").path)
    }
  }

  static func measure() throws {
    let all = try ClipWordSteps()
    let contrast = try SampledClipWordContrast()
    let leaves = try all.arrays.map { ($0.name, try $0.tensor.requiringGradient()) }
    let given = Dictionary(uniqueKeysWithValues: leaves + all.draws.map { ($0.name, $0.tensor) })
    func array(_ name: String) -> Tensor { given[name] ?? leaves[0].1 }
    func code(_ name: String) -> (Tensor) throws -> Tensor {
      { try $0.matmul(array("\(name)_weight").transposed()) + array("\(name)_bias") }
    }
    func step() throws -> Double {
      let (clips, words) = (array("clips"), array("words"))
      let found = try contrast.correspondence(clips, words)
      let fine = try contrast.fine(
        clips, words, found,
        .init(
          negativeWords: array("negative_words"), movedWords: array("moved_words"),
          negativeClips: array("negative_clips"), movedClips: array("moved_clips")),
        wordCodes: .init(sign: code("sign_word"), distance: code("distance_word")),
        clipCodes: .init(sign: code("sign_clip"), distance: code("distance_clip")))
      let sum = try fine.clips + fine.words + fine.clipsMoved + fine.wordsMoved
      let loss = try contrast.coarse(clips.mean(along: 1), array("captions")) + sum * 10
      _ = try Tensor.gradients(of: [loss], by: leaves.map(\.1))
      return try loss.item()
    }
    let check = try step()
    let start = processSeconds()
    for _ in 0..<5 { _ = try step() }
    report("5 steps, \(work)", seconds: processSeconds() - start, check: check)
  }
}
