/// Both directions of a retrieval test, with common units: an item of the first modality and what is paired with it
/// are drawn together, within each fold.
struct RetrievalTest: ResampledTest {
  let names: [String]
  let kinds: [ResampledKind]
  let units: [Int]
  let strata: [[Int]]
  private let forward: QueryTable
  private let backward: QueryTable
  private let metrics: RetrievalMetrics
  private typealias Direction = (queries: [QueryResult], gallery: [GalleryItem])
  private let hasSum: Bool
  /// Where the tables have the weight of each of ``units``.
  private let order: [Int]

  /// - Parameter hasSum: whether the sum of recalls is among the numbers, where there is one.
  init(_ metrics: RetrievalMetrics, hasSum: Bool = true) {
    self.init(
      metrics, (metrics.forward.queries, metrics.forward.gallery),
      (metrics.backward.queries, metrics.backward.gallery), hasSum: hasSum)
  }

  private init(
    _ metrics: RetrievalMetrics, _ there: Direction, _ back: Direction, hasSum: Bool, order: [Int]? = nil
  ) {
    // What is neither a query with something to find nor matters to one is no item of the test.
    let matters = !there.gallery.isEmpty || !back.gallery.isEmpty
    let queries = (there.queries + back.queries).filter {
      matters || $0.rank != nil || $0.averagePrecision != nil
    }
    let units = Set(queries.map(\.unit)).sorted()
    forward = QueryTable(there.queries, there.gallery, units: units)
    backward = QueryTable(back.queries, back.gallery, units: units)
    strata = QueryTable(queries, units: units).strata
    self.units = units
    self.metrics = metrics
    self.hasSum = hasSum && metrics.rsum != nil
    self.order = order ?? Array(units.indices)
    names = metrics.values.map(\.name).filter { $0 != "rsum" || hasSum }
    let both = [metrics.forward, metrics.backward].flatMap { direction in
      let asked = direction.queries.filter { $0.rank != nil }
      let groups = Set(asked.map(\.unit)).count
      return direction.summary.measures.map { measure -> ResampledKind in
        switch measure.unit {
        case .percent: .share(items: asked.count, groups: groups, whole: 100)
        case .fraction: Self.mean(of: direction.queries.compactMap { $0.fraction(measure.name) })
        case .rank, .wholeRank, .number: .open
        }
      }
    }
    kinds = self.hasSum ? both + [.bounded(0...600)] : both
  }

  private static func mean(of fractions: [(value: Double, items: Int)]) -> ResampledKind {
    let items = fractions.reduce(0) { $0 + $1.items }
    return .mean(
      of: fractions.map(\.value), parts: Double(items) / Double(max(1, fractions.count)), within: 0...1)
  }

  func values(weights: [Double]) -> [Double] {
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
      metrics, Self.joined(own.forward, others.forward), Self.joined(own.backward, others.backward),
      hasSum: hasSum, order: Array(order))
  }

  /// The results of one model, and those of another under units of their own.
  private static func joined(_ own: DirectionMetrics, _ other: DirectionMetrics) -> Direction {
    let queries = other.queries.map { query in
      var query = query
      query.unit = -1 - query.unit
      return query
    }
    let gallery = other.gallery.map { item in
      var item = item
      item.unit = -1 - item.unit
      return item
    }
    return (own.queries + queries, own.gallery + gallery)
  }
}
