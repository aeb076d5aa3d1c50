import Torch

/// Means and centered scatter of several views in one pass over their rows, in float64 whatever the rows are.
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
  /// Centered sums of products: at `[i][j - i]` those of views i and j, `[width i, width j]`.
  private var scatters: [[Tensor]]

  /// Nothing seen yet.
  public init(views: [String], widths: [Int]) throws {
    self.views = views
    self.widths = widths
    means = try widths.map { try Tensor.zeros([$0], .float64) }
    scatters = try widths.indices.map { i in
      try widths[i...].map { try Tensor.zeros([widths[i], $0], .float64) }
    }
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
    for start in stride(from: 0, to: count, by: JointCovariance.blockRows) {
      let range = start..<min(start + JointCovariance.blockRows, count)
      let part = try chunk.map { try $0[range].to(.float64) }
      for (view, tensor) in zip(views, part) { try checkFinite(tensor, view: view, firstRow: rows) }
      try merge(
        summary(
          of: part, weights: weights?[range].to(.float64), isCentral: weights == nil && isCentral))
    }
  }

  /// Adds what another pass saw of other rows of the same views.
  public mutating func merge(_ other: JointCovariance) throws {
    rows += other.rows
    guard other.weight > 0 else { return }
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
  /// - Parameter centered: without it, products of the rows as they are, divided by n - 1 too.
  /// - Throws: ``CorrelationError/tooFewRows(_:of:needed:)``.
  public func covariance(_ i: Int, _ j: Int, centered: Bool = true) throws -> Tensor {
    guard rows >= 2, weight > 1 else { throw CorrelationError.tooFewRows(rows) }
    var sums = i <= j ? scatters[i][j - i] : try scatters[j][i - j].transposed()
    if !centered {
      sums = try sums.addingProduct(means[i].unsqueezed(at: 1), means[j].unsqueezed(at: 0), scale: weight)
    }
    return try sums / (weight - 1)
  }

  /// Which columns of a view carry nothing, bool `[width]`: a spread below the rounding of their mean, which
  /// equal numbers leave. Without centring, columns of zeros.
  public func isConstant(_ i: Int, centered: Bool = true) throws -> Tensor {
    let squares = try scatters[i][0].diagonal()
    guard centered else { return try (squares + means[i].squared() * weight) .<= 0.0 }
    let spread = try (squares / Swift.max(weight - 1, 1)).clamped(from: 0).squareRoot()
    return try spread .<= (means[i].magnitude() * 1e-12)
  }

  /// The views at the given places only.
  public func selecting(_ places: [Int]) throws -> JointCovariance {
    var part = try JointCovariance(views: places.map { views[$0] }, widths: places.map { widths[$0] })
    part.rows = rows
    part.weight = weight
    part.means = places.map { means[$0] }
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
  /// Rows that are centered and multiplied at a time: few enough to stay in the processor's cache.
  private static let blockRows = 4096

  /// What a block of rows adds.
  ///
  /// - Parameter isCentral: take the means' part off the products instead of the rows.
  private func summary(of block: [Tensor], weights: Tensor?, isCentral: Bool) throws -> JointCovariance {
    var found = try JointCovariance(views: views, widths: widths)
    found.rows = block.first?.size(along: 0) ?? 0
    let total = try weights.map { try $0.sum().item() } ?? Double(found.rows)
    guard total > 0 else { return found }
    found.weight = total
    let share = try weights.map { try $0.unsqueezed(at: 1) }
    let means = try block.map { rows in
      guard let share else { return try rows.mean(along: 0) }
      return try (rows * share).sum(along: 0) / total
    }
    let factors = isCentral ? block : try zip(block, means).map { try $0 - $1 }
    found.means = means
    found.scatters = try factors.indices.map { i in
      let left = try share.map { try factors[i] * $0 } ?? factors[i]
      return try factors.indices[i...].map { j in
        let product =
          try i == j
          ? JointCovariance.symmetricProduct(left, factors[i]) : left.transposed().matmul(factors[j])
        guard isCentral else { return product }
        return try product.addingProduct(
          means[i].unsqueezed(at: 1), means[j].unsqueezed(at: 0), scale: -total)
      }
    }
    // A block unlike those before it is centered after all.
    guard try !isCentral || found.isCentral else {
      return try summary(of: block, weights: weights, isCentral: false)
    }
    return found
  }

  /// Whether the mean of every column seen is at most its spread, so that taking the means' part off a product
  /// afterwards loses no digit and spares a copy of the rows.
  private var isCentral: Bool {
    get throws {
      guard weight > 1 else { return false }
      return try zip(means, scatters).allSatisfy { mean, row in
        try (row[0].diagonal() .>= (mean.squared() * weight)).all()
      }
    }
  }

  /// `aᵀ b` that is known to be symmetric: strips of columns above the diagonal, mirrored, for little more than
  /// half the work.
  private static func symmetricProduct(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    let width = a.size(along: 1)
    let strip = max(48, (width + 7) / 8)
    guard width >= 2 * strip else { return try a.transposed().matmul(b) }
    var above: [Tensor] = []
    for start in stride(from: 0, to: width, by: strip) {
      let columns = try a.narrowed(to: start..<min(start + strip, width), along: 1)
      above.append(try columns.transposed().matmul(b.narrowed(to: start..<width, along: 1)))
    }
    let strips = try above.indices.map { row in
      // What lies left of the diagonal stands in the strips before.
      let mirrored = try (0..<row).map { earlier in
        let from = (row - earlier) * strip
        return try above[earlier].narrowed(to: from..<(from + above[row].size(along: 0)), along: 1)
          .transposed()
      }
      return try Tensor.concatenated(mirrored + [above[row]], along: 1)
    }
    return try Tensor.concatenated(strips)
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
