import CrossModal
import Foundation
import Testing
import Torch

@Suite("Object retrieval")
struct ObjectRetrievalTests {
  /// One query whose list has the given items relevant, best first.
  private func query(_ list: [Bool]) throws -> ObjectRetrieval {
    let scores = (0..<list.count).map { Double(-$0) }
    return try ObjectRetrieval(
      ScoreSource(Tensor(scores).reshaped(1, list.count)), labels: ([1], list.map { $0 ? 1 : 0 }))
  }

  @Test("the measures of a short list are those computed by hand")
  func byHand() throws {
    // Relevant at ranks 2 and 3 of five.
    let measured = try query([false, true, true, false, false])
    let values = Dictionary(uniqueKeysWithValues: measured.values.map { ($0.name, $0.value) })
    let ndcg = (1 + 1 / log2(3.0)) / 2
    let expected = [
      "NN": 0, "FT": 0.5, "ST": 1, "E": 2 * 0.4 / 1.4, "DCG": ndcg, "mAP": (0.5 + 2.0 / 3) / 2,
      "AUC": 2.0 / 3, "ANMRR": (2.5 - 1.5) / (1.25 * 4 - 1.5),
    ]
    for (name, value) in expected { #expect(abs((values[name] ?? .nan) - value) < 1e-12, "\(name)") }
    #expect(measured.recall(at: 1) == 0 && measured.recall(at: 2) == 100)
  }

  @Test("a perfect list is 1 everywhere and 0 in ANMRR; a relevant item beyond the depth counts 1.25 K")
  func extremes() throws {
    let perfect = try query([true, true, false, false, false])
    for (name, value) in perfect.values where name != "E" {
      #expect(abs(value - (name == "ANMRR" ? 0 : 1)) < 1e-12, "\(name)")
    }
    let worst = try query([Bool](repeating: false, count: 10) + [true])
    #expect(worst.meanModifiedRank == 1)
  }

  @Test("only queries that are the gallery can search among themselves")
  func others() throws {
    #expect(throws: EvaluationError.self) {
      try ObjectRetrieval(
        ScoreSource(Tensor.zeros([3, 2])), labels: ([0, 0, 1], [0, 1]), excludingSelf: true)
    }
  }

  @Test("a query never finds itself, and one that is alone in its class is left out")
  func itself() throws {
    let features = try Tensor([0.0, 1, 10, 11, 50]).reshaped(5, 1)
    let measured = try ObjectRetrieval(features: features, labels: [0, 0, 1, 1, 2])
    #expect(measured.queries.map(\.row) == [0, 1, 2, 3])
    #expect(measured.queries.allSatisfy { $0.nearest == 1 })
    #expect(measured.recall(at: 1) == 80)
  }

  @Test("sketches that look for shapes have a gallery of their own, and labels must fit")
  func crossModal() throws {
    let scores = ScoreSource(try Tensor([3.0, 2, 1, 1, 2, 3]).reshaped(2, 3))
    let measured = try ObjectRetrieval(scores, labels: ([0, 1], [0, 0, 1]))
    #expect(measured.queries.map(\.averagePrecision) == [1, 1])
    #expect(throws: EvaluationError.labelCount(labels: 2, rows: 3, side: 1)) {
      try ObjectRetrieval(scores, labels: ([0, 1], [0, 0]))
    }
  }
}
