import Foundation
import Torch

extension Run {
  /// The moments of one video that a sentence describes, best first, and how like it each stretch of the video is.
  ///
  /// ```swift
  /// let found = try run.moments(of: "a dog barks", in: Items(file: "video.npy", as: run.record.data.modalities[0]))
  /// ```
  /// - Parameters:
  ///   - sentence: as people write it.
  ///   - video: one, as it comes from a data set or a user.
  ///   - count: how many moments; fewer where fewer are found.
  /// - Throws: ``RunError`` for a run of another task; ``MomentError`` for a sentence without words and for more than one
  ///   video.
  public func moments(of sentence: String, in video: Items, top count: Int = 5) throws -> MomentFinding {
    let method = try curveGrounding()
    guard video.count == 1 else { throw MomentError.severalVideos(video.count) }
    let side = method.videoSide
    let words = try featurized(.texts([sentence]), side: 1 - side)
    if words.lengths == [0] { throw MomentError.noWords(sentence) }
    let seen = try featurized(video, side: side)
    let batch = Batch(
      modalities: modalities, items: side == 0 ? [seen, words] : [words, seen], rows: [[0], [0]])
    var found = try withoutGradient { try method.findings(in: batch)[0] }
    found.moments = Array(found.moments.prefix(count))
    return found
  }

  /// A video of a file as the run takes it: features, or a folder of frames, with its pictures.
  ///
  /// - Throws: ``RunError`` for a run of another task; ``QueryError`` for a file that does not fit.
  public func video(at path: String) throws -> VideoQuery {
    let method = try curveGrounding()
    return try VideoQuery(
      file: path, as: record.data.modalities[method.videoSide], frames: method.frameShape)
  }

  /// Which modality has the sentences.
  ///
  /// - Throws: ``RunError`` for a run of another task; ``MomentError`` for one whose sentences are no texts.
  public var sentenceSide: Int {
    get throws {
      let side = 1 - (try curveGrounding().videoSide)
      guard record.data.modalities[side].kind == .text else { throw MomentError.noTexts(modalities[side]) }
      return side
    }
  }

  private func curveGrounding() throws -> any CurveGrounding {
    guard let grounding = method as? any CurveGrounding else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "grounding")
    }
    return grounding
  }
}

/// A sentence whose moment cannot be found.
public enum MomentError: LocalizedError, UserMistake, Equatable {
  case noWords(String)
  case severalVideos(Int)
  case noTexts(String)

  public var errorDescription: String? {
    switch self {
    case .noWords(let sentence): "the sentence '\(sentence)' has no words, expected one or more"
    case .severalVideos(let count): "a sentence is looked for in one video, here are \(count)"
    case .noTexts(let modality): "the run has no sentences as texts, only features of words (\(modality))"
    }
  }
}
