import Foundation
import Torch

/// A page that says how a run went: self-contained HTML, for the screen in light and dark, and for paper.
///
/// ```swift
/// let report = Report(
///   title: "Pictures and text of Wikipedia",
///   blocks: [
///     .keyFigures([KeyFigure("0.242", "mAP, picture to text", note: "published 0.249")]),
///     .section("Correlations"),
///     .text("The first canonical correlations on the **training** part."),
///     .figure(LinePlot(
///       "Correlations fall from 0.56 to 0.15.", x: PlotAxis("component"), y: PlotAxis("correlation"),
///       series: [.init("training", values: [0.558, 0.448, 0.437])]), caption: "Canonical correlations."),
///   ])
/// try report.write(to: URL(filePath: "report.html"))
/// ```
/// All text is escaped. In running text words between backticks are code, words between double asterisks strong;
/// nothing else has a meaning.
public struct Report: Sendable {
  /// The headline.
  public var title: String
  /// A line above the headline: the kind of report, the method.
  public var kicker: String
  /// A sentence or two under the headline.
  public var lead: String
  /// The language of the text, as in `en` or `zh-CN`.
  public var language: String
  /// The content from the top.
  public var blocks: [ReportBlock]
  /// The last line of the page: program, version, date.
  public var footer: String

  /// A report.
  public init(
    title: String, kicker: String = "", lead: String = "", language: String = "en",
    blocks: [ReportBlock] = [], footer: String = ""
  ) {
    self.title = title
    self.kicker = kicker
    self.lead = lead
    self.language = language
    self.blocks = blocks
    self.footer = footer
  }

  /// The whole page. Equal reports give equal pages.
  public var html: String {
    var writer = ReportWriter()
    let content = blocks.map { writer.html(of: $0) }.joined(separator: "\n")
    var head = "<header>"
    if !kicker.isEmpty { head += "<p class=\"kicker\">\(Markup.escape(kicker))</p>" }
    head += "<h1 dir=\"auto\">\(Markup.escape(title))</h1>"
    if !lead.isEmpty { head += "<p class=\"lead\">\(Markup.prose(lead))</p>" }
    head += "</header>"
    let foot = footer.isEmpty ? "" : "\n<footer><p>\(Markup.prose(footer))</p></footer>"
    return """
      <!DOCTYPE html>
      <html lang="\(Markup.escape(language))">
      <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'" />
      <title>\(Markup.escape(title))</title>
      <style>\(ReportStyle.rules)\(PlotStyle.rules)</style>
      </head>
      <body>
      <main>
      \(head)\(writer.contents)
      \(content)\(foot)
      </main>
      </body>
      </html>

      """
  }

  /// Writes the page to a file, by way of a temporary one, so that no half page is ever seen.
  public func write(to file: URL) throws {
    try AtomicFile.write(Data(html.utf8), to: file.path)
  }
}

/// A number that matters, large, with what it is.
public struct KeyFigure: Sendable, Hashable {
  /// The number as it is to be read.
  public var value: String
  /// What it is.
  public var label: String
  /// What to compare it with; empty for nothing.
  public var note: String

  /// A number with its label.
  public init(_ value: String, _ label: String, note: String = "") {
    self.value = value
    self.label = label
    self.note = note
  }
}

/// One piece of a ``Report``.
public indirect enum ReportBlock: Sendable {
  /// A heading that begins a section and stands in the contents.
  case section(String)
  /// A heading inside a section.
  case heading(String)
  /// A paragraph.
  case text(String)
  /// Short points, one under the other.
  case points([String])
  /// A remark set off from the text, such as a caution.
  case note(String)
  /// Numbers that matter, large and side by side.
  case keyFigures([KeyFigure])
  /// Names and what they stand for: settings, versions, sizes.
  case facts([(name: String, value: String)])
  /// A plot with its caption; figures are numbered.
  case figure(any Plot, caption: String)
  /// A picture with its caption; figures are numbered.
  case picture(EmbeddedPicture, caption: String)
  /// A table with its caption; tables are numbered.
  case table(ReportTable, caption: String)
  /// Queries and the things they found.
  case gallery(PictureGallery, caption: String)
  /// Lines for a terminal, or other text kept as it is.
  case code(String, caption: String = "")
  /// Blocks side by side where there is room.
  case columns([[ReportBlock]])
  /// Blocks that open on demand.
  case details(String, [ReportBlock])
}

