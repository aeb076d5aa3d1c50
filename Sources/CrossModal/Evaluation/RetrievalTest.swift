/// Both directions of a retrieval test, with common units: an item of the first modality and what is paired with it
/// are drawn together, within each fold.
struct RetrievalTest: ResampledTest {
  let names: [String]
  let units: [Int]
  let strata: [[Int]]
  private let forward: QueryTable
  private let backward: QueryTable
  private let metrics: RetrievalMetrics
  private let hasSum: Bool
  /// Where the tables have the weight of each of ``units``.
  private let order: [Int]

  /// - Parameter hasSum: whether the sum of recalls is among the numbers, where there is one.
  init(_ metrics: RetrievalMetrics, hasSum: Bool = true) {
    self.init(metrics, metrics.forward.queries, metrics.backward.queries, hasSum: hasSum)
  }

  private init(
    _ metrics: RetrievalMetrics, _ there: [QueryResult], _ back: [QueryResult], hasSum: Bool,
    order: [Int]? = nil
  ) {
    let units = Set((there + back).map(\.unit)).sorted()
    forward = QueryTable(there, units: units)
    backward = QueryTable(back, units: units)
    strata = QueryTable(there + back, units: units).strata
    self.units = units
    self.metrics = metrics
    self.hasSum = hasSum && metrics.rsum != nil
    self.order = order ?? Array(units.indices)
    names = metrics.values.map(\.name).filter { $0 != "rsum" || hasSum }
  }

  func values(weights: [Int]) -> [Double] {
    let weights = order.map { weights[$0] }
    let summaries = [forward.summary(weights: weights), backward.summary(weights: weights)]
    let numbers = zip(summaries, [metrics.forward.summary, metrics.backward.summary]).flatMap {
      zip($0.named, $1.named).filter { $0.1.value != nil }.map { $0.0.value ?? .nan }
    }
    return hasSum ? numbers + [summaries.flatMap { $0.recalls ?? [.nan] }.reduce(0, +)] : numbers
  }

  func joined(with other: RetrievalTest) -> RetrievalTest {
    // The other's units get negative numbers, so that in ascending order the last of them comes first.
    let order = (units.count..<2 * units.count).reversed() + units.indices
    let (own, others) = (metrics, other.metrics)
    return RetrievalTest(
      metrics, own.forward.queries + others.forward.queries.map(Self.shifted),
      own.backward.queries + others.backward.queries.map(Self.shifted), hasSum: hasSum, order: Array(order))
  }

  /// The same query of another model: its unit gets a number of its own.
  private static func shifted(_ query: QueryResult) -> QueryResult {
    var query = query
    query.unit = -1 - query.unit
    return query
  }
}
