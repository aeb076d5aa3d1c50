import Foundation
import Torch

/// A video that a user brings, as the rows of a modality, with its frames where it has some.
public struct VideoQuery: Sendable {
  /// One sequence.
  public let items: Items
  /// The frames, one a row; empty of features.
  public let frames: [Picture]

  /// A file of features, a folder of frames in the order of their names, or a video, of which as many frames a second are
  /// taken as the run learned from.
  ///
  /// - Parameters:
  ///   - modality: what the run learned from.
  ///   - shape: height, width and channels of its frames; nil where it learned from features.
  /// - Throws: ``QueryError`` for a file that does not fit; ``DataError`` for a frame that cannot be read,
  ///   ``VideoError`` for a video.
  public init(file: String, as modality: DataDescription.Modality, frames shape: [Int]?) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else {
      throw QueryError.noFile(file)
    }
    let features = "a .npy of its features, \(modality.size.map(String.init) ?? "some") numbers a row"
    guard isFolder.boolValue else {
      guard Videos.isVideo(file) else {
        (items, frames) = (try Items(file: file, as: modality), [])
        return
      }
      guard let shape else {
        throw QueryError.unfit(
          file: file, found: "a video, of a run that learned from features", expected: features)
      }
      guard let rate = modality.rate, rate > 0 else {
        throw QueryError.unfit(
          file: file, found: "a video, of a run that does not say how many frames a second it learned from",
          expected: "a folder of its frames")
      }
      let url = URL(fileURLWithPath: file)
      let rows = try Videos.rows(of: url, rate: rate, shape: shape)
      let count = rows.size(along: 0)
      items = .sequences(
        try rows.numbers(times: modality.scale).to(.float32).unsqueezed(at: 0), lengths: [count])
      frames = (0..<count).map { Picture(.frame(of: url, seconds: (Double($0) + 0.5) / rate)) }
      return
    }
    guard let shape else {
      throw QueryError.unfit(
        file: file, found: "a folder, of a run that learned from features", expected: features)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: file)
      .filter { Self.pictureEndings.contains(URL(fileURLWithPath: $0).pathExtension.lowercased()) }
      .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    guard !names.isEmpty else {
      throw QueryError.unfit(
        file: file, found: "a folder without pictures", expected: "frames as .png or .jpg")
    }
    let one = DataDescription.Modality(
      name: modality.name, kind: .images, shape: shape, scale: modality.scale)
    let rows = try names.map { name -> Tensor in
      guard case .images(let frame) = try Items(file: "\(file)/\(name)", as: one) else {
        throw QueryError.unfit(file: name, found: "no picture", expected: "a frame")
      }
      return try frame.to(.float32).reshaped(1, -1)
    }
    items = .sequences(try Tensor.concatenated(rows).unsqueezed(at: 0), lengths: [rows.count])
    frames = names.map { Picture(.file(URL(fileURLWithPath: file).appending(path: $0))) }
  }

  private static let pictureEndings: Set<String> = ["png", "jpg", "jpeg", "webp"]
}
