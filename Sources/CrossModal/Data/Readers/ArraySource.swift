import Torch

/// An array in a file. Its rows are read when they are asked for.
public protocol ArraySource: Sendable {
  /// The file, and the variable in it, as messages name it.
  var name: String { get }
  /// Type of the numbers.
  var dtype: DataType { get }
  /// Sizes; the first is the number of rows.
  var shape: [Int] { get }
  /// Rows next to each other, `[n, …]`; without a copy where the file is mapped.
  func rows(in range: Range<Int>) throws -> Tensor
  /// Rows in any order, `[n, …]`; a row may occur more than once.
  func rows(at places: [Int]) throws -> Tensor
  /// What a person should know of how the file was read, one sentence each.
  var notes: [String] { get }
  /// What each number of a row is; nil where the file does not say.
  var columnNames: [String]? { get }
}

extension ArraySource {
  public var notes: [String] { [] }
  public var columnNames: [String]? { nil }

  /// Number of rows; 0 for a single number.
  public var count: Int { shape.first ?? 0 }

  /// Every row.
  public func all() throws -> Tensor { try rows(in: 0..<count) }

  /// Bytes of a row.
  var rowBytes: Int { shape.dropFirst().reduce(dtype.size, *) }

  /// Checks that all numbers of the rows are finite and can be computed with, a few megabytes at a time.
  ///
  /// - Parameter largest: what none may be beyond, in size and as they are.
  /// - Returns: the largest, in size; 0 for whole numbers, which need no check.
  /// - Throws: ``DataError/notFinite(file:row:column:value:)`` for the first that is not.
  @discardableResult
  func checkNumbers(_ rows: Range<Int>, largest: Double) throws -> Double {
    guard dtype.isFloatingPoint else { return 0 }
    var size = 0.0
    let step = max(1, (16 << 20) / max(rowBytes, 1))
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
      let block = try self.rows(in: start..<min(start + step, rows.upperBound))
      let wide = block.dtype == .float16 || block.dtype == .bfloat16 ? try block.to(.float32) : block
      guard wide.count > 0 else { continue }
      // Both are NaN where a number is, and cost far less than a mask.
      let (least, most): (Double, Double) = try (wide.min().item(), wide.max().item())
      if least >= -largest, most <= largest {
        size = max(size, -least, most)
        continue
      }
      let good = try (wide .>= -largest).and(wide .<= largest)
      let place = try good.not().nonZero()[0].values(as: Int.self)
      let value = try place.reduce(wide) { try $0[$1] }.item(as: Double.self)
      throw DataError.notFinite(
        file: name, row: start + place[0],
        column: place.dropFirst().map(String.init).joined(separator: ","), value: value)
    }
    return size
  }

  /// The size that numbers of the rows have as a rule where that is beyond a limit: the median of those that are not 0, of
  /// up to 256 rows spread over all. Nil where it is not.
  func usualSize(_ rows: [Range<Int>], beyond limit: Double) throws -> Double? {
    let all = rows.reduce(0) { $0 + $1.count }
    guard dtype.isFloatingPoint, all > 0 else { return nil }
    var places: [Int] = []
    let step = (all + 255) / 256
    var skipped = 0
    for range in rows {
      places += stride(from: range.lowerBound + skipped, to: range.upperBound, by: step)
      skipped = (skipped + step - range.count % step) % step
    }
    let sizes = try self.rows(at: places).to(.float64).magnitude().values(as: Double.self)
    let counted = sizes.filter { $0 > 0 && $0.isFinite }
    // Ordinary numbers need no order.
    guard 2 * counted.count(where: { $0 > limit }) > counted.count else { return nil }
    return counted.sorted()[counted.count / 2]
  }
}

/// An array that is mapped or in memory.
public struct TensorArray: ArraySource {
  public let name: String
  public let tensor: Tensor
  public let notes: [String]
  public let columnNames: [String]?

  public init(_ tensor: Tensor, name: String, notes: [String] = [], columnNames: [String]? = nil) {
    self.tensor = tensor
    self.name = name
    self.notes = notes
    self.columnNames = columnNames
  }

  public var dtype: DataType { tensor.dtype }
  public var shape: [Int] { tensor.shape }
  public func rows(in range: Range<Int>) throws -> Tensor { try tensor[range] }
  public func rows(at places: [Int]) throws -> Tensor { try tensor.rows(at: places) }
}

/// Arrays whose rows follow one another.
struct ConcatenatedArray: ArraySource {
  let parts: [any ArraySource]
  let shape: [Int]
  /// First row of each part, and the number of all rows.
  private let starts: [Int]

  /// - Throws: ``DataError`` when rows of the parts have different shapes or types.
  init(_ parts: [any ArraySource]) throws(DataError) {
    self.parts = parts
    let first = parts[0]
    for part in parts.dropFirst() {
      guard part.shape.dropFirst() == first.shape.dropFirst(), part.dtype == first.dtype else {
        throw .wrongShape(
          file: part.name, shape: part.shape,
          expected: "rows of \(Array(first.shape.dropFirst())) \(first.dtype) as in \(first.name)")
      }
    }
    starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    shape = [starts[parts.count]] + first.shape.dropFirst()
  }

  var name: String { parts.map(\.name).joined(separator: " + ") }
  var dtype: DataType { parts[0].dtype }
  var notes: [String] { parts.flatMap(\.notes) }
  var columnNames: [String]? { parts.first?.columnNames }

  func rows(in range: Range<Int>) throws -> Tensor {
    var pieces: [Tensor] = []
    for (part, start) in zip(parts, starts) {
      let inside = range.clamped(to: start..<start + part.count)
      if !inside.isEmpty {
        pieces.append(try part.rows(in: inside.lowerBound - start..<inside.upperBound - start))
      }
    }
    guard let first = pieces.first else { return try parts[0].rows(in: 0..<0) }
    return pieces.count == 1 ? first : try Tensor.concatenated(pieces)
  }

  func rows(at places: [Int]) throws -> Tensor {
    var pieces: [Tensor] = []
    var order: [Int] = []
    for (part, start) in zip(parts, starts) {
      let own = places.indices.filter { places[$0] >= start && places[$0] < start + part.count }
      guard !own.isEmpty else { continue }
      pieces.append(try part.rows(at: own.map { places[$0] - start }))
      order += own
    }
    guard pieces.count > 1 else { return try pieces.first ?? parts[0].rows(in: 0..<0) }
    var back = [Int](repeating: 0, count: order.count)
    for (at, place) in order.enumerated() { back[place] = at }
    return try Tensor.concatenated(pieces).rows(at: back)
  }
}
