import Testing
import Torch

@testable import CrossModal

@Suite("Pairs held out")
struct PairDivisionTests {
  @Test("a share of the pairs is held out at random, the same for the same seed, and none is on both sides")
  func shares() throws {
    let rows = Rows(try correlatedRows(50, 2, 2))
    let division = try PairDivision(of: rows, share: 0.2, most: 500, seed: 3)
    #expect(division.held.count == 10)
    #expect((division.held + division.kept).sorted() == Array(0..<50))
    #expect(try PairDivision(of: rows, share: 0.2, most: 500, seed: 3).held == division.held)
    #expect(try PairDivision(of: rows, share: 0.2, most: 500, seed: 4).held != division.held)
    #expect(try PairDivision(of: rows, share: 0.2, most: 7, seed: 3).held.count == 7)
  }

  @Test("captions of one picture and views of one object stay together")
  func clusters() throws {
    let texts = (0..<60).map { "text \($0)" }
    let captions = try DataSet(
      name: "captions",
      [.init("image", .vectors(try Tensor.zeros([20, 2]))), .init("text", .texts(texts))],
      captionsPerItem: 3
    ).split("train")
    let held = try PairDivision(of: captions, share: 0.2, most: 500, seed: 1).held
    #expect(held.count == 12)
    #expect(Set(held.map { $0 / 3 }).count == 4)

    var objects = DataSet.Modality("image", .vectors(try Tensor.zeros([30, 2])))
    objects.group = (0..<30).map { $0 / 5 }
    let views = try DataSet(
      name: "views", [objects, .init("text", .texts(Array(texts.prefix(30))))]
    ).split("train")
    let division = try PairDivision(of: views, share: 0.5, most: 500, seed: 1)
    #expect(division.held.count == 15)
    #expect(Set(division.held.map { $0 / 5 }).isDisjoint(with: Set(division.kept.map { $0 / 5 })))
  }
}
