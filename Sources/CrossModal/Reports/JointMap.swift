import Torch

/// The common space as a picture: vectors of some items of a split along their two directions of largest variance.
public struct JointMap {
  /// Items of a modality that are drawn.
  public static let mostItems = 400

  /// The map as a block of a report; nil for methods without one vector an item, and splits of fewer than 3 items.
  ///
  /// Two modalities are told apart by color, the items of one by class where there are classes; pointing at an item
  /// says what it is.
  public static func block(of run: Run, _ split: Split) throws -> ReportBlock? {
    guard let method = run.method as? any JointEmbedding else { return nil }
    let sides = Array(0..<min(2, run.modalities.count))
    let places = sides.map { spread(split.count(side: $0)) }
    let parts = try sides.map { side in
      let vectors = try run.encode(split.items(side: side, at: places[side]), side: side).values
      return try method.metric == .cosine ? vectors.normalized(along: 1) : vectors
    }
    guard parts.allSatisfy({ $0.rank == 2 }), places.joined().count > 2 else { return nil }
    let rows = try Tensor.concatenated(parts).to(.cpu).to(.float64)
    let axes = try PrincipalComponents(size: 2) { try $0(rows) }
    guard axes.size == 2 else { return nil }
    let points = try axes.projected(rows)
    let share = try points.variance(along: 0).sum().item() / rows.variance(along: 0).sum().item() as Double
    let x = try points.selected(0, along: 1).values(as: Double.self)
    let y = try points.selected(1, along: 1).values(as: Double.self)
    var groups: [ScatterPlot.Group] = []
    var first = 0
    for side in sides {
      let own = first..<first + places[side].count
      first = own.upperBound
      let names = try places[side].map { try split.card(side: side, row: $0).label }
      let labels = sides.count == 1 ? split.labels(side: side) : nil
      let classes = places[side].map { labels?[$0] }
      for (name, members) in grouped(classes, modality: run.modalities[side]) {
        groups.append(
          ScatterPlot.Group(
            name, x: members.map { x[own.lowerBound + $0] }, y: members.map { y[own.lowerBound + $0] },
            labels: members.map { names[$0] }))
      }
    }
    let plot = ScatterPlot(
      "The common space in two dimensions.", x: PlotAxis("first direction"), y: PlotAxis("second direction"),
      groups: groups)
    return .figure(
      plot,
      caption: "Vectors of \(places.map { "\($0.count)" }.joined(separator: " and ")) items of the split "
        + "`\(split.name)` along their two directions of largest variance, "
        + "which hold \(Int((100 * share).rounded())) % of it.")
  }

  /// At most ``mostItems`` of so many, evenly spaced.
  private static func spread(_ count: Int) -> [Int] {
    let shown = min(count, mostItems)
    return (0..<shown).map { $0 * count / shown }
  }

  /// Members of each class, the largest classes first, those without a color of their own together.
  private static func grouped(_ classes: [Int?], modality: String) -> [(name: String, members: [Int])] {
    let members = Dictionary(grouping: classes.indices, by: { classes[$0] ?? 0 })
    guard classes.contains(where: { $0 != nil }), members.count > 1 else {
      return [(modality, Array(classes.indices))]
    }
    let order = members.keys.sorted { (-(members[$0]?.count ?? 0), $0) < (-(members[$1]?.count ?? 0), $1) }
    let most = PlotStyle.seriesCount
    let named = order.count > most ? order.prefix(most - 1) : order[...]
    let rest = order.dropFirst(named.count).flatMap { members[$0] ?? [] }
    return named.sorted().map { ("class \($0)", members[$0] ?? []) }
      + (rest.isEmpty ? [] : [("\(order.count - named.count) other classes", rest)])
  }
}
