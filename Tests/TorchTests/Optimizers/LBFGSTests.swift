import Testing
import Torch

@Suite("L-BFGS")
struct LBFGSTests {
  /// A point as a module.
  final class Place: Module {
    @Parameter var x: Tensor
    init(_ x: [Double]) throws { self.x = try Tensor(x) }
  }

  @Test("it finds the bottom of Rosenbrock's valley", arguments: [2, 10])
  func rosenbrock(dimensions: Int) throws {
    let place = try Place((0..<dimensions).map { $0.isMultiple(of: 2) ? -1.2 : 1 })
    let optimizer = LBFGS(place.parameters, iterations: 100, gradientTolerance: 1e-10, changeTolerance: 1e-14)
    for _ in 0..<3 {
      try optimizer.step(learningRate: 1) {
        let (a, b) = (try place.x[0..<dimensions - 1], try place.x[1..<dimensions])
        let loss = try ((b - a.squared()).squared() * 100 + (1 - a).squared()).sum()
        try loss.backward()
        return try loss.item()
      }
    }
    for x in try place.x.values(as: Double.self) { #expect(abs(x - 1) < 1e-6) }
  }

  @Test("a function of known gradient is minimised until its gradient is as small as was asked")
  func function() throws {
    // ½ xᵀ A x - bᵀ x, whose minimum A⁻¹ b is (2, -3); A is ill-conditioned.
    let a = try Tensor([1000.0, 1, 1, 0.01]).reshaped(2, 2)
    let b = try a.matmul(Tensor([2.0, -3]))
    func value(_ x: Tensor) throws -> (value: Double, gradient: Tensor) {
      let product = try a.matmul(x)
      return (try (x * (product * 0.5 - b)).sum().item(), try product - b)
    }
    let found = try LBFGS.minimum(from: Tensor([0.0, 0]), tolerance: 1e-10, of: value)
    #expect(try value(found).gradient.magnitude().max().item() <= 1e-10)
    #expect(try found.isClose(to: Tensor([2.0, -3]), absolute: 1e-6))
  }
}
