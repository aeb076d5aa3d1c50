import Foundation
import Torch

/// Writes tables that spreadsheets, R and pandas read: commas, a header, quotes where a field needs them.
enum CSVWriter {
  /// - Parameters:
  ///   - header: names of all columns.
  ///   - labels: texts before the numbers of each row.
  ///   - values: `[rows, columns]`; NaN becomes an empty field.
  static func write(_ header: [String], labels: [[String]], _ values: Tensor, to path: String) throws {
    let numbers = try values.to(.cpu).values(as: Double.self)
    let width = values.size(along: 1)
    try AtomicFile.write(to: path) { append in
      try append(Data(line(header).utf8))
      for (row, own) in labels.enumerated() {
        let fields = numbers[row * width..<(row + 1) * width].map { $0.isNaN ? "" : "\($0)" }
        try append(Data(line(own + fields).utf8))
      }
    }
  }

  /// A row with the end of its line.
  static func line(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",") + "\n"
  }

  private static func quoted(_ field: String) -> String {
    let isPlain = !field.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
    return isPlain ? field : "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
