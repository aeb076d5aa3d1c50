import Torch

/// Aligned rows: row i of every modality belongs to the same pair.
public struct Batch: Sendable {
  /// Names of the modalities, in the data set's order.
  public let modalities: [String]
  /// Rows of each modality, in the same order; all have ``count`` rows.
  public internal(set) var items: [Items]
  /// Which row of its modality each row is, in the same order: two pairs with the same number share an item.
  public let rows: [[Int]]
  /// Class of each pair, when the data set has labels.
  public let labels: [Int]?
  /// Accepted answers of each pair, when the data set has answers.
  public let answers: [[String]]?
  /// First and last second of each pair's moment, when the data set has moments.
  public let moments: [ClosedRange<Double>]?
  /// What alone counts as similar or dissimilar, where the data say so of pairs of rows.
  public var givenPairs: GivenPairs?
  /// How many pairs in a row are of one thing (views of an object, pairs of a class, an item with its partners), where
  /// the sampler put them so; nil where neighbors mean nothing.
  public var group: Int?
  /// Numbers of each pair that the method is to learn to give, by the name of the target.
  public var targets: [String: [[Int]]] = [:]

  public init(
    modalities: [String], items: [Items], rows: [[Int]], labels: [Int]? = nil, answers: [[String]]? = nil,
    moments: [ClosedRange<Double>]? = nil
  ) {
    self.modalities = modalities
    self.items = items
    self.rows = rows
    self.labels = labels
    self.answers = answers
    self.moments = moments
  }

  /// Number of pairs.
  public var count: Int { items.first?.count ?? 0 }
}

/// Pairs to learn from. May be walked more than once.
public protocol TrainingSet {
  /// What the data are.
  var description: DataDescription { get }
  /// What messages call these pairs.
  var place: String { get }
  /// Number of pairs.
  var count: Int { get }
  /// Class of each pair, when there are labels; without reading any items.
  var labels: [Int]? { get }
  /// Class of each item of a modality, which may have classes of its own; nil without labels.
  func labels(side: Int) -> [Int]?
  /// Row of each modality in each pair (`[modality][pair]`), without reading any items; nil when row i goes with
  /// row i everywhere.
  var itemsOfPairs: [[Int]]? { get }
  /// Which items of a modality are views of one object: equal numbers; nil when the data do not say.
  func group(side: Int) -> [Int]?
  /// Number of items of a modality, those without a pair included.
  func count(side: Int) -> Int
  /// Items of a modality, next to each other.
  func items(side: Int, rows: Range<Int>) throws -> Items
  /// The texts of a modality as people wrote them, before any featurizer; nil where its items are no texts.
  func texts(side: Int) throws -> [String]?
  /// What the data say of each item of a modality under a name, beside the item itself; empty for one of which they do
  /// not, nil where they do of none.
  func attributes(_ name: String, side: Int) throws -> [String]?
  /// Accepted answers of each pair; nil when the data have none.
  var answers: [[String]]? { get }
  /// First and last second of each pair's moment; nil when the data have none.
  var moments: [ClosedRange<Double>]? { get }
  /// Pairs of rows that alone count as similar or dissimilar; nil where what is paired belongs together. They are in
  /// every batch.
  var givenPairs: GivenPairs? { get }
  /// Numbers of each pair that a method is to learn to give, without reading any items: none for a pair whose answers
  /// are all outside of the list, so that a sampler can leave it out. Nil when there is no target of that name.
  func targets(_ name: String) -> [[Int]]?
  /// Rows a second of a sequence; nil when the data do not say.
  func rate(side: Int) -> Double?
  /// How many vectors or words each item of a modality has, for batches of one length; nil where items are not made
  /// of such.
  func lengths(side: Int) -> [Int]?
  /// Whether pictures of a modality have a class for each pixel.
  func hasMasks(side: Int) -> Bool
  /// Class of each pixel of an item, uint8 `[h, w]`, and the number that does not count; nil without masks.
  func mask(side: Int, row: Int) throws -> (classes: Tensor, ignore: Int?)?
  /// The pairs at the given places, in that order.
  func batch(at places: [Int]) throws -> Batch
}

extension TrainingSet {
  public var place: String { description.name }
  public var answers: [[String]]? { nil }
  public var moments: [ClosedRange<Double>]? { nil }
  public func attributes(_ name: String, side: Int) throws -> [String]? { nil }
  public func targets(_ name: String) -> [[Int]]? { nil }

  public func texts(side: Int) throws -> [String]? {
    guard description.modalities[side].kind == .text,
      case .texts(let texts) = try items(side: side, rows: 0..<count(side: side))
    else { return nil }
    return texts
  }

  public var itemsOfPairs: [[Int]]? { nil }
  public func group(side: Int) -> [Int]? { nil }
  public var givenPairs: GivenPairs? { nil }
  public func rate(side: Int) -> Double? { nil }
  public func lengths(side: Int) -> [Int]? { nil }
  public func hasMasks(side: Int) -> Bool { false }
  public func mask(side: Int, row: Int) throws -> (classes: Tensor, ignore: Int?)? { nil }

  /// As many as pairs name.
  public func count(side: Int) -> Int { itemsOfPairs.map { ($0[side].max() ?? -1) + 1 } ?? count }

