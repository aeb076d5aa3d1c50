import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Sigmoid contrast: SigLIP")
struct SigmoidContrastTests {
  private func objective(_ scale: Double, _ bias: Double) throws -> PairObjective<SigmoidContrast> {
    try PairObjective(SigmoidContrast(logScale: Tensor(scale), bias: Tensor(bias)))
  }

  @Test("worked numbers")
  func workedNumbers() throws {
    let x = try Tensor.identity(2, .float64)
    #expect(
      try isClose(objective(2.302_585_093, -10)(x, x, Matches(pairs: 2)).total.item(), 0.693_192_58, 1e-7))
  }

  @Test("exchanging the sides changes nothing; with a low bias mismatches cost nearly nothing at first")
  func symmetry() throws {
    let rows = try Embeddings(5, 5)
    let one = try objective(1, -3)(rows.x, rows.y, Matches(pairs: 5)).total.item()
    let two = try objective(1, -3)(rows.y, rows.x, Matches(pairs: 5)).total.item()
    #expect(isClose(one, two))
    let positives = try Distance.cosine.pairwise(rows.x, rows.y)
    func mismatches(_ bias: Double) throws -> Double {
      let own = try (-(positives * 10 + bias)).exactSoftplus().mean().item()
      return try objective(log(10), bias)(rows.x, rows.y, Matches(pairs: 5)).total.item() - own
    }
    #expect(try mismatches(-10) < 0.5 && mismatches(0) > 2)
  }

  @Test("the gradient by the bias is the mean of σ(z) minus one for each match")
  func biasSlope() throws {
    let rows = try Embeddings(5, 5)
    let bias = try Tensor(-1.0).requiringGradient()
    let loss = SigmoidContrast(logScale: try Tensor(1.0), bias: bias)
    let total = try PairObjective(loss)(rows.x, rows.y, Matches(pairs: 5)).total
    let slope = try Tensor.gradients(of: [total], by: [bias])[0]!.item()
    let logits = try loss.logits(Distance.cosine.matrix(rows.x, rows.y)).detached()
    #expect(try isClose(slope, (logits.sigmoid().sum().item() - 5) / 5))
  }
}
