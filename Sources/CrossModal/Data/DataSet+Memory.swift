import Foundation
import Torch

extension DataSet {
  /// A modality of a data set in memory: its items, and what is known of them.
  public struct Modality: Sendable {
    public var name: String
    public var items: Items
    /// What numbers are multiplied with when they are read; nil for nothing.
    public var scale: Double?
    /// Rows a second of sequences.
    public var rate: Double?
    /// Class of each item, where the modality has classes of its own.
    public var labels: Labels?
    /// Which items are views of one object: equal numbers.
    public var group: [Int]?
    /// What a person sees of each item, a JSON object of `id`, `title`, `caption` and attributes to filter by.
    public var cards: [JSON]?
    /// Pictures behind features.
    public var pictures: [Picture]?
    /// Boxes behind features, `[n, l, 4]` (left, top, right, bottom).
    public var boxes: Tensor?
    /// Class of each pixel, a picture of one channel an item.
    public var masks: [Picture]?
    /// The class of pixels that do not count.
    public var ignoredClass: Int?

    public init(_ name: String, _ items: Items) {
      self.name = name
      self.items = items
    }
  }

  /// Classes of items, as the user has them.
  public enum Labels: Sendable, Equatable {
    case numbers([Int])
    case names([String])

    /// Number of items.
    public var count: Int {
      switch self {
      case .numbers(let values): values.count
      case .names(let values): values.count
      }
    }

    /// The class as text.
    func name(at row: Int) -> String {
      switch self {
      case .numbers(let values): String(values[row])
      case .names(let values): values[row]
      }
    }
  }

  /// A data set of arrays, texts and pictures in memory.
  ///
  /// Everything is checked as files are: counts, shapes, and, when a split is taken, numbers.
  /// ```swift
  /// let data = try DataSet(
  ///   name: "mine", [.init("image", .vectors(features)), .init("text", .texts(captions))], captionsPerItem: 5,
  ///   splits: ["train": 0..<800, "test": [800, 802, 805]])
  /// ```
  /// - Parameters:
  ///   - name: of the data set, for messages and records.
  ///   - modalities: one or more, in order.
  ///   - pairs: row of the first and of the second modality (or of every modality) in each pair; nil when row i goes
  ///     with row i.
  ///   - labels: class of each item of the first modality; others have theirs in ``Modality/labels``.
  ///   - captionsPerItem: how many rows of the second modality belong to each row of the first, in order.
  ///   - keepsDistractors: whether rows of the second modality and later ones that are in no pair are searched too, in
  ///     every split.
  ///   - answers: accepted answers of each pair.
  ///   - moments: first and last second of each pair's moment.
  ///   - splits: rows of the first modality, a range or a list, by the name of the split; without any, all rows are
  ///     `train`.
  ///   - checksNumbers: whether taking a split walks its numbers and refuses NaN, infinity and what is too large.
  /// - Throws: ``DataError``, one sentence that names the modality and the place.
  public init(
    name: String, _ modalities: [Modality], pairs: [[Int]]? = nil, labels: Labels? = nil,
    captionsPerItem: Int? = nil, keepsDistractors: Bool = false, answers: [[String]]? = nil,
    moments: [ClosedRange<Double>]? = nil,
    splits: KeyValuePairs<String, any Sequence<Int>> = [:], checksNumbers: Bool = true
  ) throws {
    func check(_ isRight: Bool, _ key: String, _ reason: String) throws(DataError) {
      guard isRight else { throw .badKey(file: name, key: key, reason: reason) }
    }
    let names = modalities.map(\.name)
    try check(!modalities.isEmpty, "modalities", "is empty: it names the kinds of items")
    for name in names where names.count(where: { $0 == name }) > 1 {
      try check(false, "modalities", "names '\(name)' twice")
    }
    try check(captionsPerItem ?? 1 > 0, "captionsPerItem", "must be a whole number above 0")
    try check(captionsPerItem == nil || modalities.count > 1, "captionsPerItem", "needs a second modality")
    try check(
      captionsPerItem == nil || pairs == nil, "captionsPerItem", "and 'pairs' say the same: give one")
    try check(
      labels == nil || modalities[0].labels == nil, "labels",
      "and those of '\(names[0])' say the same: give one")
    let columns = try modalities.map { try Column($0, of: name) }
    let table = try Table(
      columns,
      Table.Facts(
        pairs: try pairs.map { try DataSet.sides(of: $0, modalities.count, name: "pairs of \(name)") },
        labels: modalities.enumerated().map { side, modality in
          (side == 0 ? labels ?? modality.labels : modality.labels)
            .map { .init($0, name: "labels of \(modality.name) of \(name)") }
        },
        answers: answers.map { .init($0, name: "answers of \(name)") },
        moments: moments.map { .init($0, name: "moments of \(name)") }), captionsPerItem: captionsPerItem,
      keepsDistractors: keepsDistractors)
    let whole: KeyValuePairs<String, any Sequence<Int>> = ["train": 0..<columns[0].count]
    var parts: [(name: String, part: Part)] = []
    for (split, rows) in splits.isEmpty ? whole : splits {
      try check(!parts.contains { $0.name == split }, "splits", "names '\(split)' twice")
      let places = Array(rows)
      let count = columns[0].count
      if let at = places.firstIndex(where: { $0 < 0 || $0 >= count }) {
        throw DataError.rowOutOfRange(
          file: name, place: "'splits.\(split)'", row: places[at], count: count)
      }
      try DataSet.checkDistinct(places, of: count, split: split, in: name)
      parts.append((split, Part(table: table, rows: Rows(places))))
    }
    try self.init(
      name: name, origin: .memory(name: name), modalities: columns.map(\.file), parts: parts,
      checksNumbers: checksNumbers, limits: .standard)
  }
}

