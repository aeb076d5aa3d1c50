import Foundation

/// What is said of two items.
public enum Relation: Sendable, Equatable {
  /// They are to be close (y = 0 in the paper of the contrastive loss; 1 in many programs).
  case similar
  /// They are to be at least a margin apart (y = 1 in that paper; 0 or -1 in many programs).
  case dissimilar
}

/// Pairs of items that are said to be similar or dissimilar; where there are such, no others count.
///
/// In a file a line has a row of the first modality, a row of the second (of the same one where there is one alone), and
/// `similar` or `dissimilar`, between blanks, tabs or commas. Rows are those of the training part, from 0.
public struct GivenPairs: Sendable {
  /// A row of the first modality, a row of the second, and what is said of them.
  public struct Pair: Sendable, Equatable {
    public let x: Int
    public let y: Int
    public let relation: Relation

    public init(x: Int, y: Int, _ relation: Relation) {
      self.x = x
      self.y = y
      self.relation = relation
    }
  }

  public let pairs: [Pair]
  /// The pairs of each row of the first modality.
  private let partners: [Int: [Pair]]

  public init(_ pairs: [Pair]) {
    self.pairs = pairs
    partners = Dictionary(grouping: pairs, by: \.x)
  }

  /// Reads the pairs of a file.
  ///
  /// - Parameters:
  ///   - file: text, also gzipped.
  ///   - data: what the rows are of.
  /// - Throws: ``DataError`` naming the line that is no pair, or whose rows the data do not have.
  public init(_ file: String, of data: some TrainingSet) throws {
    let modalities = data.description.modalities.prefix(2)
    let rows = modalities.indices.map { side in
      data.itemsOfPairs.map { Set($0[side]) } ?? Set(0..<data.count)
    }
    let lines = try TextLines(URL(fileURLWithPath: file), limits: Limits())
    var pairs: [Pair] = []
    for line in 0..<lines.count {
      let fields = lines.text(at: line).split { $0 == "," || $0.isWhitespace }
      if fields.isEmpty { continue }
      guard fields.count == 3, let x = Int(fields[0]), let y = Int(fields[1]),
        let relation = Self.relations[String(fields[2])]
      else {
        throw DataError.malformed(
          file: file, place: DataError.line(line),
          reason: "is not two row numbers and similar or dissimilar, such as '3 7 similar'")
      }
      for (side, row) in zip([0, modalities.count - 1], [x, y]) where !rows[side].contains(row) {
        throw DataError.malformed(
          file: file, place: DataError.line(line),
          reason: "names row \(row) of \(modalities[side].name), which the training part does not have")
      }
      pairs.append(Pair(x: x, y: y, relation))
    }
    guard !pairs.isEmpty else {
      throw DataError.malformed(file: file, reason: "there are no pairs in the file")
    }
    self.init(pairs)
  }

  private static let relations: [String: Relation] = ["similar": .similar, "dissimilar": .dissimilar]

  /// The pairs that a row of the first modality is in.
  public func pairs(of row: Int) -> [Pair] { partners[row] ?? [] }
}
