import CrossModal
import Testing
import Torch

@Suite("Clustering")
struct ClusteringTests {
  @Test("the worked example of the specification")
  func worked() throws {
    let measured = try Clustering(clusters: [0, 0, 1, 1], classes: [0, 0, 0, 1])
    #expect(abs(measured.f1 - 0.4) < 1e-12)
    #expect(abs(measured.mutualInformation - 0.343711) < 1e-6)
  }

  @Test("a perfect clustering is 1 under any names, NMI is symmetric, and one cluster of one class is 1")
  func invariants() throws {
    let perfect = try Clustering(clusters: [7, 7, -1, -1, 3], classes: [0, 0, 1, 1, 2])
    #expect(abs(perfect.mutualInformation - 1) < 1e-12 && perfect.f1 == 1)
    let (a, b) = ([0, 1, 1, 2, 2, 0, 1], [1, 1, 0, 0, 1, 1, 0])
    let there = try Clustering(clusters: a, classes: b).mutualInformation
    #expect(abs(there - (try Clustering(clusters: b, classes: a).mutualInformation)) < 1e-12)
    #expect(try Clustering(clusters: [1, 1], classes: [4, 4]).mutualInformation == 1)
    #expect(try Clustering(clusters: [0, 1], classes: [4, 4]).f1 == 0)
    #expect(throws: EvaluationError.counts("clusters", 1, "labels", 2)) {
      try Clustering(clusters: [0], classes: [0, 1])
    }
  }

  @Test("k-means finds well separated clusters, and the same ones for the same seed")
  func kMeans() throws {
    let noise = try Tensor.normal([90, 4], .float64, using: Generator(seed: 3))
    let offsets = try Tensor((0..<90).flatMap { row in (0..<4).map { $0 == row % 3 ? 20.0 : 0 } })
    let rows = try noise + offsets.reshaped(90, 4)
    let found = try KMeans(clusters: 3).fit(rows)
    let measured = try Clustering(clusters: found.assignment, classes: (0..<90).map { $0 % 3 })
    #expect(measured.f1 == 1)
    #expect(try KMeans(clusters: 3).fit(rows).assignment == found.assignment)
    let random = try KMeans(clusters: 3, start: .random).fit(rows)
    #expect(isClose(random.inertia, found.inertia))
    let starts = try [KMeans.Start.plusPlus, .random].map {
      try KMeans(clusters: 3, start: $0, restarts: 1, iterations: 0).fit(rows).centers.values(as: Double.self)
    }
    #expect(starts[0] != starts[1])
  }

  @Test("k-means gives every cluster an item, also when rows repeat")
  func repeatedRows() throws {
    let rows = try Tensor([0.0, 0, 0, 0, 0, 5]).reshaped(6, 1)
    let found = try KMeans(clusters: 2, restarts: 3).fit(rows)
    #expect(found.inertia == 0)
    #expect(try KMeans(clusters: 6, restarts: 2).fit(rows).inertia == 0)
    #expect(throws: EvaluationError.self) { try KMeans(clusters: 7).fit(rows) }
  }
}
