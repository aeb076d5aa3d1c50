import Torch

/// What measuring items of one modality against each other gave: how well they find those of their own class, and how
/// well clusters of them are the classes.
public struct ObjectResult: TaskResult {
  public let modality: String
  /// Every item searches among all others.
  public let retrieval: ObjectRetrieval
  /// As many clusters as there are classes; nil where there are too many items to cluster unasked.
  public let clustering: Clustering?
  /// What the clusters are found by.
  public let clusters: KMeans

  /// The K of Recall@K.
  static let depths = [1, 2, 4, 8]
  /// More items than this are not clustered.
  static let mostClustered = 20_000
  static let selectionNames = ["mAP", "R@1"]

  /// R@K in percent, everything else as fractions.
  public var measures: [Measure] {
    let recalls = Self.depths.map { Measure("R@\($0)", retrieval.recall(at: $0), .percent) }
    let agreement = clustering.map { [Measure("NMI", $0.mutualInformation), Measure("F1", $0.f1)] }
    return retrieval.measures + recalls + (agreement ?? [])
  }

  public var selection: [Measure] {
    Self.selectionNames.compactMap { name in measures.first { $0.name == name } }
  }

  public var counts: [(name: String, count: Int)] { [(modality, retrieval.count)] }

  public var `protocol`: String {
    let skipped = retrieval.count - retrieval.queries.count
    return "each \(modality) searches among all others for those of its class"
      + (skipped == 0 ? "" : "; \(skipped) alone in their class")
      + (clustering == nil
        ? ""
        : "; \(clusters.start == .random ? "k-means from random rows" : clusters.start.rawValue), \(clusters.clusters) clusters, best of \(clusters.restarts) starts")
  }

  /// Everything but the clusters, which are not a mean over items.
  public var resampled: [any ResampledTest] {
    let means = retrieval.means + Self.depths.map { retrieval.recallMean(at: $0) }
    return (try? SummedTest(means: means)).map { [$0] } ?? []
  }
}

extension Alignment {
  /// Measures one modality with labels against itself.
  ///
  /// - Throws: ``EvaluationError`` for data without labels, or with less than two items of any class.
  func objects(in data: some TrainingSet, _ options: EvaluationOptions) throws -> ObjectResult {
    guard let labels = data.labels(side: 0) else {
      throw EvaluationError.badValue(
        "\(data.place) has no labels, which tell what an item should find among its own kind")
    }
    let features = try features(of: data, side: 0, options) { options.progress($0, labels.count) }
    let retrieval = try ObjectRetrieval(
      ScoreSource(self, features, features), labels: (labels, labels), excludingSelf: true)
    guard !retrieval.queries.isEmpty else {
      throw EvaluationError.badValue("\(data.place): no class has two items, so there is nothing to find")
    }
    let settings = (self as? any ObjectClustering)?.clustering ?? KMeansSettings()
    let clusters = KMeans(
      clusters: Set(labels).count, start: settings.start, restarts: settings.restarts,
      iterations: settings.iterations)
    var clustering: Clustering?
    if !options.isBrief, let joint = self as? any JointEmbedding, labels.count <= ObjectResult.mostClustered {
      let rows = joint.metric == .cosine ? try features.values.normalized(along: 1) : features.values
      clustering = try Clustering(clusters: clusters.fit(rows.to(.cpu)).assignment, classes: labels)
    }
    return ObjectResult(
      modality: data.description.modalities[0].name, retrieval: retrieval, clustering: clustering,
      clusters: clusters)
  }
}
