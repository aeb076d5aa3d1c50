/// Items in sets that are joined two by two (union and find, paths halved on the way).
struct DisjointSets {
  private var parents: [Int]

  /// So many items, each in a set of its own.
  init(count: Int) { parents = Array(0..<count) }

  /// The item that stands for the set of an item.
  mutating func root(_ item: Int) -> Int {
    var item = item
    while parents[item] != item {
      parents[item] = parents[parents[item]]
      item = parents[item]
    }
    return item
  }

  /// Joins the sets of two items; the first one's root stands for both.
  mutating func join(_ item: Int, _ other: Int) { parents[root(other)] = root(item) }

  /// What stands for the set of each item.
  mutating func roots() -> [Int] { parents.indices.map { root($0) } }
}
