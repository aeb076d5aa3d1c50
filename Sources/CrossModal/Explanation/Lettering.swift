import Foundation

/// How a text is set in a picture.
public struct LetterStyle: Sendable, Hashable {
  /// Size of the letters, in pixels.
  public var size: Double
  /// Width at most, in pixels.
  public var room: Double
  /// Lines at most; what is longer ends in an ellipsis.
  public var lines: Int
  /// 0xRRGGBB.
  public var color: UInt32

  public init(size: Double, room: Double, lines: Int = 1, color: UInt32 = 0) {
    self.size = size
    self.room = room
    self.lines = lines
    self.color = color
  }
}

/// A text in pixels. Places count from the start of the first base line, y downwards.
public struct SetText: Sendable, Equatable {
  /// Column of the leftmost pixel.
  public let left: Int
  /// Row of the topmost pixel.
  public let top: Int
  public let width: Int
  public let height: Int
  /// Width of the widest line.
  public let advance: Double
  /// From one base line to the next.
  public let leading: Double
  public let lines: Int
  /// Whether there is a letter that no font has.
  public let hasUnknownLetters: Bool
  /// Red, green, blue and opacity of each pixel by row; colors are multiplied by the opacity.
  public let pixels: [UInt8]

  public init(
    left: Int, top: Int, width: Int, height: Int, advance: Double, leading: Double, lines: Int,
    hasUnknownLetters: Bool, pixels: [UInt8]
  ) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
    self.advance = advance
    self.leading = leading
    self.lines = lines
    self.hasUnknownLetters = hasUnknownLetters
    self.pixels = pixels
  }
}

/// Something that knows fonts and turns text into pixels.
public protocol LetterSetting: Sendable {
  /// Sets a text without line breaks of its own.
  func set(_ text: String, _ style: LetterStyle) throws -> SetText
}

/// The way to set text in pictures. It needs system libraries, so it is a target of its own, `CrossModalLettering`, which
/// a program registers.
public enum Lettering {
  private static let registered = Registered()

  /// Takes a way to set text in place of the one before.
  public static func register(_ setting: any LetterSetting) { registered.set(setting) }

  /// Longer texts are cut before they are set: no picture has room for more.
  private static let most = 4_000

  /// Sets a text; line breaks and other controls become spaces.
  ///
  /// - Throws: ``LetteringError`` when nothing is registered or memory does not suffice.
  static func set(_ text: String, _ style: LetterStyle) throws -> SetText {
    guard let setting = registered.get() else { throw LetteringError.notRegistered }
    return try setting.set(plain(text), style)
  }

  private static func plain(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(most).map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }

  /// The characters that no font of this machine has, each once; empty where all can be drawn.
  static func unknownLetters(of texts: [String]) throws -> String {
    var unknown = ""
    for text in texts where try set(text, LetterStyle(size: 20, room: 16_000)).hasUnknownLetters {
      for letter in plain(text) where !unknown.contains(letter) {
        if try set(String(letter), LetterStyle(size: 20, room: 100)).hasUnknownLetters {
          unknown.append(letter)
        }
      }
    }
    return unknown
  }

  private final class Registered: @unchecked Sendable {
    private let lock = NSLock()
    private var setting: (any LetterSetting)?

    func set(_ setting: any LetterSetting) { lock.withLock { self.setting = setting } }
    func get() -> (any LetterSetting)? { lock.withLock { setting } }
  }
}

/// Text that could not be drawn.
public enum LetteringError: LocalizedError, Equatable {
  case notRegistered
  case notDrawn(text: String)

  public var errorDescription: String? {
    switch self {
    case .notRegistered:
      "pictures with text need the library CrossModalLettering; call Lettering.registerPango() first"
    case .notDrawn(let text): "'\(text.prefix(60))' could not be drawn: there is not enough memory"
    }
  }
}
