import Testing
import Torch

@testable import CrossModal

@Suite("Tolerance")
struct ToleranceTests {
  private let tolerance = Tolerance(relative: 0.1, absolute: 0.01)

  @Test("numbers within absolute + relative · |expected| pass, others are named")
  func numbers() throws {
    let expected = try Tensor([1.0, 0, .nan, .infinity])
    #expect(try tolerance.compare(Tensor([1.109, 0.009, .nan, .infinity]), expected).reason == nil)
    let off = try tolerance.compare(Tensor([1.0, 0.02, .nan, .infinity]), expected)
    #expect(off.reason?.contains("element 1") == true)
    #expect(try tolerance.compare(Tensor([1.0, 0, 0, .infinity]), expected).reason != nil)
    #expect(try tolerance.compare(Tensor([1.0]), expected).reason?.contains("shape") == true)
  }

  @Test("whole numbers must be equal, and be whole numbers")
  func integers() throws {
    #expect(try tolerance.compare(Tensor([100, 2]), Tensor([100, 2])).reason == nil)
    #expect(try tolerance.compare(Tensor([101, 2]), Tensor([100, 2])).reason != nil)
    #expect(try tolerance.compare(Tensor([100.0, 2]), Tensor([100, 2])).reason != nil)
  }

  @Test("trees agree in keys, lengths, words, and numbers within the tolerance")
  func trees() {
    let expected: JSON = ["words": ["a", "b"], "score": 1.0]
    #expect(tolerance.compare(["score": 1.05, "words": ["a", "b"]], expected).reason == nil)
    #expect(tolerance.compare(["words": ["a", "c"], "score": 1.0], expected).reason != nil)
    #expect(tolerance.compare(["words": ["a"], "score": 1.0], expected).reason != nil)
    #expect(tolerance.compare(["words": ["a", "b"]], expected).reason != nil)
  }
}
