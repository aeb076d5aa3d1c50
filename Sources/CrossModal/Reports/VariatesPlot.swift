import Torch

/// The first canonical variates of pairs, one against the other: what the first correlation looks like.
enum VariatesPlot {
  /// Pairs that are drawn at most.
  private static let mostPairs = 1000

  /// The plot as a block of a report; nil for methods without canonical pairs, and splits of fewer than 3 pairs.
  static func block(of result: RetrievalResult, _ split: Split) throws -> ReportBlock? {
    guard let correlation = result.correlations?.first, let vectors = result.vectors, vectors.count > 1,
      split.count > 2
    else { return nil }
    let shown = min(split.count, mostPairs)
    let pairs = (0..<shown).map { $0 * split.count / shown }
    let (x, y) = (try variates(vectors[0], split, side: 0), try variates(vectors[1], split, side: 1))
    let names = result.retrieval.modalities
    let labels = try pairs.map { pair in
      try [0, 1].map { try split.card(side: $0, row: split.pairedRows(side: $0)[pair]).label }
        .map { Card.shortened($0, to: 40) }.joined(separator: ", ")
    }
    let plot = ScatterPlot(
      "The closer to a line, the better one variate tells the other.",
      x: PlotAxis("\(names[0]), in standard deviations"), y: PlotAxis("\(names[1]), in standard deviations"),
      groups: [.init("pairs", x: pairs.map { x[$0] }, y: pairs.map { y[$0] }, labels: labels)])
    return .figure(
      plot,
      caption: "First canonical variate of \(names[0]) and of \(names[1]), a point a pair: "
        + (shown < split.count ? "\(shown) of the \(split.count) pairs" : "the \(shown) pairs")
        + " of the split `\(split.name)`, whose correlation is \(NumberText.fixed(correlation, decimals: 3))."
    )
  }

  /// The first variate of one side of every pair, with mean 0 and variance 1.
  private static func variates(_ features: Features, _ split: Split, side: Int) throws -> [Double] {
    let column = try features.values.to(.cpu).to(.float64).selected(0, along: 1)
      .rows(at: split.pairedRows(side: side))
    let centered = try column - column.mean()
    let spread: Double = try centered.squared().mean().squareRoot().item()
    return try (centered / (spread > 0 ? spread : 1)).values(as: Double.self)
  }
}
