import Torch

/// Pairs taken apart at random into those to learn from and those to ask afterwards. Pairs that share an item, and pairs
/// of items that are views of one object, stay on one side: what was learned by heart would answer else.
struct PairDivision {
  /// Places of the pairs to learn from, ascending.
  let kept: [Int]
  /// Places of the pairs that are held out, ascending; none where all pairs hang together.
  let held: [Int]

  /// - Parameters:
  ///   - share: of the pairs to hold out.
  ///   - most: pairs to hold out at most.
  ///   - seed: fixes which.
  init(of data: some TrainingSet, share: Double, most: Int, seed: UInt64) throws {
    let wanted = min(most, Int((Double(data.count) * share).rounded()))
    let clusters = PairDivision.clusters(of: data)
    let order = try Tensor.permutation(clusters.count, using: Generator(seed: seed)).values(as: Int.self)
    var held: [Int] = []
    for place in order where held.count + clusters[place].count <= wanted { held += clusters[place] }
    self.held = held.sorted()
    let isHeld = Set(held)
    kept = (0..<data.count).filter { !isHeld.contains($0) }
  }

  /// Pairs that belong together, in the order of their first.
  private static func clusters(of data: some TrainingSet) -> [[Int]] {
    let sides = data.description.modalities.indices
    let items = data.itemsOfPairs
    let groups = sides.map { data.group(side: $0) }
    guard items != nil || groups.contains(where: { $0 != nil }) else { return (0..<data.count).map { [$0] } }
    var sets = DisjointSets(count: data.count)
    for side in sides {
      var first: [Int: Int] = [:]
      for pair in 0..<data.count {
        let item = items?[side][pair] ?? pair
        let mark = groups[side].map { $0[item] } ?? item
        if let other = first[mark] { sets.join(other, pair) } else { first[mark] = pair }
      }
    }
    var clusters: [[Int]] = []
    var places: [Int: Int] = [:]
    for (pair, root) in sets.roots().enumerated() {
      if let place = places[root] {
        clusters[place].append(pair)
      } else {
        places[root] = clusters.count
        clusters.append([pair])
      }
    }
    return clusters
  }
}
