import CLettering
import CrossModal
import Foundation

extension Lettering {
  /// Lets Pango and Cairo set the text in pictures of ``MatchExplanation``: every script that a font of the machine has,
  /// from right to left too. Call it once at the start of the program.
  public static func registerPango() { register(PangoLettering()) }

  /// The libraries that draw, with their versions.
  public static var pangoVersions: String {
    "Pango \(String(cString: cl_pango_version())), Cairo \(String(cString: cl_cairo_version()))"
  }
}

/// Text through Pango and Cairo.
struct PangoLettering: LetterSetting {
  func set(_ text: String, _ style: LetterStyle) throws -> SetText {
    var written = text
    var found = cl_text()
    var asked = cl_style(
      size: style.size, room: style.room, lines: Int32(clamping: max(1, style.lines)), color: style.color)
    let status = written.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { letters in
        letters.baseAddress.map { cl_set($0, Int32(clamping: letters.count), &asked, &found) } ?? -1
      }
    }
    guard status == 0, let pixels = found.pixels else { throw LetteringError.notDrawn(text: text) }
    defer { cl_free(&found) }
    return SetText(
      left: Int(found.left), top: Int(found.top), width: Int(found.width), height: Int(found.height),
      advance: found.advance, leading: found.leading, lines: Int(found.lines),
      hasUnknownLetters: found.unknown > 0,
      pixels: Array(UnsafeBufferPointer(start: pixels, count: Int(found.width) * Int(found.height) * 4)))
  }
}
