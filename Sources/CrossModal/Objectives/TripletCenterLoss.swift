import Torch

/// Triplet-center loss (He et al., "Triplet-Center Loss for Multi-View 3D Object Retrieval", CVPR 2018, eq. 5):
/// every vector is to be closer to the center of its class than to any other center by a margin.
///
/// max(0, D(f, c_y) + m − min_{j≠y} D(f, c_j)), D = ½ ‖f − c‖². Memory O(n · classes), no mining.
public struct TripletCenterLoss: Sendable {
  /// Whose formula.
  public enum Variant: String, Sendable, Codable, CaseIterable {
    /// Half squared distances, the nearest of all other centers.
    case paper
    /// Distances, the nearest center of the classes that occur in the batch: the released program.
    case authorBatch = "author_batch"
    /// Distances, the nearest of all other centers.
    case authorAll = "author_all"
  }

  /// Which of the other centers push.
  public enum Negatives: String, Sendable, Codable, CaseIterable {
    case nearest
    /// All of them: the mean of their hinges.
    case allMean = "all_mean"
  }

  public let margin: Double
  public let variant: Variant
  public let negatives: Negatives
  public let reduction: Reduction

  /// What the loss says of a batch.
  public struct Value: Sendable {
    /// The loss, a scalar.
    public var total: Tensor
    /// Of each vector, `[n]`.
    public var hinges: Tensor
    /// The nearest other center of each vector, int64 `[n]`, the lowest of equals.
    public var nearest: Tensor
    /// The share of vectors that are closer to their own center than to any other.
    public var precision: Tensor
  }

  /// - Throws: ``ObjectiveError`` when the margin is not a number.
  public init(
    margin: Double = 5, variant: Variant = .paper, negatives: Negatives = .nearest,
    reduction: Reduction = .mean
  ) throws {
    guard margin.isFinite else { throw ObjectiveError.badSetting("margin", margin, expected: "a number") }
    self.margin = margin
    self.variant = variant
    self.negatives = negatives
    self.reduction = reduction
  }

  /// The loss of vectors against centers.
  ///
  /// - Parameters:
  ///   - features: `[n, d]`.
  ///   - labels: int64 `[n]`, classes from 0.
  ///   - centers: `[classes, d]`.
  /// - Throws: ``ObjectiveError`` when there are fewer than two classes, a label is out of range, or widths or
  ///   counts differ.
  public func callAsFunction(_ features: Tensor, _ labels: Tensor, _ centers: Tensor) throws -> Value {
    try Self.check(features, labels, centers)
    let own = try labels.oneHot(classes: centers.size(along: 0)) .> 0
    let distances = try distances(features, centers)
    let near = try distances.gathered(labels.unsqueezed(at: 1), along: 1).squeezed(at: 1)
    var blocked = own
    if variant == .authorBatch { blocked = try own.or(own.any(along: 0).not().unsqueezed(at: 0)) }
    let others = try distances.masked(with: blocked, fill: .infinity)
    let nearest = try others.detached().argmin(along: 1)
    let far = try others.gathered(nearest.unsqueezed(at: 1), along: 1).squeezed(at: 1)
    let hinges: Tensor
    switch negatives {
    case .nearest: hinges = try (near - far + margin).relu()
    case .allMean:
      let allowed = try blocked.not().to(distances.dtype)
      let all = try (near.unsqueezed(at: 1) - distances + margin).relu() * allowed
      hinges = try all.sum(along: 1) / allowed.sum(along: 1).clamped(from: 1)
    }
    let total = try reduction.term("hinges", hinges, where: hinges .>= 0).value
    return Value(
      total: total, hinges: hinges, nearest: nearest,
      precision: try (far.detached() .> near.detached()).to(distances.dtype).mean())
  }

  /// Of every vector to every center, `[n, classes]`; for the paper's variant without the ½ ‖f‖² that all of a
  /// row share: it cancels in the hinge, and digits with it.
  private func distances(_ features: Tensor, _ centers: Tensor) throws(TorchError) -> Tensor {
    switch variant {
    case .paper:
      let halves = try centers.squared().sum(along: 1) * 0.5
      return try halves.unsqueezed(at: 0).addingProduct(features, centers.transposed(), scale: -1)
    case .authorBatch, .authorAll:
      // The released code takes the root of at least 1e-12; below that there is no gradient.
      return try features.distances(to: centers).clamped(from: 1e-6)
    }
  }

  private static func check(_ features: Tensor, _ labels: Tensor, _ centers: Tensor) throws {
    let classes = centers.size(along: 0)
    guard classes >= 2 else { throw ObjectiveError.tooFewClasses(classes) }
    guard features.size(along: 1) == centers.size(along: 1) else {
      throw ObjectiveError.unequalSizes(
        "features", features.size(along: 1), "centres", centers.size(along: 1))
    }
    guard labels.size(along: 0) == features.size(along: 0) else {
      throw ObjectiveError.unequalCounts("labels", labels.size(along: 0), "features", features.size(along: 0))
    }
    for (row, label) in try labels.values(as: Int.self).enumerated() where !(0..<classes).contains(label) {
      throw ObjectiveError.labelOutOfRange(row: row, label: label, classes: classes)
    }
  }

  /// The paper's update of the centers, which divides the pull of a class's own vectors and the push of those
  /// it is the nearest other center of each by one more than their number: `[classes, d]`. A center moves by
  /// minus this times its rate. Only vectors whose hinge is above 0 count.
  public static func normalizedGradient(
    _ features: Tensor, _ labels: Tensor, _ centers: Tensor, hinges: Tensor, nearest: Tensor
  ) throws(TorchError) -> Tensor {
    try withoutGradient { () throws(TorchError) in
      let active = try (hinges .> 0).to(features.dtype)
      let classes = centers.size(along: 0)
      func mean(_ assigned: Tensor) throws(TorchError) -> Tensor {
        // Σ (c − f) over the vectors of a class, divided by 1 + their number.
        let places = try assigned.oneHot(classes: classes).to(features.dtype) * active.unsqueezed(at: 1)
        let counts = try places.sum(along: 0).unsqueezed(at: 1)
        return try (centers * counts - places.transposed().matmul(features)) / (counts + 1)
      }
      return try mean(labels) - mean(nearest)
    }
  }
}