  /// Those of the items' first pairs.
  ///
  /// - Throws: ``DataError`` for an item that no pair names; what reading throws.
  public func items(side: Int, rows: Range<Int>) throws -> Items {
    guard let named = itemsOfPairs?[side] else { return try batch(at: Array(rows)).items[side] }
    var first = [Int?](repeating: nil, count: rows.count)
    for (pair, item) in named.enumerated() where rows.contains(item) && first[item - rows.lowerBound] == nil {
      first[item - rows.lowerBound] = pair
    }
    if let missing = first.firstIndex(where: { $0 == nil }) {
      throw DataError.malformed(
        file: description.name, place: description.modalities[side].name,
        reason: "has no pair with row \(rows.lowerBound + missing)")
    }
    return try batch(at: first.compactMap { $0 }).items[side]
  }

  /// That of the item's first pair.
  public func labels(side: Int) -> [Int]? {
    guard let labels, let items = itemsOfPairs?[side] else { return labels }
    var own = [Int](repeating: -1, count: (items.max() ?? -1) + 1)
    for (item, label) in zip(items, labels).reversed() { own[item] = label }
    return own
  }
}

extension TrainingSet {
  /// The first pair of each item of a modality; nil when every pair has an item of its own.
  func firstPairs(side: Int) -> [Int]? {
    itemsOfPairs.map { items in
      var seen: Set<Int> = []
      return items[side].indices.filter { seen.insert(items[side][$0]).inserted }
    }
  }

  /// Every pair at once.
  public func all() throws -> Batch { try batch(at: Array(0..<count)) }

  /// Walks all pairs in order, `rows` at a time.
  public func forEachChunk(rows: Int, _ body: (Batch) throws -> Void) throws {
    for start in stride(from: 0, to: count, by: rows) {
      try body(batch(at: Array(start..<Swift.min(start + rows, count))))
    }
  }

  /// `size` different pairs (all when there are fewer), chosen by `seed`, in ascending order.
  public func sample(_ size: Int, seed: UInt64) throws -> Batch {
    guard size < count else { return try all() }
    let order = try Tensor.permutation(count, using: Generator(seed: seed)).values(as: Int.self)
    return try batch(at: order.prefix(size).sorted())
  }
}

/// What a method needs to know of the data before it sees a row.
public struct DataDescription: Sendable, Codable, Equatable {
  /// Name of the data set.
  public var name: String
  /// The modalities in order.
  public var modalities: [Modality]
  /// Number of classes, when there are labels.
  public var classes: Int?
  /// What a method learns to give, for those that it names.
  public var targets: [Target]

  /// Numbers that a method learns to give: of answers, or of words.
  public struct Target: Sendable, Codable, Equatable {
    public var name: String
    /// What each number stands for, in the order of the numbers.
    public var texts: [String]
    /// Numbers that stand for no word, where words follow one another.
    public var marks: Marks?
    /// Whether the texts are in the one form of ``AnswerNormalizer``.
    public var isNormalized: Bool

    public init(name: String, texts: [String], marks: Marks? = nil, isNormalized: Bool = false) {
      self.name = name
      self.texts = texts
      self.marks = marks
      self.isNormalized = isNormalized
    }

    /// An answer as ``texts`` have it, so that it can be compared with them. One of which nothing would be left, as of
    /// `a`, stays.
    public func form(of answer: String) -> String {
      AnswerNormalizer.form(of: answer, normalizes: isNormalized)
    }

    /// How many numbers there are: each is below it.
    public var count: Int { texts.count }

    /// The text that numbers stand for: words up to the mark of the end with blanks between them, or answers with
    /// commas between them. Other marks, and numbers that stand for nothing, are passed over.
    public func text(of numbers: [Int]) -> String {
      let own = numbers.prefix { $0 != marks?.end }
        .filter { texts.indices.contains($0) && $0 != marks?.padding && $0 != marks?.start }
      return own.map { texts[$0] }.joined(separator: marks == nil ? ", " : " ")
    }
  }

  /// The numbers of what is no word.
  public struct Marks: Sendable, Codable, Equatable {
    /// Behind the last word of a shorter text.
    public var padding: Int
    /// In front of the first word.
    public var start: Int
    /// Behind the last word.
    public var end: Int
    /// For every word that is not known.
    public var unknown: Int

    public init(padding: Int, start: Int, end: Int, unknown: Int) {
      self.padding = padding
      self.start = start
      self.end = end
      self.unknown = unknown
    }
  }

  /// One modality: its name, the kind of its rows, and the sizes that every row shares.
  public struct Modality: Sendable, Codable, Equatable {
    public var name: String
    public var kind: ModalityKind
    /// Width of the vectors of kinds vector, set and sequence.
    public var size: Int?
    /// Sizes that every row shares, where the rows are in an array: the width of vectors, or height, width and
    /// channels of pictures.
    public var shape: [Int]?
    /// How many word numbers there are, for kind tokens: each is below it.
    public var vocabulary: Int?
    /// The most words of a text that there are, or that a featurizer lets through; nil where nobody knows.
    public var longest: Int?
    /// What the stored numbers are multiplied with; nil for nothing.
    public var scale: Double?
    /// Rows a second of sequences; nil where the data do not say.
    public var rate: Double?

    public init(
      name: String, kind: ModalityKind, size: Int? = nil, shape: [Int]? = nil, vocabulary: Int? = nil,
      longest: Int? = nil, scale: Double? = nil, rate: Double? = nil
    ) {
      self.name = name
      self.kind = kind
      self.size = size
      self.shape = shape
      self.vocabulary = vocabulary
      self.longest = longest
      self.scale = scale
      self.rate = rate
    }
  }

  public init(name: String, modalities: [Modality], classes: Int? = nil, targets: [Target] = []) {
    self.name = name
    self.modalities = modalities
    self.classes = classes
    self.targets = targets
  }

  /// The target of a name; nil when the method names no such.
  public func target(_ name: String) -> Target? { targets.first { $0.name == name } }
}
