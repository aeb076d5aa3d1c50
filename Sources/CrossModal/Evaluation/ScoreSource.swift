import Torch

/// Where scores of every item of one modality against every item of another come from, a block at a time.
public struct ScoreSource {
  /// Number of items of the first modality.
  public let first: Int
  /// Number of items of the second modality.
  public let second: Int
  private let block: (Range<Int>, Range<Int>) throws -> Tensor
  /// What the scores are of, where they are a metric's of single vectors.
  let vectors: JointVectors?

  /// - Parameter block: scores `[rows, columns]` of rows of the first modality against rows of the second.
  public init(first: Int, second: Int, block: @escaping (Range<Int>, Range<Int>) throws -> Tensor) {
    self.init(first: first, second: second, vectors: nil, block: block)
  }

  private init(
    first: Int, second: Int, vectors: JointVectors?,
    block: @escaping (Range<Int>, Range<Int>) throws -> Tensor
  ) {
    self.first = first
    self.second = second
    self.block = block
    self.vectors = vectors
  }

  /// - Parameter rows: scores `[rows, second]` of rows of the first modality against all of the second.
  public init(first: Int, second: Int, rows: @escaping (Range<Int>) throws -> Tensor) {
    self.init(first: first, second: second) { range, columns in
      let scores = try rows(range)
      return columns == 0..<second ? scores : try scores.narrowed(to: columns, along: 1)
    }
  }

  /// Scores that are there already, `[first, second]`.
  public init(_ scores: Tensor) {
    self.init(first: scores.size(along: 0), second: scores.size(along: 1)) { try scores[$0] }
  }

  /// A method's similarity of features of both modalities; scores of float32 vectors that are too close to tell
  /// apart are compared in float64.
  public init(_ method: some Alignment, _ x: Features, _ y: Features) throws {
    let vectors = (method as? any JointEmbedding).map { JointVectors($0.metric, x.values, y.values) }
    self.init(first: x.count, second: y.count, vectors: vectors) { rows, columns in
      try method.similarity(x.items(rows), columns == 0..<y.count ? y : y.items(columns))
    }
  }

  /// Scores of several models of the same items, combined.
  ///
  /// - Throws: ``EvaluationError`` when they are of different numbers of items, or none.
  public init(_ sources: [ScoreSource], combined combination: ScoreCombination) throws {
    guard let first = sources.first else { throw EvaluationError.noQueries }
    for other in sources where (other.first, other.second) != (first.first, first.second) {
      throw EvaluationError.badBlock(
        shape: [other.first, other.second], expected: [first.first, first.second])
    }
    self.init(first: first.first, second: first.second) { rows, columns in
      let parts = try sources.map { try $0.scores(rows: rows, columns: columns) }
      let sum = try parts.dropFirst().reduce(parts[0]) { try $0 + $1.to($0.dtype) }
      return combination == .mean ? try sum / Double(parts.count) : sum
    }
  }

  /// Scores of a block as float32 or float64 in main memory, without a graph.
  ///
  /// - Throws: ``EvaluationError`` when the block has another shape; whatever the source throws.
  public func scores(rows: Range<Int>, columns: Range<Int>) throws -> Tensor {
    let scores = try withoutGradient { try block(rows, columns) }
    guard scores.shape == [rows.count, columns.count] else {
      throw EvaluationError.badBlock(shape: scores.shape, expected: [rows.count, columns.count])
    }
    let wanted: DataType = scores.dtype == .float64 ? .float64 : .float32
    return try scores.to(.cpu).to(wanted).contiguous()
  }
}

/// How the scores of several models become one.
public enum ScoreCombination: String, Sendable, CaseIterable {
  /// Their mean: the ensembles of published tables.
  case mean
  /// Their sum.
  case sum

  /// - Throws: ``EvaluationError`` with the known names.
  public init(named name: String) throws {
    guard let found = ScoreCombination(rawValue: name) else {
      throw EvaluationError.unknownName(
        "combination", name, known: ScoreCombination.allCases.map(\.rawValue))
    }
    self = found
  }
}
