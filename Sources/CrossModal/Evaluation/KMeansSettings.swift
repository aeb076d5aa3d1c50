/// How clusters are found where a run's objects are measured: the settings under `kmeans`.
public struct KMeansSettings: Sendable, Codable, Equatable {
  /// Where the centers start.
  public var start = KMeans.Start.plusPlus
  /// Starts, of which the best counts.
  public var restarts = 10
  /// The most rounds of one start.
  public var iterations = 300

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case start = "init"
    case restarts, iterations
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "kmeans")
    start = try members.value(.start, or: start)
    restarts = try members.value(.restarts, or: restarts)
    iterations = try members.value(.iterations, or: iterations)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "restarts": .count(1...1000), "iterations": .count(1...1_000_000),
  ]

  /// What the key says of itself.
  static let about =
    "how evaluate finds the clusters of one modality: init (k-means++ or random), restarts, iterations"
}

/// A method whose settings say how objects are clustered.
protocol ObjectClustering {
  var clustering: KMeansSettings { get }
}
