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

extension Run {
  /// What the method expects of items as they come from a data set or a user.
  ///
  /// - Throws: ``RunError`` when the run predicts nothing from that modality.
  public func prediction(from items: Items, side: Int) throws -> PredictedItems {
    let found = try (method as? any Predicting)?.prediction(from: featurized(items, side: side), side: side)
    guard let found else { throw RunError.predictsNothing(method: about.name, from: modalities[side]) }
    return found
  }

  /// Predictions for all rows of a modality of a split, a block of rows at a time.
  public func predictions(of split: Split, side: Int, block: Int = 1024) throws -> Tensor {
    let count = split.count(side: side)
    return try Tensor.concatenated(
      stride(from: 0, to: count, by: block).map { start in
        let rows = start..<Swift.min(start + block, count)
        return try prediction(from: split.items(side: side, rows: rows), side: side).values
      })
  }

  /// How well every prediction that the run makes fits a split; nil when it makes none.
  func predictionQuality(on split: Split) throws -> [PredictionQuality]? {
    guard let method = method as? any Predicting, modalities.count == 2, split.count > 0 else { return nil }
    let found = try withoutGradient {
      try [0, 1].compactMap { try quality(of: method, on: split, side: $0) }
    }
    return found.isEmpty ? nil : found
  }

  private func quality(of method: any Predicting, on split: Split, side: Int) throws -> PredictionQuality? {
    var sums: ColumnSums?
    var (right, known) = (0, 0)
    var isOfClasses = false
    for start in stride(from: 0, to: split.count, by: 1024) {
      let pairs = Array(start..<Swift.min(start + 1024, split.count))
      let items = try split.items(side: side, at: split.rows(side: side, ofPairs: pairs))
      guard let prediction = try method.prediction(from: featurized(items, side: side), side: side) else {
        return nil
      }
      switch prediction.target {
      case .rows(let other):
        let truth = try split.items(side: other, at: split.rows(side: other, ofPairs: pairs))
        guard case .vectors(let rows) = try featurized(truth, side: other) else { return nil }
        var found = try sums ?? ColumnSums(origin: rows.to(.float64).mean(along: 0))
        try found.add(prediction.values.to(.float64), rows.to(.float64))
        sums = found
      case .classes:
        isOfClasses = true
        let guessed = try RatingPrediction.classes(prediction.values)
        guard let labels = split.labels else { return nil }
        right += zip(pairs, guessed).count { labels[$0] == $1 }
        known += pairs.count
      }
    }
    let target = isOfClasses ? "class" : modalities[1 - side]
    return PredictionQuality(
      name: "\(modalities[side])_to_\(target)", explained: try sums?.explained(),
      correlations: try sums?.correlations() ?? [],
      accuracy: isOfClasses ? Double(right) / Double(Swift.max(1, known)) : nil)
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
