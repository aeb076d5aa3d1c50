import Foundation
import Testing

@testable import CrossModal

@Suite("Report")
struct ReportTests {
  private static let hostile = "<b onclick='x'>&\u{0}\"</b>"
  private static let pixel = EmbeddedPicture(Data([0xFF, 0xD8, 0xFF, 0xE0]), format: .jpeg, summary: hostile)

  private static let everything = Report(
    title: hostile, kicker: hostile, lead: hostile, language: "en",
    blocks: [
      .keyFigures([KeyFigure(hostile, hostile, note: hostile), KeyFigure("1", "one")]),
      .section(hostile), .heading(hostile), .text(hostile), .points([hostile]), .note(hostile),
      .facts([(hostile, hostile)]),
      .figure(LinePlot(hostile, x: PlotAxis(hostile), y: PlotAxis(hostile), series: []), caption: hostile),
      .picture(pixel, caption: hostile),
      .table(
        ReportTable(columns: [.init(hostile)], rows: [[.text(hostile)], [.code(hostile)]]), caption: hostile),
      .gallery(
        PictureGallery(rows: [
          .init(.text(hostile), note: hostile, found: [.init(.picture(pixel), title: hostile, mark: .hit)]),
          .init(.picture(pixel), found: [.init(.text(hostile), score: 0.5, mark: .miss)]),
        ]), caption: hostile),
      .code(hostile, caption: hostile),
      .columns([[.section("second")], [.details(hostile, [.section("third"), .text(hostile)])]]),
    ], footer: hostile)

  @Test("a page with every block is well-formed and lets no markup through")
  func everyBlock() throws {
    let html = Self.everything.html
    try parseXML(html)
    #expect(!html.contains("<b onclick"))
    #expect(!html.contains("\u{0}"))
  }

  @Test("a page is self-contained: nothing is fetched, nothing runs")
  func selfContained() {
    let html = Self.everything.html
    #expect(!html.contains("<script"))
    #expect(!html.contains("<link"))
    #expect(!html.contains("@import"))
    #expect(!html.contains("url("))
    #expect(html.contains("default-src 'none'"))
  }

  @Test("a gallery says what its marks mean, and nothing of marks that it has not")
  func marks() {
    func html(_ marks: [PictureGallery.Mark]) -> String {
      PictureGallery(rows: [.init(.text("q"), found: marks.map { .init(.text("a"), mark: $0) })]).html
    }
    #expect(html([.hit, .miss]).contains("what was meant &#160; "))
    #expect(html([.hit, .none]).contains("class=\"key\""))
    #expect(!html([.hit, .none]).contains("something else"))
    #expect(!html([.none]).contains("class=\"key\""))
  }

  @Test("equal reports give equal pages")
  func deterministic() {
    #expect(Self.everything.html == Self.everything.html)
  }

  @Test("figures and tables are numbered, and three sections make a list of contents")
  func numbered() {
    let html = Self.everything.html
    #expect(html.contains("<strong>Figure 3</strong>"))
    #expect(html.contains("<strong>Table 1</strong>"))
    #expect(html.contains("<a href=\"#section-3\">third</a>"))
    #expect(!Report(title: "t", blocks: [.section("a"), .section("b")]).html.contains("<nav"))
  }

  @Test("the page has a light and a dark form, and one for paper")
  func schemes() {
    let html = Report(title: "t").html
    #expect(html.contains("prefers-color-scheme:dark"))
    #expect(html.contains("@media print"))
    #expect(html.contains("width=device-width"))
  }

  @Test("a plot is drawn twice, for wide and for narrow windows")
  func responsivePlots() {
    let html = Self.everything.html
    #expect(html.contains("class=\"plot wide\" viewBox=\"0 0 680 "))
    #expect(html.contains("class=\"plot narrow\" viewBox=\"0 0 350 "))
  }

  @Test("pictures are embedded with their type, and other files are refused by name")
  func pictures() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "picture-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]).write(to: file)
    #expect(
      try EmbeddedPicture(contentsOf: file).html
        == "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"\" />")
    try Data("GIF89a".utf8).write(to: file)
    let error = #expect(throws: ReportError.self) { try EmbeddedPicture(contentsOf: file) }
    #expect(error?.localizedDescription == "\(file.path): expected a JPEG, PNG or WebP picture")
  }

  @Test("the page is written whole")
  func written() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString).html")
    defer { try? FileManager.default.removeItem(at: file) }
    try Self.everything.write(to: file)
    #expect(try String(contentsOf: file, encoding: .utf8) == Self.everything.html)
  }
}
