import Torch

/// Means and centred scatter of several views in one pass over their rows, in float64 whatever the rows are.
///
/// Chunks may have any size, 0 and 1 included; parts made apart are merged (`cca.md` section 10), so that the
/// order of chunks changes nothing beyond rounding. Weights count as repetitions of a row.
public struct JointCovariance: Sendable {
  /// Names of the views, for messages.
  public let views: [String]
  /// Number of columns of each view.
  public let widths: [Int]
  /// Rows seen.
  public private(set) var rows = 0
  /// Sum of the weights; the number of rows when none were given.
  public private(set) var weight = 0.0
  /// Mean of each view, `[width]`.
  public private(set) var means: [Tensor]
  /// Centred sums of products: at `[i][j - i]` those of views i and j, `[width i, width j]`.
  private var scatters: [[Tensor]]
  /// Smallest and largest number of each column; the difference tells a constant column for certain.
  private var lowest: [Tensor]
  private var highest: [Tensor]

  /// Nothing seen yet.
  public init(views: [String], widths: [Int]) throws {
    self.views = views
    self.widths = widths
    means = try widths.map { try Tensor.zeros([$0], .float64) }
    scatters = try widths.indices.map { i in
      try widths[i...].map { try Tensor.zeros([widths[i], $0], .float64) }
    }
    lowest = try widths.map { try Tensor.full([$0], .infinity, .float64) }
    highest = try widths.map { try Tensor.full([$0], -.infinity, .float64) }
  }

  /// Adds rows of all views.
  ///
  /// - Parameters:
  ///   - chunk: one tensor a view, `[n, width]`, of any number type.
  ///   - weights: of each row, 0 or more, `[n]`.
  /// - Throws: ``CorrelationError`` for rows of wrong width, unequal counts, numbers that are not finite
  ///   (rows counted from the first row ever added).
  /// - Complexity: O(n · P²) for P columns in all; memory O(P²) and one block of rows.
  public mutating func add(_ chunk: [Tensor], weights: Tensor? = nil) throws {
    let count = try check(chunk, weights)
    let block = max(256, (1 << 22) / max(1, widths.reduce(0, +)))
    for start in stride(from: 0, to: count, by: block) {
      let range = start..<min(start + block, count)
      let part = try chunk.map { try $0[range].to(.float64) }
      for (view, tensor) in zip(views, part) { try checkFinite(tensor, view: view, firstRow: rows) }
      try merge(JointCovariance(block: part, weights: weights?[range].to(.float64), like: self))
    }
  }

  /// Adds what another pass saw of other rows of the same views.
  public mutating func merge(_ other: JointCovariance) throws {
    rows += other.rows
    guard other.weight > 0 else { return }
    for i in widths.indices {
      lowest[i] = try lowest[i].minimum(other.lowest[i])
      highest[i] = try highest[i].maximum(other.highest[i])
    }
    guard weight > 0 else {
      (weight, means, scatters) = (other.weight, other.means, other.scatters)
      return
    }
    let total = weight + other.weight
    let shift = try zip(other.means, means).map { try $0 - $1 }
    for i in widths.indices {
      let column = try shift[i].unsqueezed(at: 1)
      for j in i..<widths.count {
        scatters[i][j - i] = try (scatters[i][j - i] + other.scatters[i][j - i])
          .addingProduct(column, shift[j].unsqueezed(at: 0), scale: weight * other.weight / total)
      }
      means[i] = try means[i] + shift[i] * (other.weight / total)
    }
    weight = total
  }

  /// Covariance of views i and j, `[width i, width j]`: scatter / (n - 1).
  ///
  /// - Parameter centred: without it, products of the rows as they are, divided by n - 1 too.
  /// - Throws: ``CorrelationError/tooFewRows(_:)``.
  public func covariance(_ i: Int, _ j: Int, centred: Bool = true) throws -> Tensor {
    guard rows >= 2, weight > 1 else { throw CorrelationError.tooFewRows(rows) }
    var sums = i <= j ? scatters[i][j - i] : try scatters[j][i - j].transposed()
    if !centred {
      sums = try sums.addingProduct(means[i].unsqueezed(at: 1), means[j].unsqueezed(at: 0), scale: weight)
    }
    return try sums / (weight - 1)
  }

