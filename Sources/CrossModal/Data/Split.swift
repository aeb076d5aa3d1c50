import Foundation
import Torch

/// The pairs of a split. Rows of each modality are numbered from 0 within the split.
///
/// The first modality has the split's rows in their order. The others have, in ascending order, the rows that
/// are paired with those; where row i goes with row i, or each item has k captions, they keep that order. Distractors,
/// where the data set keeps them, stand between them: rows that no pair of any split names.
public struct Split: TrainingSet, Sendable {
  public let name: String
  /// The data set that it is a part of.
  public let source: DataSet
  let table: Table
  /// Rows of the table, of each modality.
  let rows: [Rows]
  /// Row of each modality in each pair; nil when row i goes with row i everywhere.
  private let paired: [[Int]]?
  /// Which pair of the table each pair is.
  private let places: Rows
  private let itemLabels: [[Int]?]
  /// Rows of the table, of each modality, that are in no pair and searched all the same.
  private let distractors: [[Int]]
  /// The largest number of each modality.
  private let known = Once<[Double]>()

  /// - Parameter distractors: those of the table when nil.
  init(name: String, of source: DataSet, part: DataSet.Part, distractors: [[Int]]? = nil) {
    self.name = name
    self.source = source
    table = part.table
    itemLabels = part.labels
    self.distractors = distractors ?? part.table.distractors
    guard let all = part.table.pairs else {
      rows = part.table.columns.map { _ in part.rows }
      paired = nil
      places = part.rows
      return
    }
    (rows, paired, places) = Split.select(part.rows, from: all, of: part.table, self.distractors)
  }

  /// What the data are.
  public var description: DataDescription { source.description }

  /// The pairs whose first item is among `selected`, and the items they name, with distractors.
  private static func select(
    _ selected: Rows, from all: [[Int]], of table: Table, _ distractors: [[Int]]
  ) -> ([Rows], [[Int]], Rows) {
    var rows: [Rows] = [selected]
    var paired: [[Int]] = []
    var local = [Int](repeating: -1, count: table.columns[0].count)
    for at in 0..<selected.count { local[selected[at]] = at }
    var places: [Int] = []
    if let captions = table.captionsPerItem {
      // Item by item, in the order of the split.
      for at in 0..<selected.count { places += selected[at] * captions..<(selected[at] + 1) * captions }
    } else {
      places = all[0].indices.filter { local[all[0][$0]] >= 0 }
    }
    paired.append(places.map { local[all[0][$0]] })
    for side in all.indices.dropFirst() {
      let named = places.map { all[side][$0] }
      if side > 1, distractors[side].isEmpty, named == places.map({ all[0][$0] }) {
        rows.append(selected)
        paired.append(paired[0])
        continue
      }
      let order = table.captionsPerItem == nil ? Array(Set(named).union(distractors[side])).sorted() : named
      var own = [Int](repeating: -1, count: table.columns[side].count)
      for (at, row) in order.enumerated() { own[row] = at }
      rows.append(Rows(order))
      paired.append(named.map { own[$0] })
    }
    return (rows, paired, Rows(places))
  }

  /// The split of some of its own rows of the first modality, for folds.
  public func narrowed(to own: [Int]) throws -> Split { try narrowed(to: own, distractors) }

  /// The split as methods learn from it: every item but those of the first modality is in a pair.
  public func withoutDistractors() throws -> Split {
    guard distractors.contains(where: { !$0.isEmpty }) else { return self }
    return try narrowed(to: Array(0..<count(side: 0)), distractors.map { _ in [] })
  }

  /// Without some items of the first modality, and without distractors of any that are named by their places.
  func dropping(_ firsts: Set<Int>, distractors dropped: [Set<Int>]) throws -> Split {
    try narrowed(
      to: (0..<count(side: 0)).filter { !firsts.contains($0) },
      distractors.enumerated().map { side, all in
        let gone = Set(dropped[side].map { rows[side][$0] })
        return all.filter { !gone.contains($0) }
      })
  }

  /// The items of a modality that are distractors.
  public func distractors(side: Int) -> Set<Int> {
    distractors[side].isEmpty ? [] : Set(0..<count(side: side)).subtracting(pairedRows(side: side))
  }

  private func narrowed(to own: [Int], _ distractors: [[Int]]) throws -> Split {
    if let bad = own.first(where: { $0 < 0 || $0 >= count(side: 0) }) {
      throw DataError.rowOutOfRange(
        file: description.name, place: "split '\(name)'", row: bad, count: count(side: 0))
    }
    let part = DataSet.Part(table: table, rows: Rows(own.map { rows[0][$0] }), labels: itemLabels)
    return Split(name: name, of: source, part: part, distractors: distractors)
  }
}

// MARK: - Items

extension Split {
  public var place: String { "split '\(name)' of \(description.name)" }