/// Turns blocks into elements and keeps count of figures, tables and sections.
private struct ReportWriter {
  private var figures = 0
  private var tables = 0
  private var sections: [String] = []
  /// Width for which plots are drawn, less inside columns.
  private var plotWidth = 680.0

  init() {}

  /// Links to the sections, where there are enough of them to get lost.
  var contents: String {
    guard sections.count > 2 else { return "" }
    let links = sections.enumerated()
      .map { "<li><a href=\"#section-\($0.offset + 1)\">\(Markup.escape($0.element))</a></li>" }.joined()
    return "\n<nav aria-label=\"Contents\"><ol>\(links)</ol></nav>"
  }

  mutating func html(of block: ReportBlock) -> String {
    switch block {
    case .section(let title):
      sections.append(title)
      return "<h2 id=\"section-\(sections.count)\">\(Markup.escape(title))</h2>"
    case .heading(let title): return "<h3>\(Markup.escape(title))</h3>"
    case .text(let text): return "<p>\(Markup.prose(text))</p>"
    case .points(let points):
      return "<ul>" + points.map { "<li>\(Markup.prose($0))</li>" }.joined() + "</ul>"
    case .note(let text): return "<aside><p>\(Markup.prose(text))</p></aside>"
    case .keyFigures(let figures): return keyFigures(figures)
    case .facts(let facts):
      let rows = facts.map {
        "<div><dt>\(Markup.escape($0.name))</dt><dd>\(Markup.prose($0.value))</dd></div>"
      }
      return "<dl>" + rows.joined() + "</dl>"
    case .figure(let plot, let caption):
      figures += 1
      let drawings =
        plot.drawing(width: plotWidth).embedded(class: "wide")
        + plot.drawing(width: 350).embedded(class: "narrow")
      return figure(drawings, "Figure \(figures)", caption)
    case .picture(let picture, let caption):
      figures += 1
      return figure(picture.html, "Figure \(figures)", caption)
    case .table(let table, let caption):
      tables += 1
      return
        "<figure class=\"tabular\(table.isBroad ? " broad" : "")\">\(captioned("Table \(tables)", caption))"
        + "<div class=\"scroll\">\(table.html)</div></figure>"
    case .gallery(let gallery, let caption):
      figures += 1
      return "<figure class=\"broad\">\(gallery.html)\(captioned("Figure \(figures)", caption))</figure>"
    case .code(let code, let caption):
      let note = caption.isEmpty ? "" : "<figcaption>\(Markup.prose(caption))</figcaption>"
      let lines = code.split(separator: "\n", omittingEmptySubsequences: false).map(Self.codeLine)
      return "<figure class=\"code\">\(note)<pre><code>\(lines.joined())</code></pre></figure>"
    case .columns(let columns):
      plotWidth = 430
      defer { plotWidth = 680 }
      var html = "<div class=\"columns\">"
      for column in columns { html += "<div>" + column.map { self.html(of: $0) }.joined() + "</div>" }
      return html + "</div>"
    case .details(let summary, let blocks):
      let content = blocks.map { html(of: $0) }.joined(separator: "\n")
      return "<details><summary>\(Markup.escape(summary))</summary>\n\(content)\n</details>"
    }
  }

  /// One line of code that may be broken between words, but not after the hyphens of an option.
  private static func codeLine(_ line: Substring) -> String {
    guard !line.isEmpty else { return "<span> </span>" }
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let word = Markup.escape(String(word))
      return word.hasPrefix("-") ? "<i>\(word)</i>" : word
    }
    return "<span>\(words.joined(separator: " "))</span>"
  }

  private func keyFigures(_ figures: [KeyFigure]) -> String {
    let items = figures.map { figure in
      "<div><p class=\"value\">\(Markup.escape(figure.value))</p><p class=\"label\">\(Markup.prose(figure.label))</p>"
        + (figure.note.isEmpty ? "" : "<p class=\"note\">\(Markup.prose(figure.note))</p>") + "</div>"
    }
    return "<div class=\"figures\">" + items.joined() + "</div>"
  }

  private func figure(_ content: String, _ number: String, _ caption: String) -> String {
    "<figure>\(content)\(captioned(number, caption))</figure>"
  }

  private func captioned(_ number: String, _ caption: String) -> String {
    "<figcaption><strong>\(number)</strong>\(caption.isEmpty ? "" : " " + Markup.prose(caption))</figcaption>"
  }
}
