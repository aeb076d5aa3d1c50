import Foundation
import Torch

/// Kernel canonical correlation analysis: curved directions of two views that correlate most, by kernels
/// (Zheng, Zhou, Zou & Zhao, IEEE Transactions on Neural Networks 2006; Hardoon, Szedmak & Shawe-Taylor 2004).
///
/// Closed form, in float64. Exact for some thousand pairs; beyond by partial Gram-Schmidt, landmarks or random
/// Fourier features, whose cost grows with n only linearly. Every form ends as one expansion a view,
/// z = (φ(row) - mean) · weight with φ the kernel values with ``pointsX`` (or random features of the row), so
/// that a saved model needs no more than these points.
public final class KCCA: Fittable, CorrelationReporting, FitReporting {
  public static let description = MethodDescription(
    name: "kcca", family: .correlation, task: .retrieval,
    summary: "curved directions of two views that correlate most, by kernels, in closed form",
    citation:
      "W. Zheng, X. Zhou, C. Zou, L. Zhao, Facial expression recognition using kernel canonical correlation "
      + "analysis (KCCA), IEEE Transactions on Neural Networks 17(1), 2006",
    accepts: [.vector])

  /// The most components that are kept unless more are asked for; more than these find no mates and blur classes.
  static let mostComponents = 256

  public let configuration: Configuration
  /// Names of the two views.
  public let views: [String]
  public internal(set) var fitReport: FitReport?

  /// Training rows, pivots or landmarks of the first view `[m, p]`; frequencies for random Fourier features;
  /// nothing for a view without a kernel.
  @Buffer public internal(set) var pointsX: Tensor
  @Buffer public internal(set) var pointsY: Tensor
  /// What columns are multiplied by before the kernel, `[p]`; nothing where they stay.
  @Buffer public internal(set) var scaleX: Tensor
  @Buffer public internal(set) var scaleY: Tensor
  /// Phases of random Fourier features `[m]`; nothing otherwise.
  @Buffer public internal(set) var phasesX: Tensor
  @Buffer public internal(set) var phasesY: Tensor
  /// γ of the first view's kernel, of each part where it has parts.
  @Buffer public internal(set) var gammaX: Tensor
  @Buffer public internal(set) var gammaY: Tensor
  /// Mean over training rows of the kernel values with the points, or of the features, `[m]`.
  @Buffer public internal(set) var meanX: Tensor
  @Buffer public internal(set) var meanY: Tensor
  /// Weights of the first view's points or features, `[m, k]`, times those of the components where those follow from
  /// ``rho``.
  @Buffer public internal(set) var alpha: Tensor
  /// Weights of the second view's, `[m, k]`.
  @Buffer public internal(set) var beta: Tensor
  /// Correlations of the regularised problem, descending, `[k]`.
  @Buffer public internal(set) var rho: Tensor
  /// Mean of the predicted ratings or shares of the classes, `[c]`; nothing without prediction.
  @Buffer public internal(set) var ratingMean: Tensor
  /// From scores of the first view to ratings, `[k, c]`.
  @Buffer public internal(set) var ratingWeight: Tensor

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    guard data.modalities.count == 2 else {
      throw CorrelationError.wrongViews(found: data.modalities.count, expected: "2")
    }
    self.configuration = configuration
    views = data.modalities.map(\.name)
    func empty(_ name: String, _ shape: [Int], isOptional: Bool = false) throws -> Buffer {
      Buffer(
        wrappedValue: try Tensor.zeros(shape, .float64), name, shapeMayChange: true, isOptional: isOptional)
    }
    _pointsX = try empty("points_x", [0, data.modalities[0].size ?? 0])
    _pointsY = try empty("points_y", [0, data.modalities[1].size ?? 0])
    // Fits of earlier versions have none.
    _scaleX = try empty("scale_x", [0], isOptional: true)
    _scaleY = try empty("scale_y", [0], isOptional: true)
    _phasesX = try empty("phases_x", [0])
    _phasesY = try empty("phases_y", [0])
    _gammaX = try empty("gamma_x", [0])
    _gammaY = try empty("gamma_y", [0])
    _meanX = try empty("mean_x", [0])
    _meanY = try empty("mean_y", [0])
    _alpha = try empty("alpha", [0, 0])
    _beta = try empty("beta", [0, 0])
    _rho = try empty("rho", [0])
    _ratingMean = try empty("rating_mean", [0])
    _ratingWeight = try empty("rating_weight", [0, 0])
  }

  /// Fits to all pairs.
  ///
  /// - Parameter seed: of landmarks, random features, the sample of rows that chooses a bandwidth, and the
  ///   random pairing that ``FitReport`` compares with.
  /// - Throws: ``CorrelationError`` and ``KernelError``, which name the view and what is wrong with it.
  /// - Complexity: exact O(n³) time and O(n²) memory; pgso and nystrom O(n m²) and O(n m) or O(m²); rff O(n D²)
  ///   and O(D²).
  public func fit(to data: some TrainingSet, seed: UInt64 = 0) throws {
    try KernelCorrelation.checkRows(data.count)
    if configuration.predict == .labels, data.labels == nil {
      throw KernelError.unsupported("predict is labels, but the data have no labels")
    }
    // Matrices of some hundred rows are done before threads have started.
    try Runtime.withThreads(data.count < 1000 ? 1 : Runtime.threads) {
      try KernelFit(self, data: data, seed: seed).run()
    }
  }

  // MARK: - Using

  /// How vectors are compared.
  public var metric: Metric { configuration.score }

  /// ρ of the regularised problem.
  public var learnedCorrelations: Tensor? { rho.count > 0 ? rho : nil }

  /// Scores z = (φ(row) - mean) · weight, times ρ to the power of `rho_power` where that is given: float64 `[n, k]`,
  /// computed in blocks of rows.
  public func encode(_ items: Items, side: Int) throws -> Features {
    let scores = try scores(of: items, side: side)
    guard let power = configuration.rhoPower, power != 0 else { return Features(scores) }
    return Features(try scores * rho.clamped(from: 0).power(power))
  }

  private func scores(of items: Items, side: Int) throws -> Tensor {
    guard rho.count > 0 else { throw CorrelationError.notFitted }
    let rows = try vectors(of: items, view: views[side])
    try checkFinite(rows, view: views[side])
    return try expansion(of: side).scores(rows, view: views[side])
  }

  /// Ratings, or shares of the classes, predicted for items of the first view, `[n, c]`.
  ///
  /// - Throws: ``KernelError/unsupported(_:)`` when `predict` was none.
  public func predictedRatings(_ items: Items) throws -> Tensor {
    guard ratingMean.count > 0 else {
      throw KernelError.unsupported("the model was fitted with predict none; set ratings or labels")
    }
    let scores = try scores(of: items, side: 0)
    return try RatingPrediction(mean: ratingMean, weight: ratingWeight).ratings(scores)
  }

  /// The class of the highest predicted rating of each item of the first view; the lowest of equals.
  public func predictedClasses(_ items: Items) throws -> [Int] {
    try RatingPrediction.classes(predictedRatings(items))
  }

  /// The name of a predicted class, where the settings give one; its number else.
  public func className(_ number: Int) -> String {
    guard let names = configuration.classNames, names.indices.contains(number) else { return "\(number)" }
    return names[number]
  }

  /// What maps rows of a view to scores.
  func expansion(of side: Int) throws -> KernelExpansion {
    let setting = configuration.kernel[side]
      .replacingGammas(try (side == 0 ? gammaX : gammaY).values())
    return KernelExpansion(
      kernel: try configuration.completed(setting, side: side, for: nil).kernel(),
      points: side == 0 ? pointsX : pointsY, scale: side == 0 ? scaleX : scaleY,
      phases: side == 0 ? phasesX : phasesY, mean: side == 0 ? meanX : meanY,
      weight: side == 0 ? alpha : beta)
  }
}

