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

  @Test("moments, answers, rates and lengths go through featurizers, which have lengths of their own")
  func facts() throws {
    var video = DataSet.Modality("video", .sequences(try Tensor.zeros([2, 3, 4]), lengths: [3, 1]))
    video.rate = 25
    let data = try DataSet(
      name: "mine", [video, .init("text", .texts(["one two", "three"]))], answers: [["a"], ["b"]],
      moments: [0...1, 1...2])
    let split = try data.split("train")
    let words = try Featurizers.fit("words", to: split, side: 1, settings: ["threshold": 1])
    let pairs = try FeaturizedSplit(split, [nil, words])
    #expect(split.lengths(side: 1) == nil && pairs.lengths(side: 1) == [4, 3])
    #expect(pairs.lengths(side: 0) == [3, 1] && pairs.rate(side: 0) == 25 && pairs.rate(side: 1) == nil)
    #expect(pairs.answers == [["a"], ["b"]] && pairs.moments == [0...1, 1...2])
    #expect(try !pairs.hasMasks(side: 0) && pairs.mask(side: 0, row: 0) == nil)
    #expect(pairs.count(side: 1) == 2 && pairs.targets("answers") == nil)
    let plain: any TrainingSet = try MemoryPairs.related(3)
    #expect(plain.answers == nil && plain.moments == nil && plain.lengths(side: 0) == nil)
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
