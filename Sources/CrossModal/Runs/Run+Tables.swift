import Foundation
import Torch

extension FolderKind {
  /// A folder of tables that ``Run/writeTables(of:to:)`` wrote.
  public static let tables = FolderKind(
    "folder of tables", advice: " (--force replaces it)",
    isOne: { FileManager.default.fileExists(atPath: $0.appendingPathComponent("correlations.csv").path) })
}

extension Run {
  /// Writes what was found as tables, one `.csv` each: `correlations.csv`; `variates-MODALITY.csv`, the vectors of all
  /// items; and where the method knows, `weights-MODALITY.csv` and `loadings-MODALITY.csv`, a row a column of the
  /// data by its name.
  ///
  /// - Parameters:
  ///   - splits: whose items are written.
  ///   - folder: that is there.
  /// - Returns: names of the files.
  /// - Throws: ``RunError`` for a method whose vectors are not pairs of components.
  @discardableResult
  public func writeTables(of splits: [Split], to folder: URL) throws -> [String] {
    guard let method = method as? any CorrelationReporting else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "canonical components")
    }
    var names: [String] = []
    func write(_ name: String, _ header: [String], _ labels: [[String]], _ values: Tensor) throws {
      let file = name.replacingOccurrences(of: "/", with: "-") + ".csv"
      try CSVWriter.write(header, labels: labels, values, to: folder.appendingPathComponent(file).path)
      names.append(file)
    }
    let features = try splits.map { split in
      try modalities.indices.map { try self.features(of: split, side: $0) }
    }
    let count = features[0][0].values.size(along: 1)
    let components = (1...max(1, count)).map(String.init)
    let (learned, title) = (method.learnedCorrelations, splits.map(\.name))
    let measured = try zip(splits, features).map { split, features in
      let pairs = try [0, 1].map { try features[$0].rows(at: split.pairedRows(side: $0)) }
      return try Tensor(method.correlations(pairs[0], pairs[1]))
    }
    let columns = try (learned.map { [try $0.to(.float64)] } ?? []) + measured
    try write(
      "correlations", ["component"] + (learned == nil ? [] : ["learned"]) + title, components.map { [$0] },
      Tensor.stacked(columns, along: 1))
    for table in try (method as? any ColumnReporting)?.columnTables ?? [] {
      let modality = modalities[table.side]
      let labels =
        columnNames(of: splits[0], side: table.side) ?? (0..<table.values.size(along: 0)).map(String.init)
      try write("\(table.name)-\(modality)", ["column"] + components, labels.map { [$0] }, table.values)
    }
    for (side, modality) in modalities.enumerated() {
      let labels = try splits.flatMap { split in
        try (0..<split.count(side: side)).map {
          [split.name, "\($0)", try split.card(side: side, row: $0).id]
        }
      }
      try write(
        "variates-\(modality)", ["split", "row", "id"] + components, labels,
        Tensor.concatenated(features.map { try $0[side].values.to(.float64) }))
    }
    return names
  }

  /// What each column that the method sees of a modality is called; nil where nobody says, or a featurizer made them.
  func columnNames(of split: Split, side: Int) -> [String]? {
    let featurizer = featurizers[record.data.modalities[side].name]
    return featurizer == nil || featurizer is RescalingFeaturizer ? split.columnNames(side: side) : nil
  }
}
