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
}