/// One view of a fitted model: z = (φ(row) - mean) · weight.
struct KernelExpansion {
  /// Nil for the columns themselves.
  let kernel: (any Kernel)?
  let points: Tensor
  /// What columns are multiplied by before the kernel; empty where they stay.
  let scale: Tensor
  /// Of random Fourier features; empty for kernel values.
  let phases: Tensor
  let mean: Tensor
  let weight: Tensor

  /// Columns that a row must have.
  private var width: Int {
    get throws {
      if kernel is PrecomputedKernel { return try points.max().item(as: Int.self) + 1 }
      return points.size(along: 0) == 0 ? mean.count : points.size(along: 1)
    }
  }

  /// φ of rows, `[n, m]`.
  func features(_ rows: Tensor) throws -> Tensor {
    let rows = scale.count > 0 ? try rows.to(.float64) * scale : rows
    if phases.count > 0 { return try FourierFeatures(frequencies: points, phases: phases).features(rows) }
    return try kernel?.values(rows, points) ?? rows.to(.float64)
  }

  /// Scores of rows, in blocks so that φ of all of them is never there at once.
  func scores(_ rows: Tensor, view: String) throws -> Tensor {
    let expected = try width
    let found = rows.size(along: 1)
    // Precomputed values are with all training rows, of which the points may be a part.
    let isPart = kernel is PrecomputedKernel && expected > points.count
    guard found == expected || (isPart && found > expected) else {
      throw CorrelationError.wrongWidth(view: view, found: found, expected: expected)
    }
    let block = max(64, (1 << 23) / max(1, mean.count))
    let parts = try stride(from: 0, to: rows.size(along: 0), by: block).map { start in
      try (features(rows[start..<min(start + block, rows.size(along: 0))]) - mean).matmul(weight)
    }
    guard !parts.isEmpty else { return try Tensor.zeros([0, weight.size(along: 1)], .float64) }
    return parts.count == 1 ? parts[0] : try Tensor.concatenated(parts)
  }
}

extension KCCA: Predicting {
  /// Ratings or shares of the classes from items of the first view, where `predict` asked for them.
  public func prediction(from items: Items, side: Int) throws -> PredictedItems? {
    guard side == 0, configuration.predict != .none else { return nil }
    return PredictedItems(
      try predictedRatings(items), of: configuration.predict == .ratings ? .rows(side: 1) : .classes)
  }
}

extension KCCA: RelationLearning {
  public var learnedRelation: LearnedRelation {
    .pairs(forClasses: "the method scm learns classes, and clip with positives=class")
  }
}
