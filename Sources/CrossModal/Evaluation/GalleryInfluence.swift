/// What an item of a gallery does to the numbers of a direction, beside being a query itself.
struct GalleryItem: Sendable, Equatable {
  /// What is drawn together with it.
  var unit: Int
  let fold: Int
  /// How much the sums of average precision and of gain over all queries vary with the item.
  let precision: Double
  let gain: Double
}

/// How much the items of a gallery matter to all queries together.
///
/// Where classes decide what is relevant, a query has many relevant items and shares them with all queries of its
/// class: their numbers rise and fall together with the items, which queries drawn one by one do not show. For each
/// item it is added up what every query would lose without it (the jackknife). The noise of single pairs of query and
/// item is in the numbers of the queries already, so its part of the variance is taken out (as in clustering two ways;
/// Cameron, Gelbach & Miller, JBES 2011).
struct GalleryInfluence {
  private var precision: Losses
  private var gain: Losses
  private var arrivals: [Int32]

  init(items: Int) {
    precision = Losses(ofItems: [Double](repeating: 0, count: items))
    gain = precision
    arrivals = [Int32](repeating: 0, count: items)
  }

  /// Adds a query, and gives the ranks of its relevant items.
  ///
  /// - Complexity: O(items · log relevant).
  mutating func add<Score: BinaryFloatingPoint>(
    _ relevant: [Int], in scores: UnsafeBufferPointer<Score>, _ ranking: QueryRanking
  ) -> [Int] {
    guard !relevant.isEmpty else { return [] }
    let found = arrivals.withUnsafeMutableBufferPointer {
      ranking.standings(ofRelevant: relevant, in: scores, arrivals: $0)
    }
    // A model that gives no numbers has nothing that varies.
    guard !scores[found.items[found.items.count - 1]].isNaN else { return found.ranks }
    precision.add(
      Query(
        found.ranks, gallery: scores.count, term: { Double($0) / Double($1) }, whole: { Double($0) }),
      found.items, arrivals)
    gain.add(
      Query(
        found.ranks, gallery: scores.count, term: { ranking.discounts[$1 - 1] },
        whole: { ranking.ideals[$0] }),
      found.items, arrivals)
    return found.ranks
  }

  /// What was found.
  ///
  /// - Parameter units: of each item.
  func items(of fold: Int, units: [Int]) -> [GalleryItem] {
    zip(units, zip(precision.shares, gain.shares)).map {
      GalleryItem(unit: $0, fold: fold, precision: $1.0, gain: $1.1)
    }
  }

  /// What one query would lose without an item.
  private struct Query {
    /// Of an item that is not relevant, by how many relevant ones come before it.
    private(set) var gaps: [Double]
    /// Of each relevant item.
    private(set) var own: [Double]
    /// Sum of squares about the mean over the gallery.
    let noise: Double

    /// - Parameters:
    ///   - ranks: of the relevant items, ascending.
    ///   - term: what the l-th relevant item, counted from 1, adds at a rank.
    ///   - whole: what the sum is divided by, for a number of relevant items.
    init(_ ranks: [Int], gallery: Int, term: (Int, Int) -> Double, whole: (Int) -> Double) {
      let count = ranks.count
      gaps = [Double](repeating: 0, count: count + 1)
      own = [Double](repeating: 0, count: count)
      let terms = ranks.enumerated().map { term($0 + 1, $1) }
      let number = terms.reduce(0, +) / whole(count)
      var (before, earlier, later) = (terms.reduce(0, +), 0.0, 0.0)
      for place in ranks.indices.reversed() {
        let rank = ranks[place]
        // Terms before this one, and those behind it when it is gone.
        before -= terms[place]
        if count > 1 { own[place] = number - (before + later) / whole(count - 1) }
        // Everything behind moves up by one.
        earlier += rank > 1 ? term(place + 1, rank - 1) - terms[place] : 0
        later += place > 0 ? term(place, rank - 1) : 0
        gaps[place] = -earlier / whole(count)
      }
      var (sum, squares) = (own.reduce(0, +), own.reduce(0) { $0 + $1 * $1 })
      var last = 0
      for (place, rank) in (ranks + [gallery + 1]).enumerated() {
        let others = Double(rank - last - 1)
        sum += others * gaps[place]
        squares += others * gaps[place] * gaps[place]
        last = rank
      }
      noise = squares - sum * sum / Double(gallery)
    }
  }

  /// Sums over queries of one number.
  private struct Losses {
    var ofItems: [Double]
    var noise = 0.0

    mutating func add(_ query: Query, _ relevant: [Int], _ arrivals: [Int32]) {
      for item in ofItems.indices { ofItems[item] += query.gaps[Int(arrivals[item])] }
      for (place, item) in relevant.enumerated() { ofItems[item] += query.own[place] - query.gaps[place + 1] }
      noise += query.noise
    }

    /// The sums about their mean, so far as they vary more than by noise.
    var shares: [Double] {
      let mean = ofItems.reduce(0, +) / Double(max(1, ofItems.count))
      let spread = ofItems.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let factor = spread > 0 ? max(0, 1 - noise / spread).squareRoot() : 0
      return ofItems.map { factor * ($0 - mean) }
    }
  }
}
