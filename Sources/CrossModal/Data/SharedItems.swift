/// The items of a batch's pairs, each once, in the order in which they come first.
struct SharedItems: Sendable {
  /// Where each item stands first.
  let places: [Int]
  /// Which of the items each pair has.
  let itemOfPair: [Int]

  /// - Parameter rows: the row of each pair's item; equal rows are one item.
  init(_ rows: [Int]) {
    var (places, known) = ([Int](), [Int: Int]())
    itemOfPair = rows.enumerated().map { place, row in
      if let item = known[row] { return item }
      known[row] = places.count
      places.append(place)
      return places.count - 1
    }
    self.places = places
  }

  /// The pairs of each item, in their order.
  var pairsOfItem: [[Int]] {
    var pairs = [[Int]](repeating: [], count: places.count)
    for (pair, item) in itemOfPair.enumerated() { pairs[item].append(pair) }
    return pairs
  }
}
