import CZlib
import Foundation
import Torch

/// Walks a data set once and collects what ``DataInspection`` says.
struct DataChecks {
  private let data: DataSet
  private(set) var splits: [DataInspection.SplitSummary] = []
  private(set) var modalities: [DataInspection.ModalitySummary] = []
  private(set) var findings: [DataInspection.Finding] = []
  private(set) var samples: [DataInspection.Sample] = []
  private let names: [String]
  /// Checksums of the items of each modality by split.
  private var marks: [String: [[ItemMark]]] = [:]
  /// Numbers seen in each modality.
  fileprivate var ranges: [NumberRange]

  /// Two checksums and a size: items that differ have different marks but for one case in 2^64.
  struct ItemMark: Hashable {
    let sums: UInt64
    let bytes: Int

    init(_ bytes: UnsafeRawBufferPointer) {
      let base = bytes.bindMemory(to: UInt8.self).baseAddress
      let count = UInt32(truncatingIfNeeded: bytes.count)
      sums = UInt64(crc32(0, base, count)) << 32 | UInt64(adler32(1, base, count))
      self.bytes = bytes.count
    }
  }

  fileprivate struct NumberRange {
    var least = Double.infinity
    var most = -Double.infinity
    var sum = 0.0
    var count = 0
  }

  init(_ data: DataSet) throws {
    self.data = data
    names = data.description.modalities.map(\.name)
    ranges = names.map { _ in NumberRange() }
  }

  mutating func run() throws {
    for warning in data.unusual {
      let isNote = warning.kind == .tableReading || warning.kind == .outside
      add(isNote ? .note : .problem, warning.kind, nil, nil, warning.sentence)
    }
    for name in data.splitNames {
      let split = try data.split(name)
      splits.append(summary(of: split))
      var marks: [[ItemMark]] = []
      for side in names.indices { marks.append(try walk(split, side)) }
      self.marks[name] = marks
      checkDuplicates(split, marks)
      checkClasses(split)
    }
    checkLeakage()
    try checkUnmatched()
    try sample()
    describeModalities()
  }

  private mutating func add(
    _ severity: DataInspection.Finding.Severity, _ kind: DataInspection.Finding.Kind, _ split: String?,
    _ modality: Int?, _ sentence: String
  ) {
    findings.append(
      .init(
        severity: severity, kind: kind, split: split, modality: modality.map { names[$0] },
        sentence: sentence))
  }

  private func summary(of split: Split) -> DataInspection.SplitSummary {
    let labels = split.labels(side: 0)
    let classes = data.classNames.count
    let counts = labels.map { labels in
      labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
    }
    return .init(
      name: split.name, items: names.indices.map { split.count(side: $0) }, pairs: split.count,
      classCounts: counts, hasAnswers: split.answers != nil, hasMoments: split.moments != nil)
  }

  private mutating func describeModalities() {
    modalities = data.description.modalities.enumerated().map { side, modality in
      let range = ranges[side]
      let column = data.splitNames.first.flatMap { data.part($0) }?.table.columns[side]
      return .init(
        name: modality.name, kind: modality.kind, shape: modality.shape, dtype: column?.array?.dtype,
        range: range.count > 0 ? (range.least, range.most, range.sum / Double(range.count)) : nil)
    }
  }

  /// The first pairs, spread over the first split.
  private mutating func sample() throws {
    guard let name = data.splitNames.first else { return }
    let split = try data.split(name)
    let wanted = min(8, split.count)
    let labels = split.labels
    samples = try (0..<wanted).map { at in
      let pair = at * split.count / wanted
      let rows = names.indices.map { split.rows(side: $0, ofPairs: [pair])[0] }
      return .init(
        row: pair, cards: try names.indices.map { try split.card(side: $0, row: rows[$0]) },
        numbers: try names.indices.map { try split.items(side: $0, rows: rows[$0]..<rows[$0] + 1).glance },
        className: labels.map { data.classNames[$0[pair]] }, answers: split.answers?[pair],
        moment: split.moments?[pair])
    }
  }
}

