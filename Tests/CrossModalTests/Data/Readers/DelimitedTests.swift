import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Tables of text")
struct DelimitedTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private var place: URL { URL(fileURLWithPath: folder.path, isDirectory: true) }

  private func array(_ text: String, _ name: String = "x.csv", columns: String = "") throws -> any ArraySource
  {
    try folder.write(text, to: name)
    return try FileReference(name + columns, in: place).array(limits: .standard)
  }

  private func rows(_ text: String, _ name: String = "x.csv") throws -> [[String]] {
    let table = try DelimitedTable(folder.write(text, to: name), hasHeader: true)
    return try (0..<table.count).map { try table.fields(at: $0) }
  }

  @Test(
    "a column that only numbers or names the rows is left out, and said so",
    arguments: [
      ",a,b\n0,1.5,2\n1,2.5,3\n", "Unnamed: 0,a,b\n7,1.5,2\n3,2.5,3\n", "id,a,b\n10,1.5,2\n11,2.5,3\n",
      "\"a\",\"b\"\n\"1\",1.5,2\n\"2\",2.5,3\n", "a,index,b\n1.5,0,2\n2.5,1,3\n",
      ",a,b\ncell0,1.5,2\ncell1,2.5,3\n",
    ])
  func rowNames(text: String) throws {
    let found = try array(text)
    #expect(try found.all().values(as: Double.self) == [1.5, 2, 2.5, 3])
    #expect(found.notes.count == 1 && found.notes[0].contains("is left out; ") == true)
    #expect(found.notes[0].hasSuffix("x.csv:0:3 keeps it"))
    #expect(try array(text, columns: ":1:3").notes == [])
  }

  @Test("columns that say something are kept, whatever they are called")
  func keptColumns() throws {
    #expect(try array("id,a\n0.5,1\n0.7,2\n").shape == [2, 2])
    #expect(try array("id,a\n3,1\n3,2\n").shape == [2, 2])
    #expect(try array("id\n0\n1\n").shape == [2, 1])
  }

  @Test("a first row of numbers that reads like a header is a row, and said so")
  func numbersAsHeader() throws {
    for text in ["0,1,2\n0.5,1.5,2.5\n3,4,5\n", "400,402,404\n0.5,1.5,2.5\n0.1,0.2,0.3\n"] {
      let found = try array(text)
      #expect(found.shape == [3, 3])
      #expect(found.notes.count == 1 && found.notes[0].contains("is taken as one of 3 rows") == true)
    }
    #expect(try array("3,1,2\n0.5,1.5,2.5\n").notes == [])
    #expect(try array("2,5,9\n1,4,8\n").notes == [])
  }

  @Test("a number to the base of 16 is none", arguments: ["0x1F", "0X1p3", "-0x2"])
  func hexadecimal(field: String) {
    let said = message { _ = try array("a,b\n1,2\n\(field),3\n") }
    #expect(said?.hasSuffix("row 1, column 0: is '\(field)', expected a number") == true)
  }

  @Test("a quote counts only where a field begins, as in Python's csv")
  func quotes() throws {
    let text = "a,b\n1,a 12\" pizza\n2,\"x, \"\"y\"\"\nz\"\n3,a 10\" pan\n4,\"Big Ben\" seen\n"
    #expect(
      try rows(text) == [
        ["1", "a 12\" pizza"], ["2", "x, \"y\"\nz"], ["3", "a 10\" pan"], ["4", "Big Ben seen"],
      ])
    let said = message { _ = try rows("a,b\n1,2\n3,\"open\n4,5\n") }
    #expect(said?.hasSuffix("x.csv: line 3: opens a quote that does not end") == true)
    #expect(
      try rows("a\tb\n1\t\"Big Ben\" seen\n2\t\"open\n3\t\"x, y\"\n", "x.tsv")
        == [["1", "\"Big Ben\" seen"], ["2", "\"open"], ["3", "x, y"]])
  }

  @Test("separators and ends of lines are those of the file")
  func dialects() throws {
    let wanted = [["1", "x"], ["2", "y, z"]]
    #expect(try rows("a;b\n1;x\n2;y, z\n") == wanted)
    #expect(try rows("a|b\n1|x\n2|y, z\n") == wanted)
    #expect(try rows("a\tb\n1\tx\n2\ty, z\n") == wanted)
    #expect(try rows("a, b\n1, x\n2, \"y, z\"\n") == wanted)
    #expect(try rows("a,b\r1,x\r2,\"y, z\"\r") == wanted)
    #expect(try rows("\u{FEFF}a,b\r\n1,x\r\n2,\"y, z\"\r\n") == wanted)
  }

  @Test("a text of another encoding is refused by name")
  func encodings() throws {
    try folder.write("a,b\n1,2\n".data(using: .utf16) ?? Data(), to: "x.csv")
    let said = message { _ = try FileReference("x.csv", in: place).array(limits: .standard) }
    #expect(said?.hasSuffix("x.csv: is UTF-16; save it as UTF-8") == true)
    #expect(
      try TextLines(folder.write("one\rtwo\r", to: "t.txt"), limits: .standard).all() == ["one", "two"])
  }

  @Test("a column of a table is texts; lines of text have no parts")
  func texts() throws {
    try folder.write("id,caption\n1,\"one, two\"\n2,three\n", to: "t.csv")
    let column = try FileReference("t.csv:caption", in: place).texts(field: nil, limits: .standard)
    #expect((0..<column.count).map { column.text(at: $0) } == ["one, two", "three"])
    try folder.write("one\n", to: "t.txt")
    let said = message {
      _ = try FileReference("t.txt:var", in: place).texts(field: nil, limits: .standard)
    }
    #expect(said?.hasSuffix("t.txt: holds lines of text, so ':var' means nothing") == true)
  }
}
