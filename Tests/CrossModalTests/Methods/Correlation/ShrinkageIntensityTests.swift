import Testing
import Torch

@testable import CrossModal

@Suite("Shrinkage in closed form")
struct ShrinkageIntensityTests {
  let rows: Rows

  init() throws {
    func number(_ i: Int, _ j: Int) -> Double { Double((i * 7 + j * j * 3 + i * j) % 11 - 5) }
    let numbers: [Double] = (0..<15).flatMap { i in (0..<6).map { j in number(i, j) } }
    rows = Rows([try Tensor(numbers, shape: [15, 6]), try Tensor.zeros([15, 1])])
  }

  private func intensity(usesRows: Bool, scaling: ColumnScale = .none) throws -> ShrinkageIntensity {
    try ShrinkageIntensity(
      rows, view: 0, views: ["image", "text"], scaling: scaling, usesRows: usesRows, chunkRows: 4)
  }

  @Test("the rule of Ledoit and Wolf gives scikit-learn's number, by chunks and by Gram matrix")
  func ledoitWolf() throws {
    for usesRows in [false, true] {
      #expect(try abs(intensity(usesRows: usesRows).ledoitWolf - 0.577460121159148) < 1e-10)
    }
  }

  @Test("the oracle rule gives the number of its paper's equation")
  func oracle() throws {
    for usesRows in [false, true] {
      #expect(try abs(intensity(usesRows: usesRows).oracleApproximating - 0.7696936537799342) < 1e-10)
    }
  }

  @Test("scaled columns are treated alike by both routes")
  func scaling() throws {
    let (a, b) = (
      try intensity(usesRows: false, scaling: .deviation), try intensity(usesRows: true, scaling: .deviation)
    )
    #expect(abs(a.ledoitWolf - b.ledoitWolf) < 1e-10)
  }
}
