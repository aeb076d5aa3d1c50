import CrossModal
import Testing
import Torch

@Suite("Cross-batch memory")
struct CrossBatchMemoryTests {
  @Test("the oldest rows go first, also when a batch runs over the end")
  func ring() throws {
    var memory = try CrossBatchMemory(capacity: 5, size: 1, dtype: .float64)
    for batch in [[1.0, 2, 3], [4, 5, 6], [7]] {
      try memory.append(Tensor(batch, shape: [batch.count, 1]), ids: Tensor(batch.map { Int($0) * 10 }))
    }
    #expect(try memory.storage.values(as: Double.self) == [6, 7, 3, 4, 5])
    #expect(try memory.ids.values(as: Int.self) == [60, 70, 30, 40, 50])
    #expect(memory.count == 5 && memory.written == 7)
  }

  @Test("class 0 in the last place counts as filled; empty places do not")
  func filling() throws {
    var memory = try CrossBatchMemory(capacity: 4, size: 2)
    try memory.append(Tensor.ones([3, 2]), ids: Tensor([0, 0, 0]))
    #expect(try memory.rows().shape == [3, 2])
    #expect(try memory.matches(of: Tensor([0, 0, 0])).columns == 3)
  }

  @Test("as large as the batch it gives the batch's own loss without self pairs, by the anchors' side alone")
  func equalsBatch() throws {
    let rows = try Embeddings(8, 8, classes: 3)
    let objective = try PairObjective(ContrastiveLoss(margin: 1.4))
    var memory = try CrossBatchMemory(capacity: 8, size: 5, dtype: .float64)
    try memory.append(rows.y.detached(), ids: rows.labelsY)
    try memory.append(rows.x, ids: rows.labelsX)
    let own = try Tensor.range(0..<8)
    let direct = try objective(
      rows.x, rows.x.detached(), Matches(ids: rows.labelsX, rows.labelsX, identities: (own, own))
    ).total
    let remembered = try objective(rows.x, memory.rows(), memory.matches(of: rows.labelsX)).total
    #expect(try isClose(direct.item(), remembered.item()))
    let slopes = try [direct, remembered].map { try Tensor.gradients(of: [$0], by: [rows.x])[0]! }
    #expect(try slopes[0].isClose(to: slopes[1], absolute: 1e-12))
  }

  @Test("exact duplicates stay pairs: a row's own copy is told by its number")
  func duplicates() throws {
    var memory = try CrossBatchMemory(capacity: 4, size: 1)
    let batch = try Tensor.ones([2, 1])
    try memory.append(batch, ids: Tensor([3, 3]))
    let masks = try memory.matches(of: Tensor([3, 3])).masks()
    #expect(try masks.positive.values(as: Bool.self) == [false, true, true, false])
  }

  @Test("a batch larger than the memory is refused")
  func tooLarge() throws {
    var memory = try CrossBatchMemory(capacity: 1, size: 1)
    #expect(throws: ObjectiveError.badSetting("memory size", 1, expected: "at least the 2 rows of a batch")) {
      try memory.append(Tensor.ones([2, 1]), ids: Tensor([0, 1]))
    }
    #expect(throws: ObjectiveError.self) { try CrossBatchMemory(capacity: 0, size: 1) }
  }
}
