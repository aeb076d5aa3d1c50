import CrossModal
import Foundation
import Testing
import Torch

@Suite("Scores of semantic matching")
struct SemanticScoreTests {
  let p: Tensor
  let q: Tensor

  init() throws {
    let generator = try Generator(seed: 3)
    p = try Tensor.normal([4, 5], .float64, using: generator).softmax(along: 1)
    q = try Tensor.normal([3, 5], .float64, using: generator).softmax(along: 1)
  }

  /// The definition, a number at a time.
  private func expected(_ score: SemanticScore, _ p: [Double], _ q: [Double]) -> Double {
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
    func centered(_ a: [Double]) -> [Double] { a.map { $0 - a.reduce(0, +) / Double(a.count) } }
    func kl(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) } }
    switch score {
    case .l1: return -zip(p, q).reduce(0) { $0 + abs($1.0 - $1.1) }
    case .l2: return -norm(zip(p, q).map { $0 - $1 })
    case .nc: return dot(p, q) / norm(p) / norm(q)
    case .ncc: return dot(centered(p), centered(q)) / norm(centered(p)) / norm(centered(q))
    case .dot: return dot(p, q)
    case .kl: return -kl(p, q)
    case .klSymmetric: return -(kl(p, q) + kl(q, p)) / 2
    case .js:
      let mean = zip(p, q).map { ($0 + $1) / 2 }
      return -(kl(p, mean) + kl(q, mean)) / 2
    case .ncSum: return dot(p, q) / (norm(p) + norm(q))
    }
  }

  @Test("scores are those of the definitions, distances negated", arguments: SemanticScore.allCases)
  func definitions(score: SemanticScore) throws {
    let found = try score.scores(p, q)
    for i in 0..<4 {
      for j in 0..<3 {
        let number: Double = try found[i][j].item()
        #expect(try abs(number - expected(score, p[i].values(), q[j].values())) < 1e-12)
      }
    }
    if score.isSymmetric {
      #expect(try score.scores(q, p).transposed().distance(to: found) < 1e-12)
    }
  }

  @Test("nc and ncc ignore positive scaling, ncc also an added constant")
  func invariance() throws {
    for score in [SemanticScore.nc, .ncc] {
      #expect(try score.scores(p * 3, q).distance(to: score.scores(p, q)) < 1e-12)
    }
    #expect(try SemanticScore.ncc.scores(p + 2, q).distance(to: SemanticScore.ncc.scores(p, q)) < 1e-12)
  }

  @Test("zero and constant vectors score 0 and not NaN")
  func degenerate() throws {
    let zero = try Tensor.zeros([1, 5], .float64)
    for score in [SemanticScore.nc, .ncc, .ncSum] {
      #expect(try score.scores(zero, zero).item(as: Double.self) == 0)
    }
    let uniform = try Tensor.full([1, 5], 0.2, .float64)
    #expect(try SemanticScore.ncc.scores(uniform, q).magnitude().max().item(as: Double.self) == 0)
  }

  @Test("divergences are 0 for equal posteriors, survive zeros, and refuse negative entries")
  func divergences() throws {
    let hard = try Tensor([1.0, 0, 0, 0, 1, 0], shape: [2, 3])
    for score in [SemanticScore.kl, .klSymmetric, .js] {
      #expect(try score.scores(p, p).diagonal().magnitude().max().item(as: Double.self) < 1e-12)
      #expect(try score.scores(hard, hard).isFinite().all())
      #expect(throws: CorrelationError.self) { try score.scores(p - 1, q) }
    }
  }
}
