import Testing

@testable import CrossModal

@Suite("ReportTable")
struct ReportTableTests {
  private static let table = ReportTable(
    columns: [
      .init("method"), .init("mAP", best: .highest), .init("rank", decimals: 0, best: .lowest),
      .init("items"),
    ],
    rows: [
      [.code("cca"), .estimate(0.2417, 0.23...0.2533), 18, 12_500], [.code("scm"), 0.24171, 15.2, 700],
      [.text("published"), 0.249, 10, .missing], [.text("short")],
    ], quietRows: [2])

  private static let printed = """
      method                       mAP  rank    items
      ─────────  ─────────────────────  ─────  ──────
      cca        0.242* [0.230, 0.253]    18   12,500
      scm        0.242*                   15*     700
      published  0.249                    10        –
      short          –                     –        –
    """

  @Test("columns of numbers stand at the right, others at the left")
  func alignment() {
    #expect([0, 1, 2, 3].map(Self.table.isNumeric) == [false, true, true, true])
  }

  @Test("the best number is marked; equal as written is equally good, quiet rows take no part")
  func best() {
    #expect([0, 1, 2, 3].map { Self.table.isBest($0, 1) } == [true, true, false, false])
    #expect([0, 1, 2, 3].map { Self.table.isBest($0, 2) } == [false, true, false, false])
    let alone = ReportTable(columns: [.init("x", best: .highest)], rows: [[1], [.missing]])
    #expect(!alone.isBest(0, 0))
  }

  @Test("the terminal's table is aligned, with a star behind the best")
  func plainText() {
    #expect(TextTable(Self.table, indent: 2).description == Self.printed)
  }

  @Test("wide characters count twice in the terminal")
  func width() {
    #expect(TextTable.width(of: "abc") == 3)
    #expect(TextTable.width(of: "图像") == 4)
    #expect(TextTable.width(of: "❤️") == 2)
    #expect(TextTable.width(of: "e\u{301}") == 1)
    let table = ReportTable(columns: [.init("名"), .init("n", decimals: 0)], rows: [["图像", 1], ["x", 22]])
    #expect(TextTable(table).description == "名     n\n────  ──\n图像   1\nx     22")
  }

  @Test("a column of which nothing is known is left out, on the page and in the terminal")
  func unknownColumns() {
    let table = ReportTable(
      columns: [.init("name"), .init("gap"), .init("n", decimals: 0)],
      rows: [["a", .missing, 1], ["b", .missing, .missing]])
    #expect(table.known == [0, 2])
    #expect(!table.html.contains("gap"))
    #expect(TextTable(table).description == "name  n\n────  ─\na     1\nb     –")
  }

  @Test("measures of one column have decimals and intervals of their own; a term shows what it means")
  func measures() {
    let table = ReportTable(
      columns: [.init("measure"), .init("value")],
      rows: [
        [.term("R@1", "percent"), .measured(36, 27.3...45.8, decimals: 1)],
        [.text("MedR"), .measured(2, nil, decimals: 0)],
      ])
    #expect(table.isNumeric(1) && !table.isNumeric(0))
    #expect(
      TextTable(table).description
        == "measure              value\n───────  ─────────────────\nR@1      36.0 [27.3, 45.8]\nMedR        2"
    )
    #expect(table.html.contains("R@1<span class=\"meaning\">percent</span>"))
    #expect(table.html.contains("<td class=\"number\">36.0 <span class=\"interval\">[27.3, 45.8]</span>"))
  }

  @Test("every measure of retrieval is explained, and so are the words of its protocol")
  func meanings() {
    let names = RetrievalSummary(
      recalls: [1, 2, 3], medianRank: 1, meanRank: 1, meanReciprocalRank: 1, meanAveragePrecision: 1,
      meanGain: 1
    ).measures.map(\.name)
    #expect(names.allSatisfy { MeasureMeanings.meaning(of: $0) != nil })
    let said = MeasureMeanings.explained("5 captions an image, full set, ties pessimistic")
    #expect(said.hasPrefix("5 captions an image; full set (every query"))
    #expect(said.contains("ties pessimistic (of items that score alike, the right one counts last)"))
  }

  @Test("on the page the best number is strong and cells are escaped")
  func page() {
    let html = Self.table.html
    #expect(html.contains("<b>0.242</b> <span class=\"interval\">[0.230, 0.253]</span>"))
    #expect(html.contains("<tr class=\"quiet\">"))
    #expect(ReportTable(columns: [.init("<")], rows: [["&"]]).html.contains("<th scope=\"col\">&lt;</th>"))
  }
}
