/// One modality of a run, by its name: `try run["text"].encode(.texts(["red heart"]))`.
public struct RunModality {
  public let run: Run
  /// The place of the modality in the data set's order.
  public let side: Int

  /// What the run was told of it.
  public var description: DataDescription.Modality { run.record.data.modalities[side] }

  /// Features of items as they come from a data set or a user.
  public func encode(_ items: Items) throws -> Features { try run.encode(items, side: side) }

  /// Features of all items of a split.
  public func features(of split: Split) throws -> Features { try run.features(of: split, side: side) }

  /// Items of some splits, encoded once, to be searched.
  public func gallery(of splits: Split...) throws -> Gallery { try Gallery(run, of: splits, side: side) }
}

extension Run {
  /// The modality of a name.
  ///
  /// - Throws: ``RunError`` with the nearest name.
  public subscript(modality: String) -> RunModality {
    get throws { RunModality(run: self, side: try side(of: modality)) }
  }
}
