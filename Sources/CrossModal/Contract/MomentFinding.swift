/// A method of grounding that can show how like a sentence each stretch of a video is.
public protocol CurveGrounding: Grounding {
  /// The place of the modality that has the videos; the other one has the sentences.
  var videoSide: Int { get }
  /// Height, width and channels of the frames that rows of videos are; nil where rows are features.
  var frameShape: [Int]? { get }
  /// What is found of the sentence of each pair of a batch.
  func findings(in batch: Batch) throws -> [MomentFinding]
}

extension CurveGrounding {
  public func moments(in batch: Batch) throws -> [[ScoredMoment]] { try findings(in: batch).map(\.moments) }
}

/// What was found of a sentence in a video.
public struct MomentFinding: Sendable, Equatable {
  /// Best first, without near copies of each other.
  public var moments: [ScoredMoment]
  /// How like the sentence each stretch of the video is, from −1 to 1.
  public let curve: [Double]
  /// The stretches.
  public let clips: ClipTimes

  public init(moments: [ScoredMoment], curve: [Double], clips: ClipTimes) {
    self.moments = moments
    self.curve = curve
    self.clips = clips
  }
}

/// Stretches of a video, all of one length but the last, which may be shorter.
public struct ClipTimes: Sendable, Equatable {
  public let count: Int
  /// Length of each in seconds; nil where the data do not say how many rows a second has.
  public let seconds: Double?
  /// Length of the video in seconds.
  public let duration: Double?

  public init(count: Int, seconds: Double?, duration: Double?) {
    self.count = count
    self.seconds = seconds
    self.duration = duration
  }

  /// When a stretch begins and ends.
  func times(of clip: Int) -> ClosedRange<Double>? {
    seconds.map {
      Double(clip) * $0...max(Double(clip) * $0, min(Double(clip + 1) * $0, duration ?? .infinity))
    }
  }
}
