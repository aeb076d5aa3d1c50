import Foundation
import Synchronization
import Testing
import Torch

@testable import CrossModal

@Suite("Ranking without a matrix")
struct StreamedRankingTests {
  /// Pairs of a test, by what is particular about them.
  enum Pairing: CaseIterable {
    case oneToOne, fiveColumnsARow, fiveRowsAColumn, scattered, someWithout, single

    var counts: (Int, Int) {
      switch self {
      case .oneToOne: (31, 31)
      case .fiveRowsAColumn: (70, 14)
      default: (14, 70)
      }
    }

    var pairs: [(Int, Int)] {
      switch self {
      case .oneToOne: (0..<31).map { ($0, $0) }
      case .fiveColumnsARow: (0..<70).map { ($0 / 5, $0) }
      case .fiveRowsAColumn: (0..<70).map { ($0, $0 / 5) }
      // Columns of two rows each, far apart.
      case .scattered: (0..<70).flatMap { [($0 * 11 % 14, $0), (($0 * 3 + 1) % 14, $0)] }
      case .someWithout: (0..<70).filter { $0 % 7 > 2 && $0 / 5 % 4 != 1 }.map { ($0 / 5, $0) }
      // A single pair, its item far from the first.
      case .single: [(9, 61)]
      }
    }
  }

  /// What a source was asked for.
  final class Count: Sendable {
    private let asked = Mutex<[Int]>([])
    var blocks: [Int] { asked.withLock { $0 } }
    func add(_ scores: Int) { asked.withLock { $0.append(scores) } }
  }

  static func counting(_ scores: Tensor, _ count: Count) -> ScoreSource {
    ScoreSource(first: scores.size(along: 0), second: scores.size(along: 1)) { rows, columns in
      count.add(rows.count * columns.count)
      return try scores[rows].narrowed(to: columns, along: 1)
    }
  }

  /// The same test with and without the scores kept.
  static func both(_ evaluation: RetrievalEvaluation, _ source: ScoreSource, _ truth: RetrievalTruth) throws
    -> (streamed: RetrievalMetrics, kept: RetrievalMetrics)
  {
    var keeping = evaluation
    keeping.keepsScores = true
    return (
      try evaluation.metrics(of: source, truth: truth), try keeping.metrics(of: source, truth: truth)
    )
  }

  @Test(
    "equals ranking of kept scores, whatever the ties, pairs, folds and blocks", arguments: Pairing.allCases)
  func equalsKeptScores(pairing: Pairing) throws {
    let (n, m) = pairing.counts
    let truth = try RetrievalTruth(first: n, second: m, pairs: pairing.pairs)
    for (seed, levels) in [(3, 2), (4, 5), (5, 1000)] {
      for withNaN in [false, true] {
        var table = RetrievalEvaluationTests.scores(
          n, m, seed: UInt64(seed), levels: levels, withNaN: withNaN)
        if withNaN {
          // A row and a column of NaN, a column of minus infinity after one.
          table[4] = [Double](repeating: .nan, count: m)
          for row in 0..<n {
            table[row][8] = .nan
            table[row][9] = row == 0 ? .nan : -.infinity
          }
        }
        let scores = try RetrievalEvaluationTests.tensor(table)
        for ties in TieRule.allCases {
          for (part, blockSize) in [
            (RetrievalProtocol.full, 1), (.folds(size: 13), 4 * 3 * m), (.full, 1 << 20),
          ] {
            let evaluation = RetrievalEvaluation(protocol: part, ties: ties, blockSize: blockSize)
            for type in [DataType.float32, .float64] {
              let (streamed, kept) = try Self.both(evaluation, ScoreSource(scores.to(type)), truth)
              #expect(streamed.forward.queries == kept.forward.queries)
              #expect(streamed.backward.queries == kept.backward.queries)
              #expect(streamed == kept)
            }
          }
        }
      }
    }
  }

  @Test("asks for a block at a time, for every score once and for the pairs beside")
  func asksLittle() throws {
    let (n, k) = (60, 5)
    let scores = try RetrievalEvaluationTests.tensor(RetrievalEvaluationTests.scores(n, n * k, seed: 8))
    let evaluation = RetrievalEvaluation(blockSize: 4 * 7 * n * k)
    let (streamed, kept) = (Count(), Count())
    var keeping = evaluation
    keeping.keepsScores = true
    let truth = try RetrievalTruth.consecutive(k, first: n)
    let found = try evaluation.metrics(of: Self.counting(scores, streamed), truth: truth)
    let expected = try keeping.metrics(of: Self.counting(scores, kept), truth: truth)
    #expect(found == expected)
    #expect(kept.blocks.reduce(0, +) == n * n * k)
    #expect(streamed.blocks.allSatisfy { 4 * $0 <= evaluation.blockSize })
    let beside = streamed.blocks.reduce(0, +) - n * n * k
    // That scores were streamed shows in what was asked beside.
    #expect((n * k...PairBlock.mostRows * n * k).contains(beside))
  }

  @Test("a source that scores a pair otherwise beside other items is ranked by its whole rows")
  func unsteadySource() throws {
    let truth = try RetrievalTruth.consecutive(5, first: 14)
    let scores = try RetrievalEvaluationTests.tensor(RetrievalEvaluationTests.scores(14, 70, seed: 2))
    let count = Count()
    let unsteady = ScoreSource(first: 14, second: 70) { rows, columns in
      count.add(rows.count * columns.count)
      let block = try scores[rows].narrowed(to: columns, along: 1)
      // The last rows only, so that it shows late.
      return columns == 0..<70 || rows.upperBound <= 12 ? block : try block + 1
    }
    let evaluation = RetrievalEvaluation(blockSize: 4 * 70 * 2)
    let found = try evaluation.metrics(of: unsteady, truth: truth)
    #expect(count.blocks.reduce(0, +) > 2 * 12 * 70)
    #expect(found == (try Self.both(evaluation, ScoreSource(scores), truth)).kept)
  }

  @Test("blocks of pairs hold every pair, no more than allowed and little else", arguments: Pairing.allCases)
  func pairBlocks(pairing: Pairing) throws {
    let (n, m) = pairing.counts
    let truth = try RetrievalTruth(first: n, second: m, pairs: pairing.pairs)
    // Columns of a fold are not all of the source's.
    let columns = (0..<m).map { 3 * $0 + 1 }
    for (places, limit) in [(Array(0..<m), 1), (Array(0..<m), 40), (columns, 40), (columns, 1 << 20)] {
      let blocks = PairBlock.blocks(of: truth.pairedOfFirst, columns: places, limit: limit)
      #expect(
        pairing.pairs.allSatisfy { row, column in
          blocks.contains { $0.rows.contains(row) && $0.columns.contains(places[column]) }
        })
      #expect(blocks.allSatisfy { $0.rows.count * $0.columns.count <= limit })
      let pairs = truth.pairedOfFirst.map(\.count).reduce(0, +)
      let asked = blocks.map { $0.rows.count * $0.columns.count }.reduce(0, +)
      #expect(asked <= 2 * PairBlock.mostRows * pairs)
    }
  }
}
