import CrossModal
import Testing

@Suite("Tail probabilities")
struct TailProbabilityTests {
  // Expected values: mpmath with 40 digits.
  @Test(
    "upper tails of chi-square are right to 12 digits",
    arguments: [
      (0.5, 1, 0.47950012218695346),
      (3.2, 2, 0.20189651799465539),
      (10, 3.5, 0.028039861714310438),
      (0.01, 7, 0.99999999924305903),
      (40, 10, 1.6944743930067384e-5),
      (100, 100, 0.48119168452795672),
      (130, 100, 0.023512397809808676),
      (2100, 2000, 0.058671111377318077),
      (40000, 40000, 0.49905968376625068),
      (41000, 40000, 0.00022502803564234128),
      (700, 3, 2.0991308534204088e-151),
    ])
  func chiSquare(x: Double, degrees: Double, expected: Double) {
    #expect(abs(TailProbability.chiSquare(x, degrees: degrees) - expected) <= 1e-12 * expected)
  }

  @Test(
    "upper tails of F are right to 12 digits",
    arguments: [
      [1.5, 1, 1, 0.43590578315102507],
      [2.5, 3, 12.5, 0.10715460151081939],
      [0.2, 10, 4, 0.98216735253772291],
      [4, 20, 300, 5.8760891624853127e-8],
      [1.02, 4000, 5000, 0.25417834507623852],
      [1.1, 4000, 50000.5, 1.563268671067412e-5],
      [30, 5, 200, 1.0895661597077031e-22],
      [1e-3, 2, 7, 0.99900064252056444],
      [9, 1, 1e6, 0.0026998625414217971],
    ])
  func fisher(row: [Double]) {
    let found = TailProbability.f(row[0], numerator: row[1], denominator: row[2])
    #expect(abs(found - row[3]) <= 1e-12 * row[3])
  }

  @Test("the ends of the range are exact and nonsense gives NaN")
  func ends() {
    #expect(TailProbability.chiSquare(0, degrees: 3) == 1)
    #expect(TailProbability.chiSquare(.infinity, degrees: 3) == 0)
    #expect(TailProbability.f(-1, numerator: 2, denominator: 2) == 1)
    #expect(TailProbability.f(.infinity, numerator: 2, denominator: 2) == 0)
    #expect(TailProbability.f(1, numerator: 0, denominator: 2).isNaN)
    #expect(TailProbability.chiSquare(.nan, degrees: 3).isNaN)
  }
}
