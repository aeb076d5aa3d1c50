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

  /// What the key says of itself.
  static let about =
    "how evaluate finds the clusters of one modality: init (k-means++ or random), restarts, iterations"

  func validate() throws {
    for (key, value, most) in [("restarts", restarts, 1000), ("iterations", iterations, 1_000_000)]
    where !(1...most).contains(value) {
      throw ConfigurationError.badValue(key: "kmeans.\(key)", value: "\(value)", expected: "1 to \(most)")
    }
  }
}

/// A method whose settings say how objects are clustered.
protocol ObjectClustering {
  var clustering: KMeansSettings { get }
}