  /// Which columns of a view carry nothing, bool `[width]`: equal numbers throughout, or a spread below the
  /// rounding of their mean. Without centring, columns of zeros.
  public func isConstant(_ i: Int, centred: Bool = true) throws -> Tensor {
    guard centred else { return try lowest[i].magnitude().maximum(highest[i].magnitude()) .== 0.0 }
    let spread = try (scatters[i][0].diagonal() / Swift.max(weight - 1, 1)).clamped(from: 0).squareRoot()
    return try (lowest[i] .== highest[i]).or(spread .<= (means[i].magnitude() * 1e-12))
  }

  /// The views at the given places only.
  public func selecting(_ places: [Int]) throws -> JointCovariance {
    var part = try JointCovariance(views: places.map { views[$0] }, widths: places.map { widths[$0] })
    part.rows = rows
    part.weight = weight
    part.means = places.map { means[$0] }
    part.lowest = places.map { lowest[$0] }
    part.highest = places.map { highest[$0] }
    part.scatters = try places.indices.map { i in
      try places[i...].map { j in
        let a = places[i]
        return a <= j ? scatters[a][j - a] : try scatters[j][a - j].transposed()
      }
    }
    return part
  }
}

extension JointCovariance {
  private init(block: [Tensor], weights: Tensor?, like whole: JointCovariance) throws {
    try self.init(views: whole.views, widths: whole.widths)
    rows = block.first?.size(along: 0) ?? 0
    guard rows > 0 else { return }
    var counted = block
    if let weights {
      // Rows of weight 0 must not widen the range that tells constant columns.
      let kept = try (weights .> 0.0).nonZero().flattened()
      counted = try block.map { try $0.rows(at: kept) }
      weight = try weights.sum().item()
      guard weight > 0 else { return }
    } else {
      weight = Double(rows)
    }
    lowest = try counted.map { try $0.min(along: 0) }
    highest = try counted.map { try $0.max(along: 0) }
    let share = try weights.map { try $0.unsqueezed(at: 1) }
    means = try block.map { rows in
      guard let share else { return try rows.mean(along: 0) }
      return try (rows * share).sum(along: 0) / weight
    }
    let centred = try zip(block, means).map { try $0 - $1 }
    scatters = try centred.indices.map { i in
      let left = try (share.map { try centred[i] * $0 } ?? centred[i]).transposed()
      return try centred[i...].map { try left.matmul($0) }
    }
  }

  private func check(_ chunk: [Tensor], _ weights: Tensor?) throws -> Int {
    guard chunk.count == views.count else {
      throw CorrelationError.wrongViews(found: chunk.count, expected: "\(views.count)")
    }
    for (i, tensor) in chunk.enumerated() {
      guard tensor.rank == 2 else {
        throw CorrelationError.notVectors(view: views[i], found: "an array of shape \(tensor.shape)")
      }
      guard tensor.size(along: 1) == widths[i] else {
        throw CorrelationError.wrongWidth(view: views[i], found: tensor.size(along: 1), expected: widths[i])
      }
    }
    let counts = chunk.map { $0.size(along: 0) }
    let count = counts.first ?? 0
    guard counts.allSatisfy({ $0 == count }) else { throw CorrelationError.unequalRows(views, counts) }
    if let weights {
      guard weights.shape == [count] else {
        throw CorrelationError.unequalRows(views + ["the weights"], counts + [weights.count])
      }
      let bad = try (weights .>= 0.0).and(weights.isFinite()).not().nonZero()
      if bad.count > 0 { throw CorrelationError.badWeight(row: rows + (try bad[0].item(as: Int.self))) }
    }
    return count
  }
}

/// Throws when a view holds NaN or an infinity, naming the first.
func checkFinite(_ tensor: Tensor, view: String, firstRow: Int = 0) throws {
  // A sum is finite when all terms are, short of overflow, and costs far less than a mask.
  guard try !tensor.sum().item(as: Double.self).isFinite else { return }
  let bad = try tensor.isFinite().not().nonZero()
  guard bad.count > 0 else { return }
  let place = try bad[0].values(as: Int.self)
  throw CorrelationError.notFinite(view: view, row: firstRow + place[0], column: place[1])
}
