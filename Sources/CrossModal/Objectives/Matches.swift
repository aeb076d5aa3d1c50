import Torch

/// Which rows of one side belong with which rows of the other.
///
/// Made from ids (labels, or numbers of items), from several ids of which one must agree, or from explicit
/// pairs. A pair of rows that is neither a match nor a mismatch is left out of a loss. The masks are built
/// for a block of rows when they are needed, so a large batch never holds all of them.
public struct Matches: Sendable {
  private enum Rule {
    /// A match where the ids of any of the lists agree; everything else is a mismatch.
    case ids([(x: Tensor, y: Tensor)])
    case masks(positive: Tensor, negative: Tensor)
  }

  private let rule: Rule
  /// Numbers of the items themselves: an item is neither a match nor a mismatch of itself.
  private let identities: (x: Tensor, y: Tensor)?
  /// Rows of the first side.
  public let count: Int
  /// Rows of the second side.
  public let columns: Int

  private init(_ rule: Rule, identities: (x: Tensor, y: Tensor)?, count: Int, columns: Int) {
    self.rule = rule
    self.identities = identities
    self.count = count
    self.columns = columns
  }

  /// Rows with equal ids match.
  ///
  /// - Parameters:
  ///   - x: int64 `[n]`, ids of the first side.
  ///   - y: int64 `[m]`, ids of the second side.
  ///   - identities: numbers of the items, `[n]` and `[m]`, where the same item may stand on both sides
  ///     (one modality against itself, a memory): such a pair is left out.
  public init(ids x: Tensor, _ y: Tensor, identities: (x: Tensor, y: Tensor)? = nil) {
    self.init(anyOf: [(x, y)], identities: identities)
  }

  /// Rows match when the ids of any of the lists agree, such as the number of the picture or of the text.
  public init(anyOf ids: [(x: Tensor, y: Tensor)], identities: (x: Tensor, y: Tensor)? = nil) {
    precondition(!ids.isEmpty, "matches need at least one list of ids")
    self.init(
      .ids(ids), identities: identities, count: ids[0].x.size(along: 0), columns: ids[0].y.size(along: 0))
  }

  /// Row i matches row i and no other.
  public init(pairs count: Int, on device: Device = .cpu) throws(TorchError) {
    let numbers = try Tensor.range(0..<count, on: device)
    self.init(ids: numbers, numbers)
  }

  /// What is said of pairs of rows; everything else is left out. A row that is there twice counts once.
  ///
  /// - Parameters:
  ///   - x: numbers of the rows of the first side, `[n]`.
  ///   - y: numbers of the rows of the second side, `[m]`.
  public init(_ given: GivenPairs, _ x: [Int], _ y: [Int], on device: Device = .cpu) throws(TorchError) {
    func firstPlaces(_ rows: [Int]) -> [Int: Int] {
      Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
    }
    let columns = firstPlaces(y)
    var similar = [Bool](repeating: false, count: x.count * y.count)
    var dissimilar = similar
    for (row, place) in firstPlaces(x) {
      for pair in given.pairs(of: row) {
        guard let column = columns[pair.y] else { continue }
        let cell = place * y.count + column
        switch pair.relation {
        case .similar: similar[cell] = true
        case .dissimilar: dissimilar[cell] = true
        }
      }
    }
    self.init(
      positive: try Tensor(similar, shape: [x.count, y.count]).to(device),
      negative: try Tensor(dissimilar, shape: [x.count, y.count]).to(device))
  }

  /// Explicit pairs: bool `[n, m]` masks of the matches and of the mismatches.
  public init(positive: Tensor, negative: Tensor) {
    self.init(
      .masks(positive: positive, negative: negative), identities: nil, count: positive.size(along: 0),
      columns: positive.rank > 1 ? positive.size(along: 1) : 1)
  }

  /// The same with the sides exchanged.
  public func transposed() throws(TorchError) -> Matches {
    let turned: Rule =
      switch rule {
      case .ids(let ids): .ids(ids.map { (x: $0.y, y: $0.x) })
      case .masks(let positive, let negative):
        .masks(positive: try positive.transposed(), negative: try negative.transposed())
      }
    return Matches(turned, identities: identities.map { ($0.y, $0.x) }, count: columns, columns: count)
  }

  /// Masks of a block of rows against all columns.
  public func masks(of rows: Range<Int>? = nil) throws(TorchError) -> PairMasks {
    let rows = rows ?? 0..<count
    let isWhole = rows == 0..<count
    var masks: PairMasks
    switch rule {
    case .ids(let ids):
      let positive = try Self.agreeing(ids, rows: isWhole ? nil : rows)
      masks = PairMasks(positive: positive, negative: try positive.not(), firstRow: rows.lowerBound)
    case .masks(let positive, let negative):
      masks = PairMasks(
        positive: isWhole ? positive : try positive[rows], negative: isWhole ? negative : try negative[rows],
        firstRow: rows.lowerBound)
    }
    if let identities {
      let other = try Self.agreeing([identities], rows: isWhole ? nil : rows).not()
      masks.positive = try masks.positive.and(other)
      masks.negative = try masks.negative.and(other)
    }
    return masks
  }

  private static func agreeing(
    _ ids: [(x: Tensor, y: Tensor)], rows: Range<Int>?
  ) throws(TorchError) -> Tensor {
    var agreeing: Tensor?
    for (x, y) in ids {
      let part = try rows.map { rows throws(TorchError) in try x[rows] } ?? x
      let same = try part.unsqueezed(at: 1) .== y.unsqueezed(at: 0)
      agreeing = try agreeing.map { agreeing throws(TorchError) in try agreeing.or(same) } ?? same
    }
    return agreeing!
  }
}

/// Matches and mismatches of a block of rows with all columns.
public struct PairMasks: Sendable {
  /// bool `[rows, m]`, pairs that belong together.
  public var positive: Tensor
  /// bool `[rows, m]`, pairs that do not; a pair in neither is left out.
  public var negative: Tensor
  /// Which row of the whole the first row of the block is: row i of the whole is paired with column i.
  public var firstRow: Int

  public init(positive: Tensor, negative: Tensor, firstRow: Int = 0) {
    self.positive = positive
    self.negative = negative
    self.firstRow = firstRow
  }

  /// The element of each row in the column that it is paired with, `[rows, 1]`.
  public func paired(_ values: Tensor) throws(TorchError) -> Tensor {
    let rows = values.size(along: 0)
    let columns = try Tensor.range(firstRow..<firstRow + rows, on: values.device).unsqueezed(at: 1)
    return try values.gathered(columns, along: 1)
  }

  func transposed() throws(TorchError) -> PairMasks {
    PairMasks(positive: try positive.transposed(), negative: try negative.transposed())
  }
}
