import Torch

/// How often pixels of a class were given a class, picture by picture: what mean IoU and pixel accuracy are made of.
///
/// One count for the whole split: IoU of a class is what is right of it divided by what is of it or was called so, over
/// all pictures together; the mean runs over the classes that occur among the pixels or the answers. Pixels that the data
/// set says to ignore do not count.
public struct SegmentationCounts: Sendable, Equatable {
  /// Of each picture, by class: pixels that are right, are of the class, were called so.
  private(set) var right: [[Double]] = []
  private(set) var own: [[Double]] = []
  private(set) var called: [[Double]] = []

  public init() {}

  /// Adds a picture.
  ///
  /// - Parameters:
  ///   - scores: of each pixel, `[classes, h, w]`; the largest counts.
  ///   - mask: class of each pixel, `[h, w]`; those beyond the classes do not count.
  ///   - ignore: a number of the mask that does not count.
  public mutating func add(scores: Tensor, mask: Tensor, ignore: Int?) throws {
    try add(classes: scores.argmax(along: 0), of: scores.size(along: 0), mask: mask, ignore: ignore)
  }

  private mutating func add(classes given: Tensor, of count: Int, mask: Tensor, ignore: Int?) throws {
    let truth = try mask.to(.int64).flattened()
    var counted = try truth .< Double(count)
    if let ignore { counted = try counted.and(truth .!= Double(ignore)) }
    let (pixels, answers) = try (
      truth.elements(where: counted), given.flattened().elements(where: counted)
    )
    let table = try (pixels * Double(count) + answers.to(.float64)).to(.int64)
      .counts(length: count * count).values(as: Int.self).map(Double.init)
    func sum(_ places: (Int) -> Int) -> [Double] {
      (0..<count).map { table[places($0)] }
    }
    right.append(sum { $0 * count + $0 })
    own.append((0..<count).map { row in table[row * count..<(row + 1) * count].reduce(0, +) })
    called.append(
      (0..<count).map { column in
        stride(from: column, to: count * count, by: count).reduce(0) { $0 + table[$1] }
      })
  }

  /// Number of pictures.
  public var count: Int { right.count }

  /// Mean IoU and pixel accuracy of sums over pictures, in percent; NaN where there is no pixel.
  static func measures(right: [Double], own: [Double], called: [Double]) -> (mean: Double, accuracy: Double) {
    let parts = right.indices.filter { own[$0] + called[$0] > 0 }
      .map { right[$0] / (own[$0] + called[$0] - right[$0]) }
    let pixels = own.reduce(0, +)
    return (
      parts.isEmpty ? .nan : 100 * parts.reduce(0, +) / Double(parts.count),
      pixels > 0 ? 100 * right.reduce(0, +) / pixels : .nan
    )
  }

  /// IoU of each class over all pictures, from 0 to 1; nil for one that does not occur.
  public var classIoU: [Double?] {
    let sums = [right, own, called].map(Self.sum)
    return sums[0].indices.map { place in
      let whole = sums[1][place] + sums[2][place] - sums[0][place]
      return whole > 0 ? sums[0][place] / whole : nil
    }
  }

  private static func sum(_ pictures: [[Double]]) -> [Double] {
    pictures.dropFirst().reduce(pictures.first ?? []) { zip($0, $1).map(+) }
  }

  /// Mean IoU and pixel accuracy over all pictures.
  public var measures: (mean: Double, accuracy: Double) {
    Self.measures(right: Self.sum(right), own: Self.sum(own), called: Self.sum(called))
  }

  /// The same numbers as functions of how often each picture counts.
  func test(_ names: [String]) throws -> SummedTest {
    let classes = right.first?.count ?? 0
    let sums = [right, own, called].flatMap { table in
      (0..<classes).map { place in table.map { $0[place] } }
    }
    return try SummedTest(names, sums: sums, kinds: names.map { _ in .bounded(0...100) }) { sums in
      let found = Self.measures(
        right: Array(sums[..<classes]), own: Array(sums[classes..<2 * classes]),
        called: Array(sums[(2 * classes)...]))
      return [found.mean, found.accuracy]
    }
  }
}