  /// Number of items of a modality.
  public func count(side: Int) -> Int { rows[side].count }

  /// Which row of the files an item is, that splits given as rows have in common; nil where the split has files of
  /// its own.
  func sharedRow(side: Int, row: Int) -> Int? {
    source.part(name)?.ownsTable == false ? rows[side][row] : nil
  }

  /// Items of a modality, next to each other; without a copy where the file is mapped.
  public func items(side: Int, rows range: Range<Int>) throws -> Items {
    try check(side, range.isEmpty ? [] : [range.lowerBound, range.upperBound - 1])
    guard case .range(let whole) = rows[side] else {
      return try table.columns[side].items(at: range.map { rows[side][$0] })
    }
    return try table.columns[side].items(
      in: whole.lowerBound + range.lowerBound..<whole.lowerBound + range.upperBound)
  }

  /// Items of a modality in any order.
  public func items(side: Int, at places: [Int]) throws -> Items {
    try check(side, places)
    return try table.columns[side].items(at: places.map { rows[side][$0] })
  }

  /// All items of a modality.
  public func items(side: Int) throws -> Items { try items(side: side, rows: 0..<count(side: side)) }

  private func check(_ side: Int, _ places: [Int]) throws(DataError) {
    if let bad = places.first(where: { $0 < 0 || $0 >= rows[side].count }) {
      throw .rowOutOfRange(
        file: table.columns[side].name, place: "split '\(name)'", row: bad, count: rows[side].count)
    }
  }

  /// Class of each item of a modality: as the files say, or of the first item it is paired with; nil without
  /// labels.
  public func labels(side: Int) -> [Int]? {
    if let own = itemLabels[side] { return (0..<rows[side].count).map { own[rows[side][$0]] } }
    guard let source = itemLabels.indices.first(where: { itemLabels[$0] != nil }),
      let known = labels(side: source)
    else { return nil }
    guard let paired else { return known }
    var labels = [Int](repeating: -1, count: count(side: side))
    for pair in paired[0].indices.reversed() { labels[paired[side][pair]] = known[paired[source][pair]] }
    return labels.contains(-1) ? nil : labels
  }

  /// Which items of a modality are views of one object: equal numbers; nil when the data set does not say.
  public func group(side: Int) -> [Int]? {
    table.columns[side].group.map { group in (0..<rows[side].count).map { group[rows[side][$0]] } }
  }

  /// What each number of a vector is; nil when the data set does not say.
  public func columnNames(side: Int) -> [String]? { table.columns[side].columnNames }

  /// Rows a second of a sequence; nil when the data set does not say.
  public func rate(side: Int) -> Double? { table.columns[side].file.rate }

  /// Boxes behind the features of an item in pixels, `[l, 4]` (left, top, right, bottom).
  public func boxes(side: Int, row: Int) throws -> Tensor? {
    try check(side, [row])
    return try table.columns[side].boxes?.rows(at: [rows[side][row]])[0]
  }

  /// Class of each pixel of a picture, uint8 `[h, w]`, and the number that does not count.
  public func mask(side: Int, row: Int) throws -> (classes: Tensor, ignore: Int?)? {
    try check(side, [row])
    guard let masks = table.columns[side].masks else { return nil }
    return (try masks.picture(at: rows[side][row]).indices(), table.columns[side].ignoredClass)
  }

  public func hasMasks(side: Int) -> Bool { table.columns[side].masks != nil }

  /// How many vectors or words each item has; nil where items are not made of such.
  public func lengths(side: Int) -> [Int]? {
    table.columns[side].lengths.map { lengths in (0..<rows[side].count).map { lengths[rows[side][$0]] } }
  }

  /// What a person sees of an item.
  public func card(side: Int, row: Int) throws -> Card {
    try check(side, [row])
    var card = try table.columns[side].card(at: rows[side][row])
    if card.title == nil, card.text == nil, card.caption == nil { card.place = place(side: side, row: row) }
    return card
  }

  /// An item by its row, with the first text that it is paired with, or its class.
  private func place(side: Int, row: Int) -> String {
    let place = "\(description.modalities[side].name) \(row)"
    let pair = paired.map { $0[side].firstIndex(of: row) } ?? (row < count ? row : nil)
    for (other, column) in table.columns.enumerated() {
      guard let pair, case .texts(let texts) = column.storage else { continue }
      let text = texts.text(at: rows[other][paired?[other][pair] ?? pair])
      return "\(place), “\(text.prefix(60))\(text.count > 60 ? "…" : "")”"
    }
    guard let label = labels(side: side)?[row], source.classNames.indices.contains(label) else {
      return place
    }
    let name = source.classNames[label]
    return "\(place), \(Int(name) == nil ? name : "class \(name)")"
  }

