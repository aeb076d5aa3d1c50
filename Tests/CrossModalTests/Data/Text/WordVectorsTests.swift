import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Word vectors in text files")
struct WordVectorsTests {
  private func vectors(_ text: String, of words: [String]) throws -> WordVectors {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("vectors.txt")
    try Data(text.utf8).write(to: file)
    return try WordVectors(file.path, of: words)
  }

  @Test("words that are asked for have their numbers, others are zero; a heading of counts is no word")
  func reads() throws {
    for heading in ["", "3 2\n"] {
      let found = try vectors(heading + "cat 1 2\ndog -1 0.5\ncat 9 9\n", of: ["dog", "<pad>", "cat"])
      #expect(found.found == 2)
      #expect(try found.table.values(as: Double.self) == [-1, 0.5, 0, 0, 1, 2])
    }
  }

  @Test("words may hold blanks: the numbers are the last fields")
  func blanks() throws {
    let text = "a\u{A0}b 1 2 3\n. . . 0.1 0.2 0.3\nat name@domain.com\t4 5 6\n"
    let found = try vectors(text, of: [". . .", "a\u{A0}b", "at name@domain.com"])
    #expect(found.found == 3)
    #expect(
      try found.table.to(.float64).isClose(
        to: Tensor([0.1, 0.2, 0.3, 1, 2, 3, 4, 5, 6], shape: [3, 3]), absolute: 1e-6))
    #expect(try vectors(". . 1 2\n", of: [". ."]).found == 1)
  }

  @Test(
    "lines of another width, words for numbers and empty files are named",
    arguments: [
      ("a 1 2\nb 1\n", "line 2"), ("a 1 x\n", "line 1"), ("", "no word vectors"), ("a 1 nan\n", "line 1"),
    ])
  func refuses(text: String, part: String) {
    let error = #expect(throws: DataError.self) { try vectors(text, of: ["a", "b"]) }
    #expect(error?.errorDescription?.contains(part) == true)
  }
}
