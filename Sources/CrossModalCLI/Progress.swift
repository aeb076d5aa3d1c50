import Foundation

/// How far long work is: a bar that is redrawn on a terminal, nothing elsewhere for short work and a plain
/// line now and then for long work.
final class Progress {
  private let title: String
  private let total: Int
  private let quiet: Bool
  private let first: Int
  private let start = ContinuousClock.now
  private var lastDrawn: ContinuousClock.Instant
  private var hasDrawn = false

  /// - Parameter first: what was done before, and so says nothing of the time that is left.
  init(_ title: String, of total: Int, from first: Int = 0, quiet: Bool) {
    self.title = title
    self.first = first
    self.total = total
    self.quiet = quiet
    lastDrawn = start
  }

  /// `done` of the total is done; `note` stands behind the bar.
  func update(_ done: Int, note: String = "") {
    let now = ContinuousClock.now
    let pause: Duration = Console.isTerminal ? .milliseconds(100) : .seconds(30)
    guard !quiet, now - lastDrawn >= pause else { return }
    lastDrawn = now
    let fraction = total > 0 ? Double(done) / Double(total) : 1
    let elapsed = (now - start) / .seconds(1)
    let left = done > first ? elapsed * Double(total - done) / Double(done - first) : 0
    let text =
      "\(title) \(Int(fraction * 100)) %  \(done)/\(total)  \(Progress.words(left)) left\(note.isEmpty ? "" : "  " + note)"
    if Console.isTerminal {
      // A line that wraps could not be drawn over: the bar gives way first, then the end of the text.
      let columns = Console.columns - 1
      let length = max(0, min(24, columns - text.count - 1))
      let filled = Int(fraction * Double(length))
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
      Console.raw("\r\u{1B}[K" + "\(bar)\(length > 0 ? " " : "")\(PlainText.cleaned(text))".prefix(columns))
      hasDrawn = true
    } else {
      Console.lines(text)
    }
  }

  /// Takes the bar away.
  func finish() {
    if hasDrawn { Console.raw("\r\u{1B}[K") }
    hasDrawn = false
  }

  /// Seconds as a person reads them.
  static func words(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60
      ? "\(whole) s"
      : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