extension DataSet {
  /// Row of each modality in each pair, `[modality][pair]`, of a list of pairs.
  private static func sides(
    of pairs: [[Int]], _ modalities: Int, name: String
  ) throws(DataError) -> Table.Named<[[Int]]> {
    let width = pairs.first?.count ?? 0
    guard width == 2 || width == modalities, modalities > 1 else {
      throw .wrongShape(
        file: name, shape: [pairs.count, width],
        expected: "[p, 2]: row of the first and row of the second modality")
    }
    if let row = pairs.firstIndex(where: { $0.count != width }) {
      throw .malformed(
        file: name, place: "row \(row)", reason: "has \(pairs[row].count) numbers, but row 0 has \(width)")
    }
    return .init((0..<width).map { side in pairs.map { $0[side] } }, name: name)
  }
}

extension Column {
  /// Items that are in memory, checked as those of a file are.
  init(_ modality: DataSet.Modality, of set: String) throws {
    let name = "\(modality.name) of \(set)"
    var file = ModalityFile(name: modality.name, kind: modality.items.kind)
    (file.scale, file.rate) = (modality.scale, modality.rate)
    try Column.checkKeys(
      of: file, hasMasks: modality.masks != nil, at: modality.name, in: set)
    try file.checkPositive(at: modality.name, in: set)
    let storage: Storage =
      switch modality.items {
      case .texts(let texts): .texts(TextList(name: name, texts: texts))
      case .pictures(let pictures): .pictures(PictureList(pictures, name: name))
      case .vectors(let rows), .images(let rows): .array(try Column.array(rows, name))
      case .sets(let rows, let lengths), .sequences(let rows, let lengths), .tokens(let rows, let lengths):
        .padded(try Column.array(rows, name), lengths: lengths)
      }
    switch storage {
    case .array(let source): try Column.checkShape(of: source, kind: file.kind)
    case .padded(let source, let lengths):
      try Column.checkShape(of: source, kind: file.kind)
      try Column.checkLengths(lengths, named: "lengths of \(name)", of: source)
    default: break
    }
    try Column.checkNotEmpty(storage, named: name)
    try self.init(
      file, storage, named: name,
      Companions(
        group: modality.group.map { ($0, "group of \(name)") },
        cards: modality.cards.map { cards in
          TextList(name: "cards of \(name)", texts: cards.map { $0.text() })
        },
        pictures: modality.pictures.map { PictureList($0, name: "pictures of \(name)") },
        masks: modality.masks.map { PictureList($0, name: "masks of \(name)") },
        ignoredClass: modality.ignoredClass,
        boxes: try modality.boxes.map { try Column.array($0, "boxes of \(name)") }))
  }

  private static func array(_ tensor: Tensor, _ name: String) throws -> any ArraySource {
    TensorArray(try tensor.detached().to(.cpu).contiguous(), name: name)
  }
}

/// Texts in memory.
struct TextList: TextSource {
  let name: String
  let texts: [String]

  var count: Int { texts.count }
  func text(at row: Int) -> String { texts[row] }
}