extension Items {
  /// The first numbers of the first row and how many there are; nil for texts and pictures.
  fileprivate var glance: String? {
    get throws {
      func first(_ row: Tensor) throws -> String {
        try row.flattened(from: 0).narrowed(to: 0..<min(6, row.count), along: 0).values(as: Double.self)
          .map { String(format: "%.3g", $0) }.joined(separator: "  ") + (row.count > 6 ? "  …" : "")
      }
      switch self {
      case .vectors(let rows): return try first(rows[0]) + " (\(rows.size(along: 1)) numbers)"
      case .sets(let rows, let lengths), .sequences(let rows, let lengths):
        return try first(rows[0]) + " (\(lengths[0]) vectors of \(rows.size(along: 2)))"
      case .tokens(let rows, let lengths):
        return try first(rows[0].narrowed(to: 0..<lengths[0], along: 0)) + " (\(lengths[0]) words)"
      case .texts, .pictures, .images: return nil
      }
    }
  }
}

// MARK: - Item by item

extension DataChecks {
  /// Reads all items of a modality, notes what is wrong with their contents, and gives their marks.
  private mutating func walk(_ split: Split, _ side: Int) throws -> [ItemMark] {
    switch data.description.modalities[side].kind {
    case .text: return try walkTexts(split, side)
    case .images:
      if case .pictures = try split.items(side: side, rows: 0..<1) { return try walkPictures(split, side) }
      return try walkNumbers(split, side)
    default: return try walkNumbers(split, side)
    }
  }

  private mutating func walkTexts(_ split: Split, _ side: Int) throws -> [ItemMark] {
    var marks: [ItemMark] = []
    var empty: [Int] = []
    for start in stride(from: 0, to: split.count(side: side), by: 4096) {
      let range = start..<min(start + 4096, split.count(side: side))
      guard case .texts(let texts) = try split.items(side: side, rows: range) else { continue }
      for (at, text) in texts.enumerated() {
        if text.isEmpty { empty.append(start + at) }
        ranges[side].take(Double(text.split(separator: " ").count))
        var text = text
        marks.append(text.withUTF8 { ItemMark(UnsafeRawBufferPointer($0)) })
      }
    }
    if let first = empty.first {
      add(
        .problem, .empty, split.name, side,
        "\(split.name), \(names[side]): \(empty.count) texts are empty, the first is row \(first)")
    }
    return marks
  }

  private mutating func walkPictures(_ split: Split, _ side: Int) throws -> [ItemMark] {
    var marks: [ItemMark] = []
    var (broken, first) = (0, "")
    var (unfit, firstMask) = (0, "")
    for row in 0..<split.count(side: side) {
      guard case .pictures(let pictures) = try split.items(side: side, rows: row..<row + 1) else { continue }
      var size: [Int]?
      do {
        size = Array(try pictures[0].decoded().shape.prefix(2))
      } catch {
        if broken == 0 { first = error.localizedDescription }
        broken += 1
      }
      if let reason = maskProblem(split, side, row, size) {
        if unfit == 0 { firstMask = reason }
        unfit += 1
      }
      let bytes = try pictures[0].encoded() ?? Data()
      marks.append(bytes.withUnsafeBytes { ItemMark($0) })
    }
    if broken > 0 {
      add(
        .problem, .unreadable, split.name, side,
        "\(split.name), \(names[side]): \(broken) pictures cannot be read, the first: \(first)")
    }
    if unfit > 0 {
      add(
        .problem, .unreadable, split.name, side,
        "\(split.name), \(names[side]): \(unfit) masks cannot be used, the first: \(firstMask)")
    }
    return marks
  }

  /// What is wrong with the mask of a picture of the given height and width; nil when it has none, or a good one.
  private func maskProblem(_ split: Split, _ side: Int, _ row: Int, _ size: [Int]?) -> String? {
    do {
      guard let mask = try split.mask(side: side, row: row), let size, mask.classes.shape != size else {
        return nil
      }
      return "row \(row) has \(mask.classes.shape[1]) x \(mask.classes.shape[0]) pixels, its picture "
        + "\(size[1]) x \(size[0])"
    } catch { return error.localizedDescription }
  }

