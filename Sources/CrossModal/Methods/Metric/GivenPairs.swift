import Foundation
import Torch

/// Pairs of a file that are said to be similar or dissimilar; no others count.
///
/// A line has a row of the first modality, a row of the second (of the same one where there is one alone), and
/// `similar` or `dissimilar`, between blanks, tabs or commas. Rows are those of the training part, from 0.
struct GivenPairs {
  private struct Pair {
    let x: Int
    let y: Int
    let relation: Relation
  }

  private let pairs: [Pair]
  /// The partners of each row of the first modality.
  private let partners: [Int: [Pair]]
  /// A pair of the training data that holds each row, of each modality.
  private let places: [[Int: Int]]

  var count: Int { pairs.count }

  /// - Parameters:
  ///   - file: text, also gzipped.
  ///   - data: what the rows are of.
  /// - Throws: ``DataError`` naming the line that is no pair, or whose rows the data do not have.
  init(_ file: String, of data: some TrainingSet) throws {
    let sides = min(2, data.description.modalities.count)
    places = (0..<sides).map { side in
      let rows = data.itemsOfPairs?[side] ?? Array(0..<data.count)
      return Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
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
          file: file, place: "line \(line)",
          reason: "is not two row numbers and similar or dissimilar, such as '3 7 similar'")
      }
      for (side, row) in [x, y].enumerated() where places[min(side, sides - 1)][row] == nil {
        throw DataError.malformed(
          file: file, place: "line \(line)",
          reason:
            "names row \(row) of \(data.description.modalities[min(side, sides - 1)].name), which the training "
            + "part does not have")
      }
      pairs.append(Pair(x: x, y: y, relation: relation))
    }
    guard !pairs.isEmpty else {
      throw DataError.malformed(file: file, place: "line 0", reason: "there are no pairs in the file")
    }
    self.pairs = pairs
    partners = Dictionary(grouping: pairs, by: \.x)
  }

  private static let relations: [String: Relation] = ["similar": .similar, "dissimilar": .dissimilar]

  /// Batches of so many of the pairs, in a new order each epoch.
  func sampler(batchSize: Int) -> any BatchSampler {
    let items = pairs.map { [places[0][$0.x] ?? 0, places[places.count - 1][$0.y] ?? 0] }
    return GivenPairSampler(
      items: items, order: ShuffledSampler(count: count, batchSize: batchSize, dropsLast: true))
  }

  /// What the file says of rows of a batch; everything else is left out. A row that is there twice counts once.
  func matches(_ x: [Int], _ y: [Int], on device: Device) throws -> Matches {
    func firstPlaces(_ rows: [Int]) -> [Int: Int] {
      Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
    }
    let columns = firstPlaces(y)
    var positive = [Bool](repeating: false, count: x.count * y.count)
    var negative = positive
    for (row, place) in firstPlaces(x) {
      for pair in partners[row] ?? [] {
        guard let column = columns[pair.y] else { continue }
        let cell = place * y.count + column
        if pair.relation == .similar { positive[cell] = true } else { negative[cell] = true }
      }
    }
    let masks = try [positive, negative].map { try Tensor($0, shape: [x.count, y.count]).to(device) }
    return Matches(positive: masks[0], negative: masks[1])
  }
}

/// Batches of the items of given pairs, each item once.
private struct GivenPairSampler: BatchSampler {
  /// Places in the training data of both items of each pair.
  let items: [[Int]]
  let order: ShuffledSampler

  var batchesPerEpoch: Int { order.batchesPerEpoch }

  func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    try order.batches(epoch: epoch, seed: seed).map { batch in
      var seen: Set<Int> = []
      return batch.flatMap { items[$0] }.filter { seen.insert($0).inserted }
    }
  }
}
