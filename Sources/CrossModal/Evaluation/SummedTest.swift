/// Numbers that follow from sums over items: means, and measures of a whole corpus such as BLEU.
public struct SummedTest: ResampledTest {
  /// A number an item, and how much each item counts in its mean.
  public struct Mean: Sendable {
    let name: String
    let values: [Double]
    let shares: [Double]?
    let scale: Double
    let range: ClosedRange<Double>?

    /// - Parameters:
    ///   - values: one an item.
    ///   - shares: 0 for items that do not count; nil counts each once.
    ///   - scale: 100 for percent.
    ///   - range: between which ends values lie; nil for any.
    public init(
      _ name: String, _ values: [Double], shares: [Double]? = nil, scale: Double = 1,
      range: ClosedRange<Double>? = 0...1
    ) {
      self.name = name
      self.values = values
      self.shares = shares
      self.scale = scale
      self.range = range
    }

    /// Values that are all 0 or 1 are hits and misses.
    ///
    /// - Parameter groups: the group of each item; nil where each is its own.
    func kind(groups: [Int]?) -> ResampledKind {
      let counted = zip(values.indices, shares ?? values.map { _ in 1 }).filter { $0.1 > 0 }.map(\.0)
      if counted.allSatisfy({ values[$0] == 0 || values[$0] == 1 }) {
        let units = groups.map { groups in Set(counted.map { groups[$0] }).count }
        return .share(items: counted.count, groups: units ?? counted.count, whole: scale)
      }
      return range.map { .bounded(scale * $0.lowerBound...scale * $0.upperBound) } ?? .open
    }
  }

  public let names: [String]
  public let kinds: [ResampledKind]
  public let units: [Int]
  public var strata: [[Int]] { [Array(units.indices)] }
  /// Sums over the items of each unit, `[sum][unit]`.
  private let sums: [[Double]]
  private let numbers: @Sendable ([Double]) -> [Double]

  /// - Parameters:
  ///   - sums: what is added up over items, `[sum][item]`.
  ///   - groups: items with the same number are drawn together; nil draws each on its own.
  ///   - kinds: what each number is.
  ///   - numbers: the numbers, in the order of `names`, from the sums over all items.
  /// - Throws: ``EvaluationError`` when there are no items, or counts disagree.
  public init(
    _ names: [String], sums: [[Double]], groups: [Int]? = nil, kinds: [ResampledKind],
    numbers: @escaping @Sendable ([Double]) -> [Double]
  ) throws {
    guard let items = sums.first?.count, items > 0 else { throw EvaluationError.noQueries }
    for other in sums where other.count != items {
      throw EvaluationError.counts("numbers of one model", items, "of the other", other.count)
    }
    if let groups, groups.count != items {
      throw EvaluationError.counts("numbers", items, "group numbers", groups.count)
    }
    self.names = names
    self.kinds = kinds
    self.numbers = numbers
    guard let groups else {
      (units, self.sums) = (Array(0..<items), sums)
      return
    }
    var places: [Int: Int] = [:]
    for group in groups where places[group] == nil { places[group] = places.count }
    units = Array(0..<places.count)
    self.sums = sums.map { values in
      var joined = [Double](repeating: 0, count: places.count)
      for (value, group) in zip(values, groups) { joined[places[group] ?? 0] += value }
      return joined
    }
  }

  /// Means of numbers of the same items.
  public init(means: [Mean], groups: [Int]? = nil) throws {
    let scales = means.map(\.scale)
    if let groups, let other = means.first(where: { $0.values.count != groups.count }) {
      throw EvaluationError.counts("numbers", other.values.count, "group numbers", groups.count)
    }
    try self.init(
      means.map(\.name),
      sums: means.flatMap { [$0.values, $0.shares ?? $0.values.map { _ in 1 }] }, groups: groups,
      kinds: means.map { $0.kind(groups: groups) }
    ) { sums in
      scales.indices.map { scales[$0] * sums[2 * $0] / sums[2 * $0 + 1] }
    }
  }

  private init(
    _ names: [String], kinds: [ResampledKind], units: [Int], sums: [[Double]],
    numbers: @escaping @Sendable ([Double]) -> [Double]
  ) {
    self.names = names
    self.kinds = kinds
    self.units = units
    self.sums = sums
    self.numbers = numbers
  }

  public func values(weights: [Double]) -> [Double] {
    numbers(
      sums.map { sums in
        var total = 0.0
        for (unit, weight) in weights.enumerated() { total += sums[unit] * weight }
        return total
      })
  }

  public func joined(with other: SummedTest) -> SummedTest {
    SummedTest(
      names, kinds: kinds, units: units + other.units.map { -1 - $0 },
      sums: zip(sums, other.sums).map { $0 + $1 },
      numbers: numbers)
  }
}
