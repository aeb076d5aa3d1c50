import CrossModal
import Testing
import Torch

@Suite("Training sets")
struct TrainingSetTests {
  /// Two pictures with two words each, in an order of their own.
  private func captioned() throws -> MemorySet {
    MemorySet(
      [
        .vectors(try Tensor([Float](arrayLiteral: 1, 2, 3), shape: [3, 1])),
        .tokens(try Tensor([7, 8, 9, 10], shape: [4, 1]), lengths: [1, 1, 1, 1]),
      ], rows: [[1, 0, 1, 0], [2, 1, 0, 3]])
  }

  @Test("items of a set that knows only pairs are taken out of the pairs, each once and in order")
  func itemsOfPairs() throws {
    let pairs = MetricMethodsTests.Captioned(data: try captioned())
    #expect(pairs.count(side: 0) == 2 && pairs.count(side: 1) == 4)
    #expect(try pairs.items(side: 0, rows: 0..<2).tensor?.values(as: Float.self) == [1, 2])
    #expect(try pairs.items(side: 1, rows: 1..<4).tensor?.values(as: Int.self) == [8, 9, 10])
  }

  @Test("where row i goes with row i, an item is its pair's")
  func ownItems() throws {
    let pairs = try MemoryPairs.related(5)
    #expect(pairs.count(side: 1) == 5)
    let rows = try #require(try pairs.items(side: 1, rows: 2..<4).tensor)
    #expect(try rows.bytes() == pairs.y[2..<4].bytes())
  }

  @Test("an item that no pair names is missed by its row")
  func missing() throws {
    var data = try captioned()
    data.rows = [[1, 1], [0, 1]]
    let pairs = MetricMethodsTests.Captioned(data: data)
    let error = #expect(throws: DataError.self) { try pairs.items(side: 0, rows: 0..<2) }
    #expect(error?.description == "memory: x: has no pair with row 0")
  }
}
