import Foundation
import Torch

/// When a sentence is true of a video, as a picture: how like it each stretch is over time, the moments that were found,
/// the true one where it is known, and frames under it where there are some.
public struct MomentTimeline: Sendable {
  /// The sentence.
  public var title: String
  /// What is shown, in a line.
  public var kicker: String
  public var finding: MomentFinding
  /// The true moment in seconds; nil where nobody knows.
  public var truth: ClosedRange<Double>?
  /// Frames, one a row, in their order.
  public var frames: [Picture]

  public init(
    title: String, kicker: String, finding: MomentFinding, truth: ClosedRange<Double>? = nil,
    frames: [Picture] = []
  ) {
    self.title = title
    self.kicker = kicker
    self.finding = finding
    self.truth = truth
    self.frames = frames
  }

  /// Writes the picture, or a page with it, as the file's name ends.
  ///
  /// - Throws: ``ExplanationError`` for a name that ends in neither .png nor .html; what writing throws.
  public func write(to path: String) throws {
    let target = URL(fileURLWithPath: path)
    switch target.pathExtension.lowercased() {
    case "png": try AtomicFile.write(png(), to: target.path)
    case "html": try report().write(to: target)
    default: throw ExplanationError.unknownFormat(path: path)
    }
  }

  /// The bytes of a PNG file.
  public func png() throws -> Data { try drawing(width: 1720, isHeaded: true).png() }

  /// A page that holds all it needs.
  public func report() throws -> Report {
    var report = Report(
      title: title, kicker: kicker, lead: sentence, footer: "CrossModal \(CrossModalVersion.current)")
    report.blocks.append(try block())
    report.blocks.append(
      .table(
        ReportTable(
          columns: [
            .init("place"), .init("from (s)", decimals: 2), .init("to (s)", decimals: 2), .init("score"),
          ],
          rows: finding.moments.enumerated().map { place, moment in
            [.count(place + 1), .number(moment.start), .number(moment.end), .number(moment.score)]
          }), caption: "What was found, best first."))
    return report
  }

  /// The picture for a page.
  func block() throws -> ReportBlock {
    .picture(
      EmbeddedPicture(try drawing(width: 1500, isHeaded: false).png(), format: .png, summary: sentence),
      caption: "How like the sentence each stretch is. Shaded: what was found, the best one darkest."
        + (truth == nil ? "" : " The bar above is the true moment."))
  }

  /// The best moment in words.
  public var sentence: String {
    guard let best = finding.moments.first else { return "No moment was found." }
    let found = "Found from \(Self.seconds(best.start)) to \(Self.seconds(best.end))"
    guard let truth else { return found + "." }
    let overlap = best.overlap(with: ScoredMoment(start: truth.lowerBound, end: truth.upperBound))
    return found
      + ", the true moment is from \(Self.seconds(truth.lowerBound)) to \(Self.seconds(truth.upperBound)): overlap "
      + String(format: "%.2f.", overlap)
  }

  private static func seconds(_ time: Double) -> String { String(format: "%.2f s", time) }
}

// MARK: - Drawing

extension MomentTimeline {
  private static let margin = 80.0
  private static let plotHeight = 380.0
  private static let frameHeight = 110.0

  /// - Parameter isHeaded: whether the sentence and what is shown stand above.
  func drawing(width: Int, isHeaded: Bool) throws -> Canvas {
    let heading =
      isHeaded
      ? try Lettering.set(
        title, LetterStyle(size: 46, room: Double(width) - 160, lines: 3, color: Canvas.Color.ink.hex)) : nil
    let top = heading.map { 130 + $0.leading * Double($0.lines) } ?? 20
    let shown = frames.isEmpty ? 0.0 : Self.frameHeight + 24
    let height = top + 60 + Self.plotHeight + 70 + shown + 40
    var canvas = Canvas(width: width, height: Int(height))
    if let heading {
      try canvas.text(kicker, Self.margin, 84, size: 25, .muted, room: Double(width) - 2 * Self.margin)
      canvas.text(heading, Self.margin, 160)
    }
    let (least, most) = (min(0, finding.curve.min() ?? 0), max(0.1, finding.curve.max() ?? 1))
    let plot = Field(
      left: Self.margin + 60, top: top + 60, width: Double(width) - 2 * Self.margin - 60,
      height: Self.plotHeight,
      duration: duration, low: least,
      // Room above the curve for the places of moments.
      high: most + 0.2 * (most - least))
    try drawMoments(plot, on: &canvas)
    try drawAxes(plot, on: &canvas)
    drawCurve(plot, on: &canvas)
    try drawFrames(plot, below: plot.top + plot.height + 70, on: &canvas)
    return canvas
  }

