import CrossModal
import Testing

@Suite("Parametric tests of canonical correlations")
struct CanonicalSignificanceTests {
  @Test("with one column in a view Rao's F is the F of multiple regression")
  func regression() throws {
    let rho = 0.6
    let found = try CanonicalSignificance(correlations: [rho], ranks: [4, 1], rows: 50)
    let expected = (rho * rho / 4) / ((1 - rho * rho) / 45)
    #expect(abs(found.raoF[0] - expected) < 1e-12)
    #expect(found.numerator == [4])
    #expect(abs(found.denominator[0] - 45) < 1e-12)
  }

  @Test("the sums over all correlations are those of the definitions")
  func sums() throws {
    let found = try CanonicalSignificance(correlations: [0.8, 0.5], ranks: [3, 2], rows: 60)
    #expect(abs(found.wilks[0] - (1 - 0.64) * (1 - 0.25)) < 1e-15)
    #expect(abs(found.wilks[1] - 0.75) < 1e-15)
    #expect(found.degrees == [6, 2])
    #expect(abs(found.pillai - 0.89) < 1e-15)
    #expect(abs(found.hotellingLawley - (0.64 / 0.36 + 0.25 / 0.75)) < 1e-15)
    #expect(found.roy == 0.8 * 0.8)
    #expect(found.bartlettP[0] < found.bartlettP[1])
  }

  @Test("too few rows are refused and the permutation test is named")
  func fewRows() {
    #expect { try CanonicalSignificance(correlations: [0.5], ranks: [4, 3], rows: 8) } throws: {
      "\(($0 as? CorrelationError)?.errorDescription ?? "")".contains("permutation test")
    }
  }
}
