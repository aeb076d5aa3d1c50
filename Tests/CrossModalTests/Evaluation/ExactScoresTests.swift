import Testing
import Torch

@testable import CrossModal

@Suite("Scores too close to tell apart in float32")
struct ExactScoresTests {
  /// Ten groups of captions that differ from each other by less than float32 sums can show.
  private func vectors() throws -> (x: Tensor, y: Tensor) {
    let generator = try Generator(seed: 3)
    let x = try Tensor.normal([20, 300], .float64, using: generator).normalized(along: 1)
    let noise = try Tensor.normal([60, 300], .float64, using: generator) * 2e-7
    let y = try (x.rows(at: (0..<60).map { $0 % 10 }) + noise).normalized(along: 1)
    return (try x.to(.float32), try y.to(.float32))
  }

  private func ranks(_ table: ScoreTable<Double>, _ truth: RetrievalTruth) -> [Double?] {
    var ranks: [Double?] = []
    let forward = QueryRanking(ties: .pessimistic, gallery: truth.second)
    table.forEachRow { ranks.append(forward.rank(of: truth.pairedOfFirst[$0], in: $1)?.rank) }
    let backward = QueryRanking(ties: .pessimistic, gallery: truth.first)
    table.forEachColumn { ranks.append(backward.rank(of: truth.pairedOfSecond[$0], in: $1)?.rank) }
    return ranks
  }

  @Test(
    "ranks are those of float64 products, whether few scores are close or nearly all",
    arguments: [false, true])
  func ranks(collapsed: Bool) throws {
    var (x, y) = try vectors()
    if collapsed {
      let shared = try x[0].unsqueezed(at: 0)
      (x, y) = (try (x * 1e-4 + shared).to(.float32), try (y * 1e-4 + shared).to(.float32))
    }
    let truth = try RetrievalTruth.consecutive(3, first: 20)
    let table = try ScoreTable<Double>(rows: 20, columns: 60, memoryLimit: 1 << 20)
    let precise = try x.to(.float64).matmul(y.to(.float64).transposed())
    try table.store(precise.contiguous(), from: 0)
    let expected = ranks(table, truth)
    try table.store(x.matmul(y.transposed()).to(.float64).contiguous(), from: 0)
    #expect(ranks(table, truth) != expected)
    let exact = try #require(try ExactScores(.dot, x, y))
    try table.refine(exact, rows: Array(0..<20), columns: Array(0..<60), truth: truth)
    #expect(ranks(table, truth) == expected)
  }

  @Test("only products of float32 vectors are computed again")
  func applies() throws {
    let (x, y) = try vectors()
    #expect(try ExactScores(.cosine, x, y) != nil)
    #expect(try ExactScores(.euclidean, x, y) == nil)
    #expect(try ExactScores(.dot, x.to(.float64), y.to(.float64)) == nil)
  }
}
