import Torch

/// Soft assignment of samples to clusters of equal size by the iterations of Sinkhorn and Knopp (Cuturi, NeurIPS 2013; as
/// on-line clustering in Caron et al., "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments",
/// NeurIPS 2020, section 3.1).
///
/// Alternately every cluster gets the same total and every sample a total of 1; the samples come last, so that theirs is
/// exact. Adding a number to all scores changes nothing.
public struct SinkhornAssignment: Sendable, Equatable {
  /// ε: how soft the assignment is. Scores are divided by it.
  public let epsilon: Double
  public let iterations: Int

  /// Below it the exponentials of cosines leave float32, and their logarithms are worked with.
  private static let leastForExponentials = 0.05

  /// - Throws: ``ObjectiveError`` for an ε that is not above 0 or no iteration.
  public init(epsilon: Double = 0.05, iterations: Int = 2) throws(ObjectiveError) {
    guard epsilon > 0, epsilon.isFinite else {
      throw ObjectiveError.badSetting("epsilon", epsilon, expected: "above 0")
    }
    guard iterations >= 1 else {
      throw ObjectiveError.badSetting("iterations", Double(iterations), expected: "1 or more")
    }
    self.epsilon = epsilon
    self.iterations = iterations
  }

  /// Shares of the clusters in each sample, `[samples, clusters]`, each row 1 in sum; without a graph.
  ///
  /// - Parameters:
  ///   - scores: of samples and clusters, `[samples, clusters]`: cosines.
  ///   - rows: the samples that are wanted, of all that are assigned together; all when nil.
  public func callAsFunction(_ scores: Tensor, rows: Tensor? = nil) throws(TorchError) -> Tensor {
    try withoutGradient { () throws(TorchError) in
      try epsilon < Self.leastForExponentials ? byLogarithms(scores, rows) : byExponentials(scores, rows)
    }
  }

  /// Two factors, of the clusters and of the samples, stand for the matrix that the iterations would rewrite.
  private func byExponentials(_ scores: Tensor, _ rows: Tensor?) throws(TorchError) -> Tensor {
    let shares = try ((scores - scores.max()) / epsilon).exp()
    let (samples, clusters) = (Double(scores.size(along: 0)), Double(scores.size(along: 1)))
    var ofSamples = try Tensor.ones([scores.size(along: 0), 1], scores.dtype, on: scores.device)
    var ofClusters = try Tensor.ones([scores.size(along: 1), 1], scores.dtype, on: scores.device)
    for _ in 0..<iterations {
      ofClusters = try (shares.transposed().matmul(ofSamples) * clusters).reciprocal()
      ofSamples = try (shares.matmul(ofClusters) * samples).reciprocal()
    }
    ofSamples = try ofSamples * samples
    guard let rows else { return try shares * ofSamples * ofClusters.transposed() }
    return try shares.rows(at: rows) * ofSamples.rows(at: rows) * ofClusters.transposed()
  }

  private func byLogarithms(_ scores: Tensor, _ rows: Tensor?) throws(TorchError) -> Tensor {
    var logarithms = try scores / epsilon
    for _ in 0..<iterations {
      logarithms = try logarithms - logarithms.logSumExp(along: 0, keepingDimension: true)
      logarithms = try logarithms - logarithms.logSumExp(along: 1, keepingDimension: true)
    }
    let wanted = try rows.map { rows throws(TorchError) in try logarithms.rows(at: rows) } ?? logarithms
    return try wanted.exp()
  }
}
