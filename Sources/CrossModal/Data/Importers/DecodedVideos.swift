import Foundation
import Torch

/// Frames of video files as arrays, each decoded once, into a folder that goes away with this object.
final class DecodedVideos {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "crossmodal-\(UUID().uuidString)")
  private var count = 0

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// - Parameter rate: frames a second.
  /// - Returns: uint8 `[frames, height · width · 3]`.
  /// - Throws: ``ImportError`` unless sizes and rate are given; ``VideoError`` for a video that cannot be read.
  func frames(of file: URL, _ request: ImportRequest, rate: Double?) throws -> any ArraySource {
    guard let shape = try Self.shape(request), let rate else {
      throw ImportError.missing(
        request.source.path,
        ["frames and rate (give frames=HEIGHTxWIDTH and rate=FRAMES-A-SECOND, as features are videos)"])
    }
    let rows = try Videos.rows(of: file, rate: rate, shape: shape)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    count += 1
    let place = folder.appending(path: "\(count).npy").path
    try NPYWriter.write(rows, to: place)
    return try ArrayReaders.open(place)
  }

  /// Height, width and channels as the request says; nil where it does not.
  static func shape(_ request: ImportRequest) throws -> [Int]? {
    guard let given = request.options["frames"] else { return nil }
    let sizes = given.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    let shape = sizes.count == 2 ? sizes + [3] : sizes
    guard shape.count == 3, shape[..<2].allSatisfy((1...4096).contains), [1, 3].contains(shape[2]) else {
      throw ImportError.malformed(
        file: "frames", place: given, reason: "is not HEIGHTxWIDTH, such as 32x32 or, of grey levels, 32x32x1"
      )
    }
    return shape
  }
}

extension Videos {
  /// The video of a name, whatever its ending; nil where there is none.
  static func file(named name: String, in folder: String) -> URL? {
    endings.lazy.map { URL(fileURLWithPath: "\(folder)/\(name).\($0)") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }
}
