import Torch

/// What an evaluation of a run of one modality gave: how well its items find those of their own class among each
/// other, and how well clusters of them are the classes.
public struct ObjectEvaluation: Sendable {
  public let method: String
  public let dataset: String
  public let split: String
  public let modality: String
  /// Every item searches among all others.
  public let retrieval: ObjectRetrieval
  /// As many clusters as there are classes; nil where there are too many items to cluster unasked.
  public let clustering: Clustering?
  /// What the clusters are found by.
  public let clusters: KMeans
  public let seconds: Double

  /// The K of Recall@K.
  static let depths = [1, 2, 4, 8]
  /// More items than this are not clustered.
  static let mostClustered = 20_000

  /// Every number by its name, in the order they are reported: fractions, R@K in percent.
  public var values: [(name: String, value: Double)] {
    let recalls = Self.depths.map { (name: "R@\($0)", value: retrieval.recall(at: $0)) }
    let agreement = clustering.map {
      [(name: "NMI", value: $0.mutualInformation), (name: "F1", value: $0.f1)]
    }
    return retrieval.values + recalls + (agreement ?? [])
  }

  /// How it was measured, in one line.
  public var `protocol`: String {
    let skipped = retrieval.count - retrieval.queries.count
    return "each \(modality) searches among all others for those of its class"
      + (skipped == 0 ? "" : "; \(skipped) alone in their class")
      + (clustering == nil
        ? ""
        : "; \(clusters.start == .random ? "k-means from random rows" : clusters.start.rawValue), \(clusters.clusters) clusters, best of \(clusters.restarts) starts")
  }

  /// The document of `evaluate --json`.
  public var json: JSON {
    [
      "method": .string(method), "dataset": .string(dataset), "split": .string(split),
      "protocol": .string(`protocol`), "n": .object([JSON.Member(modality, .int(retrieval.count))]),
      "metrics": .object(values.map { JSON.Member($0.name, .double($0.value)) }),
      "seconds": .double(seconds),
    ]
  }
}

extension Run {
  /// The modalities that are compared: the two, or the only one with itself.
  public var comparedSides: (first: Int, second: Int) { (0, modalities.count > 1 ? 1 : 0) }

  /// Measures a run of one modality on a split with labels.
  ///
  /// - Parameters:
  ///   - split: rows of the run's modality.
  ///   - progress: told how many of how many items are encoded.
  /// - Throws: ``EvaluationError`` for a split without labels, or with less than two items of any class.
  public func evaluateObjects(
    on split: Split, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> ObjectEvaluation {
    let start = ContinuousClock.now
    let method = try alignment()
    guard let labels = split.labels(side: 0) else {
      throw EvaluationError.badValue(
        "split '\(split.name)' of \(split.description.name) has no labels, which tell what an item should find among its own kind"
      )
    }
    let (scores, features, _) = try scores(of: split) { done, _ in progress(done, labels.count) }
    let retrieval = try ObjectRetrieval(scores, labels: (labels, labels), excludingSelf: true)
    guard !retrieval.queries.isEmpty else {
      throw EvaluationError.badValue(
        "split '\(split.name)': no class has two items, so there is nothing to find")
    }
    let settings = (method as? any ObjectClustering)?.clustering ?? KMeansSettings()
    let clusters = KMeans(
      clusters: Set(labels).count, start: settings.start, restarts: settings.restarts,
      iterations: settings.iterations)
    var clustering: Clustering?
    if let joint = method as? any JointEmbedding, labels.count <= ObjectEvaluation.mostClustered {
      let rows = joint.metric == .cosine ? try features.values.normalized(along: 1) : features.values
      clustering = try Clustering(clusters: clusters.fit(rows.to(.cpu)).assignment, classes: labels)
    }
    return ObjectEvaluation(
      method: about.name, dataset: split.description.name, split: split.name, modality: modalities[0],
      retrieval: retrieval, clustering: clustering, clusters: clusters,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }
}
