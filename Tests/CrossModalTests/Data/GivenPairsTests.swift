import Foundation
import Testing

@testable import CrossModal

@Suite("Given pairs")
struct GivenPairsTests {
  private func pairs(_ text: String, of data: MemorySet) throws -> [GivenPairs.Pair] {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "pairs.txt")
    return try GivenPairs(folder.file("pairs.txt").path, of: data).pairs
  }

  @Test("a line has two rows and what is said of them, between blanks, tabs or commas")
  func reads() throws {
    let found = try pairs(
      "3 7 similar\n3,8,dissimilar\n\n9\t9\tdissimilar\n", of: MetricMethodsTests.data())
    #expect(
      found == [.init(x: 3, y: 7, .similar), .init(x: 3, y: 8, .dissimilar), .init(x: 9, y: 9, .dissimilar)])
  }

  @Test(
    "lines that are no pair, or rows that are not there, are named",
    arguments: [
      ("1 2\n", "line 1"), ("1 2 similar\n1 2 1\n", "line 2"), ("1 40 similar\n", "names row 40 of y"),
      ("", "no pairs"),
    ])
  func refuses(text: String, part: String) throws {
    let data = try MetricMethodsTests.data()
    let error = #expect(throws: DataError.self) { try pairs(text, of: data) }
    #expect(error?.errorDescription?.contains(part) == true)
  }
}