  public func attributes(_ name: String, side: Int) throws -> [String]? {
    guard let lines = try table.columns[side].lines() else { return nil }
    let all = try (0..<rows[side].count).map { try lines.json(at: rows[side][$0])[name]?.plainText ?? "" }
    return all.contains { !$0.isEmpty } ? all : nil
  }

  /// Walks all numbers of the split.
  ///
  /// - Throws: ``DataError/notFinite(file:row:column:value:)`` for the first that is NaN, infinite or too large.
  public func checkNumbers() throws { _ = try sizes() }

  /// The largest number of each modality, in size; 0 where there are none that can be too large.
  private func sizes() throws -> [Double] {
    try known.value { try zip(table.columns, rows).map { try $0.checkNumbers($1) } }
  }

  /// The power of two that brings the numbers of a modality to size, the largest between 1 and 2; nil where they can be
  /// computed with as they are.
  ///
  /// - Throws: what ``checkNumbers()`` throws.
  func exponentToSize(side: Int) throws -> Int? {
    let size = try sizes()[side]
    let isUsual = (Limits.leastSize...Limits.largestNumber).contains(size)
    return isUsual || size == 0 ? nil : -Int(size.exponent)
  }

  /// What no number of a modality may be beyond, in size.
  func largestNumber(side: Int) throws -> Double { try table.columns[side].largestNumber(rows[side]) }

  /// Throws where numbers of a modality are too large or too small to be computed with as they are, which those of vectors
  /// alone can be.
  func checkSize(side: Int) throws {
    guard table.columns[side].kind == .vector else { return }
    if try exponentToSize(side: side) != nil { try table.columns[side].checkSize(rows[side]) }
  }
}

// MARK: - Pairs

extension Split {
  /// Number of pairs.
  public var count: Int { places.count }

  /// Which item of the second modality goes with which of the first; nil when item i goes with item i.
  public var pairs: Pairs? {
    guard let paired, paired.count > 1 else { return nil }
    return Pairs(x: paired[0], y: paired[1])
  }

  /// The number of captions of each item, when it is the same for all.
  public var captionsPerItem: Int? { table.captionsPerItem }

  public var itemsOfPairs: [[Int]]? { paired }

  /// Row of a modality in each pair.
  public func pairedRows(side: Int) -> [Int] { paired?[side] ?? Array(0..<count) }

  /// Class of each pair.
  public var labels: [Int]? {
    guard let labels = labels(side: 0) else { return nil }
    return paired.map { $0[0].map { labels[$0] } } ?? labels
  }

  /// Accepted answers of each pair.
  public var answers: [[String]]? {
    table.answers.map { answers in (0..<places.count).map { answers[places[$0]] } }
  }

  /// First and last second of each pair's moment.
  public var moments: [ClosedRange<Double>]? {
    table.moments.map { moments in (0..<places.count).map { moments[places[$0]] } }
  }

  /// Rows of a modality in the given pairs, in their order.
  public func rows(side: Int, ofPairs places: [Int]) -> [Int] {
    paired.map { paired in places.map { paired[side][$0] } } ?? places
  }

  public func batch(at places: [Int]) throws -> Batch {
    try batch(at: places) { side, rows in try batchItems(side, rows) }
  }

  /// A batch whose items come from `items`, called with the number of the modality and its rows.
  func batch(at wanted: [Int], items: (Int, [Int]) throws -> Items) throws -> Batch {
    if let bad = wanted.first(where: { $0 < 0 || $0 >= count }) {
      throw DataError.rowOutOfRange(
        file: description.name, place: "split '\(name)', pairs", row: bad, count: count)
    }
    let own = rows.indices.map { rows(side: $0, ofPairs: wanted) }
    let labels: [Int]? =
      itemLabels[0].map { labels in own[0].map { labels[rows[0][$0]] } }
      ?? self.labels.map { labels in wanted.map { labels[$0] } }
    return Batch(
      modalities: description.modalities.map(\.name), items: try own.enumerated().map(items),
      rows: own, labels: labels,
      answers: table.answers.map { answers in wanted.map { answers[places[$0]] } },
      moments: table.moments.map { moments in wanted.map { moments[places[$0]] } })
  }

  /// Items in order; a run of neighbors is not copied.
  private func batchItems(_ side: Int, _ places: [Int]) throws -> Items {
    guard let first = places.first, places.indices.allSatisfy({ places[$0] == first + $0 }) else {
      return try items(side: side, at: places)
    }
    return try items(side: side, rows: first..<first + places.count)
  }
}

/// Which item of the second modality goes with which of the first.
public struct Pairs: Sendable, RandomAccessCollection {
  /// Row of the first modality in each pair.
  public let x: [Int]
  /// Row of the second modality in each pair.
  public let y: [Int]

  public init(x: [Int], y: [Int]) {
    self.x = x
    self.y = y
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { Swift.min(x.count, y.count) }
  public subscript(position: Int) -> (x: Int, y: Int) { (x[position], y[position]) }
}
