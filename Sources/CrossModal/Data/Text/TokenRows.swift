import Torch

/// Word numbers of many texts, end to end, so that one long text does not widen all.
struct TokenRows: Sendable {
  private var numbers: [Int32] = []
  /// Where each text begins, and where the last ends.
  private var starts = [0]

  init(_ rows: [[Int]] = []) { append(rows) }

  /// Number of texts.
  var count: Int { starts.count - 1 }

  /// Words of each text.
  var lengths: [Int] { zip(starts, starts.dropFirst()).map { $1 - $0 } }

  /// Words of the longest text.
  var longest: Int { lengths.max() ?? 0 }

  mutating func append(_ rows: [[Int]]) {
    for row in rows {
      numbers += row.map { Int32(truncatingIfNeeded: $0) }
      starts.append(numbers.count)
    }
  }

  /// All texts in order.
  func all() throws -> Items { try items(at: Array(0..<count)) }

  /// The numbers of a text.
  subscript(row: Int) -> [Int] { numbers[starts[row]..<starts[row + 1]].map(Int.init) }

  /// Texts as items, padded with zeros to the longest of them.
  func items(at rows: [Int]) throws -> Items {
    let lengths = rows.map { starts[$0 + 1] - starts[$0] }
    let width = lengths.max() ?? 0
    var padded = [Int](repeating: 0, count: rows.count * width)
    for (place, row) in rows.enumerated() {
      for at in 0..<lengths[place] { padded[place * width + at] = Int(numbers[starts[row] + at]) }
    }
    return .tokens(try Tensor(padded).reshaped(to: [rows.count, width]), lengths: lengths)
  }
}
