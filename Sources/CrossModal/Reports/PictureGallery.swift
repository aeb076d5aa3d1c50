import Foundation

/// A picture that travels inside a page.
public struct EmbeddedPicture: Sendable, Hashable {
  /// The forms of picture that browsers show and CrossModal embeds.
  public enum Format: String, Sendable, Hashable {
    /// JPEG.
    case jpeg = "image/jpeg"
    /// PNG.
    case png = "image/png"
    /// WebP.
    case webp = "image/webp"
    /// SVG; shown as a picture, so nothing in it can run.
    case svg = "image/svg+xml"
  }

  /// The bytes of the file.
  public var data: Data
  /// What they are.
  public var format: Format
  /// What the picture shows, for those who cannot see it.
  public var summary: String

  /// A picture from the bytes of its file.
  public init(_ data: Data, format: Format, summary: String = "") {
    self.data = data
    self.format = format
    self.summary = summary
  }

  /// A picture from a file.
  ///
  /// - Throws: ``ReportError/notAPicture(path:)`` when the file does not begin as a JPEG, PNG or WebP does, and Foundation's
  ///   error when it cannot be read.
  public init(contentsOf file: URL, summary: String = "") throws {
    let data = try Data(contentsOf: file)
    guard let format = Format(data) else { throw ReportError.notAPicture(path: file.path) }
    self.init(data, format: format, summary: summary)
  }

  var html: String {
    "<img src=\"data:\(format.rawValue);base64,\(data.base64EncodedString())\" alt=\"\(Markup.escape(summary))\" />"
  }
}

extension EmbeddedPicture.Format {
  /// What the first bytes of a picture say it is; nil for what browsers need not show.
  fileprivate init?(_ data: Data) {
    switch data.withUnsafeBytes(PictureFormat.init) {
    case .jpeg: self = .jpeg
    case .png: self = .png
    case .webp: self = .webp
    default: return nil
    }
  }
}

/// Queries and what they found: the rows of ``ReportBlock/gallery(_:caption:)``.
public struct PictureGallery: Sendable, Hashable {
  /// What was looked for, or what was found.
  public enum Content: Sendable, Hashable {
    /// Words.
    case text(String)
    /// A picture.
    case picture(EmbeddedPicture)
  }

  /// Whether what was found is what was meant.
  public enum Mark: Sendable, Hashable {
    /// It is.
    case hit
    /// It is not.
    case miss
    /// Nobody knows, or it does not matter.
    case none
  }

  /// One thing found.
  public struct Found: Sendable, Hashable {
    /// The thing.
    public var content: Content
    /// What it is called; empty for nothing.
    public var title: String
    /// Its score, as a number; `nil` writes none.
    public var score: Double?
    /// Whether it is what was meant.
    public var mark: Mark

    /// A thing found.
    public init(_ content: Content, title: String = "", score: Double? = nil, mark: Mark = .none) {
      self.content = content
      self.title = title
      self.score = score
      self.mark = mark
    }
  }

  /// One query with what it found, best first.
  public struct Row: Sendable, Hashable {
    /// What was looked for.
    public var query: Content
    /// What to say of the query; empty for nothing.
    public var note: String
    /// What was found, best first.
    public var found: [Found]

    /// A query and its results.
    public init(_ query: Content, note: String = "", found: [Found]) {
      self.query = query
      self.note = note
      self.found = found
    }
  }

  /// How large pictures are.
  public enum Size: Sendable, Hashable {
    /// As thumbnails: many fit beside each other.
    case small
    /// Large enough to look into.
    case large
  }

  /// What the shades of the pictures mean.
  public struct Scale: Sendable, Hashable {
    /// Colors at even distances, 0xRRGGBB.
    public var stops: [UInt32]
    /// What the first color stands for.
    public var from: String
    /// What the last color stands for.
    public var to: String
    /// In words.
    public var meaning: String

    /// A scale from one color to another.
    public init(_ stops: [UInt32], from: String, to: String, meaning: String) {
      self.stops = stops
      self.from = from
      self.to = to
      self.meaning = meaning
    }
  }

  /// The queries from the top.
  public var rows: [Row]
  /// Decimals of the scores.
  public var decimals: Int
  /// How large pictures are.
  public var size: Size
  /// What the shades of the pictures mean; nil where they have none of their own.
  public var scale: Scale?

