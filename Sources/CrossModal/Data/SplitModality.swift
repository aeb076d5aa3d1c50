/// One modality of a split, by its name: `try split["image"].items`.
public struct SplitModality: Sendable {
  public let split: Split
  /// The place of the modality in the data set's order.
  public let side: Int

  /// Number of items.
  public var count: Int { split.count(side: side) }
  /// Class of each item; nil without labels.
  public var labels: [Int]? { split.labels(side: side) }

  /// All items.
  public var items: Items { get throws { try split.items(side: side) } }

  /// Items next to each other.
  public func items(_ rows: Range<Int>) throws -> Items { try split.items(side: side, rows: rows) }

  /// What a person sees of an item.
  public func card(_ row: Int) throws -> Card { try split.card(side: side, row: row) }
}

extension Split {
  /// The modality of a name.
  ///
  /// - Throws: ``DataError`` with the known names.
  public subscript(modality: String) -> SplitModality {
    get throws {
      let names = description.modalities.map(\.name)
      guard let side = names.firstIndex(of: modality) else {
        throw DataError.unknownKey(
          file: description.name, key: modality, nearest: nearestNames(to: modality, in: names), known: names)
      }
      return SplitModality(split: self, side: side)
    }
  }
}