  /// Where times and similarities lie.
  private struct Field {
    let left, top, width, height, duration, low, high: Double

    func x(_ time: Double) -> Double { left + width * min(1, max(0, time / duration)) }
    func y(_ value: Double) -> Double { top + height * (1 - (value - low) / (high - low)) }
  }

  /// Seconds; of a video without a rate its clips.
  private var duration: Double { max(1e-9, finding.clips.duration ?? Double(finding.curve.count)) }

  private func drawMoments(_ plot: Field, on canvas: inout Canvas) throws {
    for (place, moment) in finding.moments.prefix(5).enumerated().reversed() {
      let (from, to) = (plot.x(moment.start), plot.x(moment.end))
      canvas.rectangle(
        from, plot.top, to - from, plot.height, .accent, opacity: place == 0 ? 0.28 : 0.08)
      try canvas.text(
        "\(place + 1)", (from + to) / 2, plot.top + 30, size: place == 0 ? 28 : 21,
        place == 0 ? .accent : .muted, anchor: .middle)
    }
    guard let truth else { return }
    let (from, to) = (plot.x(truth.lowerBound), plot.x(truth.upperBound))
    canvas.rectangle(from, plot.top - 16, max(2, to - from), 10, .warm)
    canvas.rectangle(from - 1, plot.top - 16, 2, plot.height + 16, .warm, opacity: 0.6)
    canvas.rectangle(to - 1, plot.top - 16, 2, plot.height + 16, .warm, opacity: 0.6)
    try canvas.text("true", (from + to) / 2, plot.top - 24, size: 21, .warm, anchor: .middle)
  }

  private func drawAxes(_ plot: Field, on canvas: inout Canvas) throws {
    let (bottom, isTimed) = (plot.top + plot.height, finding.clips.duration != nil)
    canvas.rectangle(plot.left, bottom, plot.width, 2, .line)
    let step = Self.step(duration)
    for number in 0...Int(duration / step) {
      let (time, x) = (Double(number) * step, plot.x(Double(number) * step))
      canvas.rectangle(x, bottom, 2, 8, .muted)
      let label = step < 1 ? String(format: "%.1f", time) : String(format: "%.0f", time)
      try canvas.text(isTimed ? label + " s" : label, x, bottom + 36, size: 21, .muted, anchor: .middle)
    }
    for value in [-1, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1]
    where (plot.low...plot.high).contains(value) {
      let y = plot.y(value)
      canvas.rectangle(plot.left, y, plot.width, 1, .line)
      try canvas.text(String(format: "%.2f", value), plot.left - 12, y + 7, size: 20, .muted, anchor: .end)
    }
  }

  private func drawCurve(_ plot: Field, on canvas: inout Canvas) {
    let each = finding.clips.seconds ?? 1
    let points = finding.curve.enumerated().map { place, value in
      (x: plot.x((Double(place) + 0.5) * each), y: plot.y(value))
    }
    for (start, end) in zip(points, points.dropFirst()) {
      canvas.line(from: start, to: end, .ink, thickness: 3)
    }
    if points.count == 1 { canvas.rectangle(points[0].x - 4, points[0].y - 4, 8, 8, .ink) }
  }

  /// As many frames as there is room for, each where it is in time.
  private func drawFrames(_ plot: Field, below top: Double, on canvas: inout Canvas) throws {
    guard let first = frames.first else { return }
    let size = try first.size()
    let wide = max(24, Self.frameHeight * Double(size.width) / Double(max(1, size.height)))
    let count = max(1, min(frames.count, Int(plot.width / (wide + 6))))
    for place in 0..<count {
      let frame = Int((Double(place) + 0.5) * Double(frames.count) / Double(count))
      let middle = plot.left + plot.width * (Double(frame) + 0.5) / Double(frames.count)
      try canvas.picture(
        frames[frame].decoded(), Int(middle - wide / 2), Int(top), Int(wide), Int(Self.frameHeight))
    }
  }

  /// Between marks of the axis, so that at most a dozen stand there.
  private static func step(_ duration: Double) -> Double {
    let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600]
    return steps.first { duration / $0 <= 12 } ?? (duration / 12).rounded(.up)
  }
}