  /// A gallery of queries.
  public init(rows: [Row], decimals: Int = 2, size: Size = .small, scale: Scale? = nil) {
    self.rows = rows
    self.decimals = decimals
    self.size = size
    self.scale = scale
  }

  /// The gallery as an element of a page.
  var html: String {
    "<div class=\"gallery\(size == .large ? " large" : "")\">" + rows.map(html(of:)).joined() + "</div>"
      + (scale?.html ?? "") + key
  }

  /// What the marks mean that the gallery has.
  private var key: String {
    let marks = Set(rows.flatMap { $0.found.map(\.mark) })
    let signs = [
      (Mark.hit, "<span class=\"tick\">✓</span> what was meant"),
      (.miss, "<span class=\"cross\">·</span> something else"),
    ].filter { marks.contains($0.0) }.map(\.1)
    return signs.isEmpty ? "" : "<p class=\"key\">\(signs.joined(separator: " &#160; "))</p>"
  }

  private func html(of row: Row) -> String {
    var html = "<section class=\"query\"><div class=\"asked\">"
    switch row.query {
    case .text(let text): html += "<p class=\"words\" dir=\"auto\">\(Markup.escape(text))</p>"
    case .picture(let picture): html += picture.html
    }
    if !row.note.isEmpty { html += "<p class=\"note\">\(Markup.prose(row.note))</p>" }
    // What follows one after the other follows in the direction of its text.
    let isReversed = !row.found.isEmpty && row.found.allSatisfy { $0.title.isRightToLeft }
    html += "</div><ol class=\"found\(row.found.allSatisfy { $0.isText } ? " lines" : "")\""
    html += isReversed ? " dir=\"rtl\">" : ">"
    for found in row.found { html += self.html(of: found) }
    return html + "</ol></section>"
  }

  private func html(of found: Found) -> String {
    let name: String
    let sign: String
    switch found.mark {
    case .hit: (name, sign) = (" class=\"hit\"", "<span class=\"tick\" title=\"what was meant\">✓</span>")
    case .miss: (name, sign) = (" class=\"miss\"", "<span class=\"cross\" title=\"something else\">·</span>")
    case .none: (name, sign) = ("", "")
    }
    var html = "<li\(name)>"
    switch found.content {
    case .picture(let picture): html += picture.html
    case .text(let text): html += "<span class=\"words\" dir=\"auto\">\(Markup.escape(text))</span>"
    }
    if !found.title.isEmpty {
      // Words stay whole; what is none, such as a path, may break anywhere.
      let isLong = found.title.split(separator: " ").contains { $0.count > 16 }
      html +=
        "<span class=\"name\(isLong ? " long" : "")\" dir=\"auto\">\(Markup.escape(found.title))</span>"
    }
    let score = found.score.map { NumberText.fixed($0, decimals: decimals) } ?? ""
    if !score.isEmpty || !sign.isEmpty { html += "<span class=\"score\">\(sign)\(score)</span>" }
    return html + "</li>"
  }
}

extension PictureGallery.Scale {
  fileprivate var html: String {
    let colors = stops.map { String(format: "#%06x", $0) }.joined(separator: ",")
    return "<p class=\"scale\"><span>\(Markup.escape(from))</span>"
      + "<span class=\"shades\" style=\"background:linear-gradient(to right,\(colors))\"></span>"
      + "<span>\(Markup.escape(to))</span><span class=\"meaning\">\(Markup.prose(meaning))</span></p>"
  }
}

extension PictureGallery.Found {
  fileprivate var isText: Bool {
    if case .text = content { true } else { false }
  }
}

/// Why a report could not be made.
public enum ReportError: LocalizedError, Equatable {
  /// A file that was to be embedded is no picture.
  case notAPicture(path: String)

  /// One sentence that names the file.
  public var errorDescription: String? {
    switch self {
    case .notAPicture(let path): "\(path): expected a JPEG, PNG or WebP picture"
    }
  }
}

extension Picture {
  /// The picture for a page: its own bytes, or its pixels as PNG.
  public func embedded(summary: String = "") throws -> EmbeddedPicture {
    if let data = try encoded() {
      return EmbeddedPicture(data, format: .init(data) ?? .png, summary: summary)
    }
    return EmbeddedPicture(try Picture.png(decoded()), format: .png, summary: summary)
  }
}
