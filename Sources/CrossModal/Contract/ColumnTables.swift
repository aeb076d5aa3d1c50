import Torch

/// Numbers with a row for each column of a modality and a column for each component, such as loadings.
public struct ColumnTable: Sendable {
  /// What the numbers are; a part of the file's name.
  public let name: String
  /// The modality whose columns these are.
  public let side: Int
  /// `[columns, components]`.
  public let values: Tensor

  public init(_ name: String, side: Int, _ values: Tensor) {
    self.name = name
    self.side = side
    self.values = values
  }
}

/// A method that says what each column of its modalities counts for: what `export --tables` writes.
public protocol ColumnReporting: Encoding {
  /// Tables of the fitted method; none before.
  var columnTables: [ColumnTable] { get throws }
}