  private mutating func walkNumbers(_ split: Split, _ side: Int) throws -> [ItemMark] {
    var marks: [ItemMark] = []
    var columns = ColumnStatistics()
    var (bad, first) = (0, "")
    let total = split.count(side: side)
    let largest = try split.largestNumber(side: side)
    for start in stride(from: 0, to: total, by: 1024) {
      let items = try split.items(side: side, rows: start..<min(start + 1024, total))
      let (rows, lengths) = items.numbers
      guard let rows else { continue }
      let numbers = try rows.to(.float64).contiguous()
      let flat = try numbers.flattened(from: 1)
      let finite = try (flat .>= -largest).and(flat .<= largest)
      if try !finite.all() {
        let places = try finite.not().nonZero()
        if bad == 0, let place = try? places[0].values(as: Int.self) {
          first = "row \(start + place[0]), column \(place[1])"
        }
        bad += try finite.not().any(along: 1).nonZero().size(along: 0)
      }
      let clean = try flat.chosen(where: finite, otherwise: Tensor(0.0))
      if bad == 0, lengths == nil || items.kind == .sequence || items.kind == .set {
        ranges[side].take(
          least: try clean.min().item(), most: try clean.max().item(), sum: try clean.sum().item(),
          count: clean.count)
      }
      if items.kind == .vector { try columns.take(clean) }
      let size = flat.size(along: 1) * 8
      let perRow = lengths.map { lengths in
        lengths.map { numbers.rank < 2 ? 8 : $0 * size / numbers.size(along: 1) }
      }
      try flat.withUnsafeBytes { bytes in
        for row in 0..<flat.size(along: 0) {
          let end = row * size + (perRow?[row] ?? size)
          marks.append(ItemMark(UnsafeRawBufferPointer(rebasing: bytes[row * size..<end])))
        }
      }
    }
    if bad > 0 {
      add(
        .problem, .notFinite, split.name, side,
        "\(split.name), \(names[side]): \(bad) items hold NaN, infinity or numbers beyond \(largest), the first is \(first)"
      )
    }
    try report(columns, split, side)
    return marks
  }

  private mutating func report(_ columns: ColumnStatistics, _ split: Split, _ side: Int) throws {
    let place = "\(split.name), \(names[side])"
    let constant = try columns.constant
    if let first = constant.first, split.count(side: side) > 1 {
      add(
        .note, .constantColumns, split.name, side,
        "\(place): \(constant.count) of \(columns.width) columns are constant, the first is column \(first)")
    }
    if let sum = columns.commonRowSum {
      add(
        .note, .dependentColumns, split.name, side,
        "\(place): every row sums to \((sum * 1e4).rounded() / 1e4 + 0.0), so the covariance is singular "
          + "(rank at most \(columns.width - 1))")
    }
  }
}

extension DataChecks.NumberRange {
  fileprivate mutating func take(_ value: Double) { take(least: value, most: value, sum: value, count: 1) }

  fileprivate mutating func take(least: Double, most: Double, sum: Double, count: Int) {
    self.least = min(self.least, least)
    self.most = max(self.most, most)
    self.sum += sum
    self.count += count
  }
}

/// What is the same in all rows of vectors.
private struct ColumnStatistics {
  private var least: Tensor?
  private var most: Tensor?
  private var sums: (least: Double, most: Double)?
  private var size = 0.0

  var width: Int { least?.count ?? 0 }

  mutating func take(_ rows: Tensor) throws {
    let (low, high) = try (rows.min(along: 0), rows.max(along: 0))
    least = try least.map { try $0.minimum(low) } ?? low
    most = try most.map { try $0.maximum(high) } ?? high
    let total = try rows.sum(along: 1)
    let (from, to) = try (total.min().item(as: Double.self), total.max().item(as: Double.self))
    sums = (min(sums?.least ?? from, from), max(sums?.most ?? to, to))
    size = max(size, try rows.magnitude().max().item())
  }

  /// Columns with one number in all rows.
  var constant: [Int] {
    get throws {
      guard let least, let most else { return [] }
      return try (most .== least).nonZero().values(as: Int.self)
    }
  }

