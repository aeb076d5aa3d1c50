import CVideo
import CrossModal
import Foundation
import Torch

extension Videos {
  /// Lets FFmpeg's libraries read video files. Call it once at the start of the program.
  public static func registerFFmpeg() { register(FFmpegVideos()) }
}

/// Video files through FFmpeg's libraries.
struct FFmpegVideos: VideoReading {
  func read(
    _ file: URL, from start: Double, every step: Double, _ take: (VideoFrame) throws -> Bool
  ) throws -> Double {
    var video = try open(file)
    defer { cv_close(video) }
    if start > 0, cv_seek(video, start) != 0 {
      // An index may lead behind the place, and some files have none.
      if try !next(video, of: file) || cv_start(video) > start {
        let again = try open(file)
        cv_close(video)
        video = again
        guard try next(video, of: file) else { throw VideoError.noFrame(file.relativeName) }
      }
    } else if try !next(video, of: file) {
      throw VideoError.noFrame(file.relativeName)
    }
    var taken = 0
    while true {
      let end = cv_end(video)
      var frame: VideoFrame?
      while start + Double(taken) * step < end {
        let found = try frame ?? self.frame(video, of: file)
        frame = found
        taken += 1
        guard try take(found) else { return end }
      }
      guard try next(video, of: file) else { break }
    }
    let end = cv_end(video)
    // A video that ends before the first time has its last frame then.
    if taken == 0 { _ = try take(frame(video, of: file)) }
    let whole = cv_lacking(video)
    guard whole == 0 else { throw VideoError.damaged(file.relativeName, seconds: end, of: whole) }
    return end
  }

  private func open(_ file: URL) throws -> OpaquePointer {
    guard FileManager.default.isReadableFile(atPath: file.path) else {
      throw VideoError.noFile(file.relativeName)
    }
    var reason: Int32 = 0
    if let video = cv_open(file.path, Int32(clamping: Runtime.threads), &reason) { return video }
    throw switch Int(reason) {
    case Int(CV_NO_VIDEO): VideoError.noVideo(file.relativeName)
    case Int(CV_NO_DECODER): VideoError.noDecoder(file.relativeName)
    default: VideoError.unreadable(file.relativeName)
    }
  }

  /// Whether there was a next frame.
  private func next(_ video: OpaquePointer, of file: URL) throws -> Bool {
    let found = cv_next(video)
    guard found >= 0 else { throw VideoError.noMemory(file.relativeName) }
    return found != 0
  }

  private func frame(_ video: OpaquePointer, of file: URL) throws -> VideoFrame {
    let (height, width) = (Int(cv_height(video)), Int(cv_width(video)))
    guard height > 0, width > 0 else { throw VideoError.noFrame(file.relativeName) }
    guard height <= Limits.standard.pixels / width else {
      throw VideoError.tooLarge(file.relativeName, height: height, width: width)
    }
    var pixels = [UInt8](repeating: 0, count: height * width * 3)
    guard cv_pixels(video, &pixels) == 0 else { throw VideoError.noMemory(file.relativeName) }
    return VideoFrame(seconds: cv_start(video), height: height, width: width, pixels: pixels)
  }
}
