import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Videos that a user brings")
struct VideoQueryTests {
  private let modality = DataDescription.Modality(name: "video", kind: .sequence, size: 64, rate: 5)

  @Test("frames come in the order of their numbers, as small and as grey as the run's")
  func frames() throws {
    let folder = try TemporaryFolder()
    for (number, level) in [(10, 200.0), (2, 100), (1, 0)] {
      try folder.write(Picture.png(Tensor.full([20, 30, 3], level).to(.uint8)), to: "frame\(number).png")
    }
    try folder.write("not a frame", to: "notes.txt")
    let query = try VideoQuery(file: folder.path, as: modality, frames: [8, 8, 1])
    guard case .sequences(let rows, let lengths) = query.items else { throw QueryError.noFile("sequence") }
    #expect(rows.shape == [1, 3, 64] && lengths == [3] && query.frames.count == 3)
    #expect(try rows[0].selected(0, along: 1).values(as: Double.self) == [0, 100, 200])
  }

  @Test("features are read; what fits the run in no way is told")
  func others() throws {
    let folder = try TemporaryFolder()
    try folder.write(Tensor.zeros([7, 64]), to: "rows.npy")
    let query = try VideoQuery(file: folder.file("rows.npy").path, as: modality, frames: nil)
    #expect(query.items.lengths == [7] && query.frames.isEmpty)
    try folder.write("", to: "empty/film.MP4")
    for (file, shape, said) in [
      ("empty", nil, "learned from features"), ("empty", [8, 8, 1], "without pictures"),
      ("empty/film.MP4", nil, "learned from features"),
      ("empty/film.MP4", [8, 8, 1], "FFmpeg"),
      ("nothing", nil, "no such file"),
    ] as [(String, [Int]?, String)] {
      let told = message { _ = try VideoQuery(file: folder.file(file).path, as: modality, frames: shape) }
      #expect(told?.contains(said) == true, "\(file): \(told ?? "nothing")")
    }
    #expect(VideoError.notBuiltIn("film.MP4").errorDescription?.contains("folder of its frames") == true)
  }
}
