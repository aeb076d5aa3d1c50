import Foundation
import Torch

/// A frame of a video as it is shown.
public struct VideoFrame: Sendable {
  /// When it comes, in seconds after the start of the video.
  public let seconds: Double
  public let height: Int
  public let width: Int
  /// Red, green and blue of each pixel by row.
  public let pixels: [UInt8]

  public init(seconds: Double, height: Int, width: Int, pixels: [UInt8]) {
    self.seconds = seconds
    self.height = height
    self.width = width
    self.pixels = pixels
  }

  var picture: Picture {
    get throws(TorchError) { Picture(.pixels(try Tensor(pixels, shape: [height, width, 3]))) }
  }
}

/// Something that decodes video files.
public protocol VideoReading: Sendable {
  /// Calls a function with the frames that are shown at `start`, `start + step`, and so on to the end of the video, until
  /// it gives false; with the last frame where the video ends before `start`.
  ///
  /// - Returns: where reading ended, in seconds after the start of the video.
  /// - Throws: ``VideoError`` for a file that cannot be read or is cut short; what the function throws.
  func read(
    _ file: URL, from start: Double, every step: Double, _ take: (VideoFrame) throws -> Bool
  ) throws -> Double
}

/// The way to read video files. It needs FFmpeg's libraries, so it is a target of its own, `CrossModalVideo`, which is there
/// where they were found when the package was built, and which a program registers.
public enum Videos {
  /// Endings of names by which files are taken for videos.
  public static let endings = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "wmv", "flv", "ogv", "ts", "3gp",
  ]

  /// A stamp that is no time of this world would make rows without end.
  static let mostRows = 1_000_000
  private static let registered = Registered()

  /// Takes a way to read videos in place of the one before.
  public static func register(_ reading: any VideoReading) { registered.set(reading) }

  /// Whether videos can be read.
  public static var isAvailable: Bool { registered.get() != nil }

  static func isVideo(_ file: String) -> Bool {
    endings.contains(URL(fileURLWithPath: file).pathExtension.lowercased())
  }

  /// The frames of a video so many times a second, as rows of numbers: row i is what is shown in the middle of its stretch,
  /// at (i + 1/2) / rate seconds.
  ///
  /// - Parameters:
  ///   - shape: height, width, and 3 channels or 1 of grey levels.
  /// - Returns: uint8 `[rows, height · width · channels]`.
  /// - Throws: ``VideoError`` for a file that cannot be read, and where nothing is registered.
  static func rows(of file: URL, rate: Double, shape: [Int]) throws -> Tensor {
    let reading = try reader(of: file)
    var rows: [Tensor] = []
    _ = try reading.read(file, from: 0.5 / rate, every: 1 / rate) { frame in
      guard rows.count < mostRows else { throw VideoError.tooLong(file.relativeName, rows: mostRows) }
      let pixels = try frame.picture.resized(height: shape[0], width: shape[1])
      rows.append(try (shape[2] == 1 ? pixels.luma() : pixels).reshaped(1, -1))
      return true
    }
    return try Tensor.concatenated(rows)
  }

  /// The frame that is shown at a time, uint8 `[h, w, 3]`.
  static func frame(of file: URL, at seconds: Double) throws -> Tensor {
    var found: Picture?
    _ = try reader(of: file).read(file, from: seconds, every: 1) { frame in
      found = try frame.picture
      return false
    }
    guard let found else { throw VideoError.noFrame(file.relativeName) }
    return try found.decoded()
  }

  private static func reader(of file: URL) throws -> any VideoReading {
    guard let reading = registered.get() else { throw VideoError.notBuiltIn(file.relativeName) }
    return reading
  }

  private final class Registered: @unchecked Sendable {
    // Every access is under the lock.
    private let lock = NSLock()
    private var reading: (any VideoReading)?

    func set(_ reading: any VideoReading) { lock.withLock { self.reading = reading } }
    func get() -> (any VideoReading)? { lock.withLock { reading } }
  }
}

/// A video that cannot be read.
public enum VideoError: LocalizedError, UserMistake, Equatable {
  case notBuiltIn(String)
  case noFile(String)
  case unreadable(String)
  case noVideo(String)
  case noDecoder(String)
  case noFrame(String)
  case damaged(String, seconds: Double, of: Double)
  case tooLarge(String, height: Int, width: Int)
  case tooLong(String, rows: Int)
  case noMemory(String)

  public var errorDescription: String? {
    switch self {
    case .notBuiltIn(let file):
      "\(file): videos are read by FFmpeg's libraries, which were not there when this program was built; "
        + "install them (Debian and Ubuntu: libavformat-dev libavcodec-dev libswscale-dev) and run make build, "
        + "or give a folder of its frames (ffmpeg -i VIDEO -vf fps=RATE FOLDER/%06d.png)"
    case .noFile(let file): "\(file): no such file"
    case .unreadable(let file): "\(file) is no video that FFmpeg can read, or is damaged at its beginning"
    case .noVideo(let file): "\(file) has no video in it"
    case .noDecoder(let file): "\(file) is of a format that this FFmpeg cannot decode"
    case .noFrame(let file): "\(file) has no frame that can be decoded"
    case .damaged(let file, let seconds, let whole):
      "\(file) is damaged or cut short: "
        + String(format: "of %.1f seconds %.1f can be read", whole, seconds)
    case .tooLarge(let file, let height, let width):
      "\(file) has frames of \(height) by \(width) pixels, more than the limit"
    case .tooLong(let file, let rows): "\(file) has more than \(rows) frames at the wanted rate"
    case .noMemory(let file): "\(file) cannot be decoded: there is not enough memory"
    }
  }
}
