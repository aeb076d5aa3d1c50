import Torch

/// A loss of a matrix of distances or similarities and of what matches in it.
public protocol PairLoss: Sendable {
  /// Its name, in messages.
  static var name: String { get }
  /// How vectors are compared unless one says otherwise: right for the loss's other defaults.
  var defaultDistance: Distance { get }
  /// Whether exchanging the sides changes nothing, so that one direction says all.
  var isSymmetric: Bool { get }
  /// Which values would cost something were they of mismatches, bool of their shape; nil where the loss cannot say.
  func costsMismatches(_ values: Tensor) throws -> Tensor?
  /// Scalars that learn along with the vectors, such as a logit scale.
  var parameters: [Tensor] { get set }
  /// The sums that make the loss.
  ///
  /// - Parameters:
  ///   - values: `[rows, m]`, a block of rows against all columns.
  ///   - masks: which of them match, and which do not.
  func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term]
  /// The same for a loss that compares the columns with each other, too.
  ///
  /// - Parameter columns: gives their values, `[m, m]`.
  func terms(_ values: Tensor, _ masks: PairMasks, among columns: () throws -> Tensor) throws -> [Term]
}

extension PairLoss {
  public var isSymmetric: Bool { false }
  public func terms(
    _ values: Tensor, _ masks: PairMasks, among columns: () throws -> Tensor
  ) throws -> [Term] { try terms(values, masks) }
  public func costsMismatches(_ values: Tensor) throws -> Tensor? { nil }
  public var parameters: [Tensor] {
    get { [] }
    set {}
  }
}

/// distance × miner × loss × regularizer: the value of a batch of vectors of two sides.
///
/// ```swift
/// let objective = try PairObjective(ContrastiveLoss(margin: 1))
/// let value = try objective(images, texts, Matches(pairs: 128))
/// try value.total.backward()
/// ```
public struct PairObjective<Criterion: PairLoss>: Sendable {
  public let loss: Criterion
  /// How two vectors are compared.
  public let distance: Distance
  /// Which pairs count.
  public let miner: any PairMiner
  /// Whether both directions are averaged (first side as anchors, then the second).
  public private(set) var symmetric: Bool
  /// Rows of a block of the matrix; 0 for all at once. Blocks change memory, not the value.
  public let chunk: Int
  /// A penalty on the vectors' norms.
  public private(set) var penalty: NormPenalty?
  /// Whether the value says how far matches and mismatches are, and which share of the mismatches costs something
  /// where the loss tells.
  public private(set) var reportsPairs: Bool

  /// - Parameters:
  ///   - distance: the loss's own default when nil.
  ///   - miner: which pairs count; all by default.
  ///   - symmetric: average both directions.
  ///   - chunk: rows of a block, for batches whose matrix does not fit in memory; 0 for all at once.
  ///   - penalty: added to the loss.
  ///   - reportsPairs: add how far matches and mismatches are to the parts of the value.
  /// - Throws: ``ObjectiveError`` when the loss wants small numbers for close pairs and `distance` gives large
  ///   ones, or the other way round.
  public init(
    _ loss: Criterion, distance: Distance? = nil, miner: any PairMiner = AllPairs(), symmetric: Bool = false,
    chunk: Int = 0, penalty: NormPenalty? = nil, reportsPairs: Bool = false
  ) throws {
    let distance = distance ?? loss.defaultDistance
    guard distance.direction == loss.defaultDistance.direction else {
      throw ObjectiveError.wrongDirection(
        loss: Criterion.name, takes: loss.defaultDistance.direction.rawValue,
        given: distance.direction.rawValue)
    }
    guard chunk >= 0 else {
      throw ObjectiveError.badSetting("chunk", Double(chunk), expected: "0 (all at once) or more rows")
    }
    self.loss = loss
    self.distance = distance
    self.miner = miner
    self.symmetric = symmetric
    self.chunk = chunk
    self.penalty = penalty
    self.reportsPairs = reportsPairs
  }

  /// The loss of the first side's anchors alone, and nothing beside it.
  var oneWay: Self {
    var one = self
    (one.symmetric, one.penalty, one.reportsPairs) = (false, nil, false)
    return one
  }

  /// The loss of a batch.
  ///
  /// - Parameters:
  ///   - x: vectors of the first side, `[n, d]`, as they are: the distance normalizes when it is to.
  ///   - y: vectors of the second side, `[m, d]`.
  ///   - matches: what belongs together.
  /// - Complexity: O(n m d) time; memory O(n m), with `chunk` O(chunk · m).
  public func callAsFunction(_ x: Tensor, _ y: Tensor, _ matches: Matches) throws -> ObjectiveValue {
    guard x.size(along: -1) == y.size(along: -1) else {
      throw ObjectiveError.unequalSizes(
        "the first side's vectors", x.size(along: -1), "the second's", y.size(along: -1))
    }
    guard x.size(along: 0) == matches.count, y.size(along: 0) == matches.columns else {
      throw ObjectiveError.unequalCounts(
        "the vectors", x.size(along: 0) == matches.count ? y.size(along: 0) : x.size(along: 0), "the matches",
        x.size(along: 0) == matches.count ? matches.columns : matches.count)
    }
    guard matches.count > 0, matches.columns > 0 else { throw ObjectiveError.empty("pairs") }
    let a = try distance.prepared(x)
    let b = try distance.prepared(y)
    var value =
      chunk > 0 && chunk < Swift.max(matches.count, matches.columns)
      ? try blockwise(a, b, matches) : try whole(a, b, matches)
    if let penalty {
      let term = try penalty(distance.normalizes ? [a, b] : [x, y])
      value.total = try value.total + term
      value.parts.append(("norm_penalty", try term.detached()))
    }
    return value
  }

  var directions: Int { symmetric && !(loss.isSymmetric && miner.isSymmetric) ? 2 : 1 }

  private func whole(_ a: Tensor, _ b: Tensor, _ matches: Matches) throws -> ObjectiveValue {
    let values = try distance.compared(a, b)
    let masks = try matches.masks()
    let terms = try blockTerms(values, masks, loss, against: b)
    var value: ObjectiveValue
    if directions == 2 {
      let others = try blockTerms(values.transposed(), masks.transposed(), loss, against: a)
      value = try Self.averaged(terms, others)
    } else {
      value = try Self.summed(terms.map { (name: $0.name, value: try $0.value) })
    }
    if reportsPairs {
      var facts = PairFacts()
      try facts.add(values, masks, loss)
      value.parts += try facts.parts()
    }
    return value
  }

  private static func averaged(_ terms: [Term], _ others: [Term]) throws -> ObjectiveValue {
    try summed(
      zip(terms, others).map { one, two in (one.name, try (one.value + two.value) * 0.5) })
  }

  static func summed(_ parts: [(name: String, value: Tensor)]) throws -> ObjectiveValue {
    let total = try parts.dropFirst().reduce(parts[0].value) { try $0 + $1.value }
    guard parts.count > 1 else { return ObjectiveValue(total: total) }
    return ObjectiveValue(
      total: total, parts: try parts.map { (name: $0.name, value: try $0.value.detached()) })
  }

  /// - Parameter columns: the prepared vectors of the other side.
  func blockTerms(
    _ values: Tensor, _ masks: PairMasks, _ loss: Criterion, against columns: Tensor
  ) throws -> [Term] {
    try loss.terms(values, miner.mined(values, masks, distance.direction)) {
      try distance.compared(columns, columns)
    }
  }
}
