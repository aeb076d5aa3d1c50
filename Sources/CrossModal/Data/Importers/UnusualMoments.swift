import Foundation

/// Moments of published annotations that cannot be as they are written: kept, and named.
struct UnusualMoments {
  /// What is odd about a moment.
  enum Kind: String, CaseIterable {
    /// The end stands before the start; they are exchanged.
    case reversed
    /// It ends behind the end of its video; it is kept as published.
    case beyond
  }

  private struct Moment {
    let kind: Kind
    let file, place, video: String
    let start, end: Double
    let duration: Double?
  }

  private var all: [Moment] = []
  private var total = 0
  /// What comes of counting frames in floating point.
  private static let slack = 1e-6

  static let file = "unusual_moments.csv"

  /// The moment in order, noted where it is odd.
  ///
  /// - Parameters:
  ///   - start: as written, seconds.
  ///   - end: the same.
  ///   - place: where it stands in the file.
  mutating func moment(
    _ start: Double, _ end: Double, duration: Double?, video: String, file: String, place: String
  ) -> ClosedRange<Double> {
    total += 1
    func note(_ kind: Kind) {
      all.append(
        Moment(kind: kind, file: file, place: place, video: video, start: start, end: end, duration: duration)
      )
    }
    if start > end { note(.reversed) }
    if let duration, max(start, end) > duration + Self.slack { note(.beyond) }
    return min(start, end)...max(start, end)
  }

  /// What a person should know: how many of each kind, and the first of them.
  private var sentences: [String] {
    Kind.allCases.compactMap { kind in
      let own = all.filter { $0.kind == kind }
      guard let first = own.first else { return nil }
      let example = "\(first.file) \(first.place), \(first.video.shortened): \(first.start) to \(first.end)"
      switch kind {
      case .reversed:
        return "\(own.count) of \(total) moments end before they start, and are taken the other way round "
          + "(the first is \(example))"
      case .beyond:
        let most = own.map { max($0.start, $0.end) - ($0.duration ?? 0) }.max() ?? 0
        return "\(own.count) of \(total) moments end beyond their video, by "
          + String(format: "%.2f", most)
          + " s at most, and are kept as published (the first is \(example) of "
          + "\(first.duration ?? 0) s)"
      }
    }
  }

  /// Tells of them, and writes them all beside the data.
  func write(to writer: DataSetWriter) throws {
    guard !all.isEmpty else { return }
    for sentence in sentences { writer.note(sentence + "; \(Self.file) names them all") }
    var table = CSVWriter.line(["problem", "file", "place", "video", "start", "end", "duration"])
    for moment in all {
      table += CSVWriter.line([
        moment.kind.rawValue, moment.file, moment.place, moment.video, "\(moment.start)", "\(moment.end)",
        moment.duration.map { "\($0)" } ?? "",
      ])
    }
    try writer.write(Data(table.utf8), to: Self.file)
  }
}