  /// The sum of every row, where all have the same but for the rounding of float32.
  var commonRowSum: Double? {
    guard let sums, width > 1, size > 0, sums.most - sums.least <= 2e-6 * size * Double(width) else {
      return nil
    }
    return (sums.least + sums.most) / 2
  }
}

extension Items {
  /// The tensor behind the items, and the lengths of its rows where they differ.
  fileprivate var numbers: (Tensor?, [Int]?) {
    switch self {
    case .vectors(let rows), .images(let rows): (rows, nil)
    case .sets(let rows, let lengths), .sequences(let rows, let lengths), .tokens(let rows, let lengths):
      (rows, lengths)
    case .texts, .pictures: (nil, nil)
    }
  }
}

// MARK: - Splits and pairs

extension DataChecks {
  private mutating func checkDuplicates(_ split: Split, _ marks: [[ItemMark]]) {
    for (side, marks) in marks.enumerated() {
      let repeated = marks.count - Set(marks).count
      guard repeated > 0, marks.count > 1 else { continue }
      add(
        .note, .duplicates, split.name, side,
        "\(split.name), \(names[side]): \(repeated) of \(marks.count) items equal an earlier one")
    }
  }

  private mutating func checkClasses(_ split: Split) {
    guard let labels = split.labels(side: 0), let first = data.splitNames.first, first != split.name,
      let known = try? data.split(first).labels(side: 0)
    else { return }
    let unseen = Set(labels).subtracting(known).count
    if unseen > 0 {
      add(.note, .classes, split.name, 0, "\(split.name): \(unseen) classes do not occur in \(first)")
    }
  }

  /// Items and whole pairs of a later split that equal one of an earlier split.
  private mutating func checkLeakage() {
    for (at, later) in data.splitNames.enumerated() {
      for earlier in data.splitNames[..<at] {
        guard let a = marks[earlier], let b = marks[later] else { continue }
        for side in names.indices {
          // Distractors are in every split, and nothing is learned from them.
          let known = Set(paired(a[side], earlier, side))
          let shared = paired(b[side], later, side).count { known.contains($0) }
          guard shared > 0 else { continue }
          add(
            .note, .leakage, later, side,
            "\(later), \(names[side]): \(shared) of \(b[side].count) items also occur in \(earlier)")
        }
        checkPairs(earlier, later, a, b)
      }
    }
  }

  private func paired(_ marks: [ItemMark], _ name: String, _ side: Int) -> [ItemMark] {
    guard let others = try? data.split(name).distractors(side: side), !others.isEmpty else { return marks }
    return marks.indices.filter { !others.contains($0) }.map { marks[$0] }
  }

  private mutating func checkPairs(_ earlier: String, _ later: String, _ a: [[ItemMark]], _ b: [[ItemMark]]) {
    guard names.count > 1, let first = try? data.split(earlier), let second = try? data.split(later) else {
      return
    }
    func pairs(_ split: Split, _ marks: [[ItemMark]]) -> [[ItemMark]] {
      let rows = names.indices.map { split.pairedRows(side: $0) }
      return (0..<split.count).map { pair in names.indices.map { marks[$0][rows[$0][pair]] } }
    }
    let known = Set(pairs(first, a))
    let wanted = pairs(second, b)
    let shared = wanted.count { known.contains($0) }
    if shared > 0 {
      add(
        .problem, .leakage, later, nil,
        "\(later): \(shared) of \(wanted.count) pairs are equal to pairs of \(earlier) in every modality")
    }
  }

  /// Rows of the files that no pair or no split uses.
  private mutating func checkUnmatched() throws {
    for name in data.splitNames {
      guard let part = data.part(name), let pairs = part.table.pairs else { continue }
      // The same table as before.
      if name != data.splitNames.first, !part.ownsTable { continue }
      for (side, column) in part.table.columns.enumerated() where side < pairs.count {
        let missing = column.count - Set(pairs[side]).count
        guard missing > 0 else { continue }
        let said =
          side == 0
          ? ""
          : part.table.distractors[side].isEmpty
            ? " and left out (distractors: keep searches them too)" : "; they are searched too"
        add(
          .note, .unmatched, nil, side,
          "\(names[side]): \(missing) of \(column.count) rows of \(column.name) are in no pair" + said)
      }
    }
  }
}
