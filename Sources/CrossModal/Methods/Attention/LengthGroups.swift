import Torch

/// Items by their number of fragments.
struct LengthGroups {
  /// Items of one number of fragments.
  struct Group {
    let length: Int
    let items: [Int]

    /// Parts of so many items, and at least one.
    func parts(of count: Int) -> [Group] {
      stride(from: 0, to: items.count, by: max(1, count)).map {
        Group(length: length, items: Array(items[$0..<Swift.min($0 + max(1, count), items.count)]))
      }
    }
  }

  /// All items.
  let groups: [Group]
  /// Places of the items among those of all groups, one after the other.
  let inverse: Tensor
  private let offsets: [Int]

  /// - Throws: ``TorchError`` for items without fragments, and for more or fewer than there are rows.
  init(_ features: Features) throws {
    let lengths = features.lengths ?? []
    offsets = Features.offsets(lengths)
    guard lengths.allSatisfy({ $0 > 0 }), offsets.last == features.values.size(along: 0) else {
      throw TorchError(
        operation: "cross attention", shapes: [features.values.shape],
        message: "items need 1 fragment or more, as many as there are rows")
    }
    groups = Dictionary(grouping: lengths.indices) { lengths[$0] }.sorted { $0.key < $1.key }
      .map { Group(length: $0.key, items: $0.value) }
    var places = [Int](repeating: 0, count: lengths.count)
    for (place, item) in groups.flatMap(\.items).enumerated() { places[item] = place }
    inverse = try Tensor(places).to(features.values.device)
  }

  /// Rows of a group's fragments.
  func rows(of group: Group) -> [Int] { group.items.flatMap { offsets[$0]..<offsets[$0 + 1] } }

  /// Rows of an item's fragments.
  func rows(of item: Int) -> Range<Int> { offsets[item]..<offsets[item + 1] }

  /// What stands in a group's rows, `[items, length, width]`.
  func fragments(of group: Group, in values: Tensor) throws(TorchError) -> Tensor {
    try values.rows(at: rows(of: group)).reshaped(group.items.count, group.length, values.size(along: 1))
  }
}
