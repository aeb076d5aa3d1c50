import CrossModal
import Testing
import Torch

@Suite("Matches")
struct MatchesTests {
  private func numbers(_ mask: Tensor) throws -> [Bool] { try mask.values(as: Bool.self) }

  @Test("equal ids match; everything else does not")
  func ids() throws {
    let masks = try Matches(ids: Tensor([1, 2]), Tensor([2, 1, 1])).masks()
    #expect(try numbers(masks.positive) == [false, true, true, true, false, false])
    #expect(try numbers(masks.negative) == [true, false, false, false, true, true])
  }

  @Test("one agreeing list of several is enough: captions of one picture, pictures of one caption")
  func anyOf() throws {
    let x = try Tensor([5, 5, 6])
    let y = try Tensor([0, 1, 1])
    let masks = try Matches(anyOf: [(x, x), (y, y)]).masks()
    #expect(
      try numbers(masks.positive) == [true, true, false, true, true, true, false, true, true])
  }

  @Test("an item is neither a match nor a mismatch of itself")
  func identities() throws {
    let labels = try Tensor([3, 3])
    let own = try Tensor([0, 1])
    let masks = try Matches(ids: labels, labels, identities: (own, own)).masks()
    #expect(try numbers(masks.positive) == [false, true, true, false])
    #expect(try numbers(masks.negative) == [false, false, false, false])
  }

  @Test("a block of rows is that part of the whole, and the sides can be exchanged")
  func blocks() throws {
    let matches = Matches(ids: try Tensor([1, 2, 3]), try Tensor([3, 1]))
    let whole = try matches.masks()
    let block = try matches.masks(of: 1..<3)
    #expect(try numbers(block.positive) == numbers(whole.positive[1..<3]))
    #expect(block.firstRow == 1)
    let turned = try matches.transposed()
    #expect(turned.count == 2 && turned.columns == 3)
    #expect(try numbers(turned.masks().positive) == numbers(whole.positive.transposed().contiguous()))
  }
}
