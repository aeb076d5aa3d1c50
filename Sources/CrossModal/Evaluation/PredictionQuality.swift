import Torch

/// How well rows of one modality, or classes, are predicted from another modality.
public struct PredictionQuality: Sendable {
  /// `image_to_text`, or `image_to_class`.
  public let name: String
  /// Share of the variance of all columns that is explained; below 0 when the mean would do better. Nil for
  /// classes.
  public let explained: Double?
  /// Pearson correlation of each predicted column with the true one; 0 where one of them is constant.
  public let correlations: [Double]
  /// Share of items whose class is the predicted one; nil for rows.
  public let accuracy: Double?

  /// At most so many columns are listed one by one.
  private static let mostColumns = 50

  /// `{"R2": …, "mean_correlation": …, "correlations": […]}`, or `{"accuracy": …}`.
  public var json: JSON {
    if let accuracy { return ["accuracy": .double(accuracy)] }
    var json: JSON = ["R2": explained.map(JSON.double) ?? .null]
    json["mean_correlation"] = .double(
      correlations.reduce(0, +) / Double(Swift.max(1, correlations.count)))
    if correlations.count <= Self.mostColumns {
      json["correlations"] = .array(correlations.map(JSON.double))
    }
    return json
  }
}

extension Predicting {
  /// How well every prediction that the method makes fits a set of pairs; nil when it makes none.
  ///
  /// - Parameter rows: pairs that are looked at together.
  func quality(on data: some TrainingSet, rows: Int) throws -> [PredictionQuality]? {
    guard data.description.modalities.count == 2, data.count > 0 else { return nil }
    let found = try [0, 1].compactMap { try quality(on: data, from: $0, rows: rows) }
    return found.isEmpty ? nil : found
  }

  private func quality(on data: some TrainingSet, from side: Int, rows: Int) throws -> PredictionQuality? {
    var sums: ColumnSums?
    var (right, known) = (0, 0)
    var isOfClasses = false
    for start in stride(from: 0, to: data.count, by: rows) {
      let pairs = Array(start..<min(start + rows, data.count))
      let batch = try data.batch(at: pairs)
      guard let prediction = try prediction(from: batch.items[side], side: side) else { return nil }
      switch prediction.target {
      case .rows(let other):
        guard case .vectors(let truth) = batch.items[other] else { return nil }
        var found = try sums ?? ColumnSums(origin: truth.to(.float64).mean(along: 0))
        try found.add(prediction.values.to(.float64), truth.to(.float64))
        sums = found
      case .classes:
        isOfClasses = true
        guard let labels = data.labels else { return nil }
        // The lowest of equal classes.
        let guessed = try prediction.values.argmax(along: 1).values(as: Int.self)
        right += zip(pairs, guessed).count { labels[$0] == $1 }
        known += pairs.count
      }
    }
    let names = data.description.modalities.map(\.name)
    return PredictionQuality(
      name: "\(names[side])_to_\(isOfClasses ? "class" : names[1 - side])", explained: try sums?.explained(),
      correlations: try sums?.correlations() ?? [],
      accuracy: isOfClasses ? Double(right) / Double(max(1, known)) : nil)
  }
}

/// Sums over rows from which correlations of columns and the explained variance follow.
private struct ColumnSums {
  /// Taken off first, so that large means cost no digits.
  let origin: Tensor
  private var count = 0.0
  private var sums: [Tensor]
  private var rest = 0.0

  init(origin: Tensor) throws {
    self.origin = origin
    sums = try (0..<5).map { _ in try origin.zerosLike() }
  }

  mutating func add(_ predicted: Tensor, _ truth: Tensor) throws {
    let (a, b) = (try predicted - origin, try truth - origin)
    count += Double(a.size(along: 0))
    rest += try (a - b).squared().sum().item()
    let parts = try [a, b, a.squared(), b.squared(), a * b]
    sums = try zip(sums, parts).map { try $0 + $1.sum(along: 0) }
  }

  private func covariance(_ first: Int, _ second: Int, _ products: Int) throws -> Tensor {
    try sums[products] - sums[first] * sums[second] / count
  }

  func explained() throws -> Double? {
    let whole: Double = try covariance(1, 1, 3).sum().item()
    return whole > 0 ? 1 - rest / whole : nil
  }

  func correlations() throws -> [Double] {
    let spread = try (covariance(0, 0, 2).clamped(from: 0) * covariance(1, 1, 3).clamped(from: 0))
      .squareRoot()
    return try (covariance(0, 1, 4) / spread).masked(with: spread .<= 1e-300, fill: 0).values()
  }
}
