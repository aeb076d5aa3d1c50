import Torch

/// The items of a batch of pairs, each once, and what of them belongs together.
struct NeighborBatch {
  /// Where in the own part of the batch each item is first seen, `[side][item]`.
  let places: [[Int]]
  /// Where among what all processes give each item is first seen, `[side][item]`.
  let rows: [[Int]]
  /// Across the sides.
  let matches: Matches
  /// Equal numbers are neighbors, int64 `[items]` a side.
  let groups: [Tensor]

  /// - Parameters:
  ///   - side: the modality whose items have several partners.
  ///   - labels: class of each own pair, for those of `positives` and `neighbourhood` that go by classes.
  init(
    _ batch: Batch, _ step: Step, side: Int, labels: [Int]?, positives: Positives,
    neighbourhood: StructurePreserving.Neighborhood
  ) throws {
    let own = try Self.identities(batch, step, side)
    let all = try own.map { try step.gathered($0) }
    var places: [[Int]] = []
    var rows: [[Int]] = []
    var numbers: [[Int: Int]] = []
    for side in 0..<2 {
      let first = Self.firstPlaces(own[side])
      places.append(first)
      let given = try step.gathered(first.map { own[side][$0] })
      rows.append(Self.firstPlaces(given))
      numbers.append(
        Dictionary(uniqueKeysWithValues: rows[side].enumerated().map { (given[$1], $0) }))
    }
    self.places = places
    self.rows = rows
    let pairs = zip(all[0], all[1]).map { (numbers[0][$0] ?? 0, numbers[1][$1] ?? 0) }
    let counts = rows.map(\.count)
    let components = Components(pairs, counts: counts)
    let classes = try labels.map { try Self.classes(step.gathered($0), pairs, counts: counts) }
    func ids(_ numbers: [[Int]]) throws -> [Tensor] {
      try numbers.map { try Tensor($0).to(step.device) }
    }
    if positives == .class, let classes {
      let tensors = try ids(classes)
      matches = Matches(ids: tensors[0], tensors[1])
    } else if neighbourhood == .partners, components.areComplete {
      let tensors = try ids(components.numbers)
      matches = Matches(ids: tensors[0], tensors[1])
    } else {
      var mask = [Bool](repeating: false, count: counts[0] * counts[1])
      for (x, y) in pairs { mask[x * counts[1] + y] = true }
      let positive = try Tensor(mask).reshaped(counts[0], counts[1]).to(step.device)
      var negative = try positive.not()
      if neighbourhood == .labels, let classes {
        // Neighbours are to be close, so they are left out where they are no partners.
        let tensors = try ids(classes)
        negative = try negative.and(tensors[0].unsqueezed(at: 1) .!= tensors[1].unsqueezed(at: 0))
      }
      matches = Matches(positive: positive, negative: negative)
    }
    groups = try ids(neighbourhood == .labels ? classes ?? components.numbers : components.numbers)
  }

  /// What items are told apart by: their rows in the data, or their places where each group of pairs is an item of
  /// `side` with its partners, even where the same item is in two groups.
  private static func identities(_ batch: Batch, _ step: Step, _ side: Int) throws -> [[Int]] {
    guard let size = batch.group, size > 0 else { return Array(batch.rows.prefix(2)) }
    let before = try step.gathered([batch.count]).prefix(step.rank).reduce(0, +)
    let places = Array(before..<before + batch.count)
    let blocks = places.map { $0 / size }
    return side == 0 ? [blocks, places] : [places, blocks]
  }

  /// Where each number is first seen, in order.
  private static func firstPlaces(_ numbers: [Int]) -> [Int] {
    var seen: Set<Int> = []
    return numbers.indices.filter { seen.insert(numbers[$0]).inserted }
  }

  /// The class of each item, from those of its pairs.
  private static func classes(_ labels: [Int], _ pairs: [(Int, Int)], counts: [Int]) -> [[Int]] {
    var classes = counts.map { [Int](repeating: 0, count: $0) }
    for (label, (x, y)) in zip(labels, pairs) { (classes[0][x], classes[1][y]) = (label, label) }
    return classes
  }
}

/// Items that are connected by pairs, directly or through others.
private struct Components {
  /// The component of each item, `[side][item]`.
  let numbers: [[Int]]
  /// Whether every item of a component is paired with every one of the other side.
  let areComplete: Bool

  init(_ pairs: [(Int, Int)], counts: [Int]) {
    var sets = DisjointSets(count: counts[0] + counts[1])
    for (x, y) in pairs { sets.join(x, counts[0] + y) }
    let roots = sets.roots()
    numbers = [Array(roots[..<counts[0]]), Array(roots[counts[0]...])]
    var sizes: [Int: (Int, Int)] = [:]
    for component in numbers[0] { sizes[component, default: (0, 0)].0 += 1 }
    for component in numbers[1] { sizes[component, default: (0, 0)].1 += 1 }
    let distinct = Set(pairs.map { $0.0 * counts[1] + $0.1 }).count
    areComplete = sizes.values.map { $0.0 * $0.1 }.reduce(0, +) == distinct
  }
}
