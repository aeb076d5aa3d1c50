/// How often the class of an item is found by a sentence about it, among all classes.
public struct ZeroShotResult: TaskResult {
  /// How many classes score higher than the true one, for each item.
  public let ranks: [Int]
  public let classes: Int
  public let templates: Int

  public init(ranks: [Int], classes: Int, templates: Int) {
    self.ranks = ranks
    self.classes = classes
    self.templates = templates
  }

  private static let places = [1, 5]

  public var measures: [Measure] {
    Self.places.map { Measure("top-\($0)", ZeroShot.accuracy(ranks, among: $0), .percent) }
  }

  public var `protocol`: String {
    "zero-shot, \(classes) classes, \(templates) sentence\(templates == 1 ? "" : "s") each"
  }

  public var counts: [(name: String, count: Int)] { [("items", ranks.count), ("classes", classes)] }

  public var priors: [Prior] {
    [
      Prior(
        "by chance",
        Self.places.map { Measure("top-\($0)", 100 * Double(min($0, classes)) / Double(classes), .percent) })
    ]
  }

  public var resampled: [any ResampledTest] {
    let means = Self.places.map { place in
      SummedTest.Mean("top-\(place)", ranks.map { $0 < place ? 1 : 0 }, scale: 100)
    }
    return (try? SummedTest(means: means)).map { [$0] } ?? []
  }
}
