import Torch

/// How much of what people know of pictures or other items is in what was learned without them.
///
/// What the data say decides what is measured: classes of items, classes of pixels, and of pictures always how well places
/// are told from each other.
public struct RepresentationMetrics: TaskResult {
  /// Classes of items by their neighbors; nil without labels.
  public let neighbors: NeighborMetrics?
  /// 1 for each item whose class a linear map finds, else 0; nil without labels to fit it to.
  public let probed: [Double]?
  /// Classes of pixels by a linear map of each cell, by its nearest cells, and one class for all; nil without masks.
  public let pixels: SegmentationCounts?
  public let pixelNeighbors: SegmentationCounts?
  let commonest: SegmentationCounts?
  /// Cells whose nearest neighbor in another view of the picture lies within a cell of their place.
  let places: DenseEvaluation.Places?
  /// Names of ``selection``.
  let chosen: [String]
  /// The same figures of a network with random weights; none where that is not asked for.
  var random: [Measure] = []

  public var measures: [Measure] {
    var all = neighbors?.measures ?? []
    if let probed {
      all.append(
        Measure("linear probe accuracy", 100 * probed.reduce(0, +) / Double(probed.count), .percent))
    }
    for (names, counts) in Self.names(pixels, pixelNeighbors) {
      let found = counts.measures
      all += [Measure(names[0], found.mean, .percent), Measure(names[1], found.accuracy, .percent)]
    }
    if let places { all.append(Measure("match@1cell", places.share, .percent)) }
    return all
  }

  private static func names(
    _ pixels: SegmentationCounts?, _ neighbors: SegmentationCounts?
  ) -> [(names: [String], counts: SegmentationCounts)] {
    [("probe", pixels), ("kNN", neighbors)].compactMap { name, counts in
      counts.map { (["\(name) mIoU", "\(name) pixel accuracy"], $0) }
    }
  }

  public var `protocol`: String {
    var parts = neighbors.map { [$0.protocol] } ?? []
    if probed != nil { parts.append("a linear map of frozen vectors, fitted to the training part") }
    if pixels != nil {
      parts.append(
        "pixels: a linear map, and the 20 nearest cells, of frozen maps of whole pictures; one count over the split, "
          + "classes that occur")
    }
    if places != nil { parts.append("places: two random views of each picture, within one cell") }
    return parts.joined(separator: "; ")
  }

  public var counts: [(name: String, count: Int)] {
    if let neighbors { return neighbors.counts }
    return [("items", pixels?.count ?? places?.hits.count ?? 0)]
  }

  public var selection: [Measure] { measures.filter { chosen.contains($0.name) } }

  public var priors: [Prior] {
    var all = neighbors?.priors ?? []
    if let found = commonest?.measures {
      all.append(
        Prior(
          "most frequent class",
          ["probe", "kNN"].flatMap {
            [
              Measure("\($0) mIoU", found.mean, .percent),
              Measure("\($0) pixel accuracy", found.accuracy, .percent),
            ]
          }))
    }
    if !random.isEmpty { all.append(Prior("random initialization", random)) }
    return all
  }

  public var details: [JSON.Member] {
    guard let pixels else { return [] }
    return [
      .init("class_iou", .array(pixels.classIoU.map { $0.map { .double(100 * $0) } ?? .null }))
    ]
  }

  public var resampled: [any ResampledTest] {
    var all = neighbors?.resampled ?? []
    if let probed, let test = try? SummedTest(means: [.init("linear probe accuracy", probed, scale: 100)]) {
      all.append(test)
    }
    for (names, counts) in Self.names(pixels, pixelNeighbors) {
      if let test = try? counts.test(names) { all.append(test) }
    }
    if let places,
      let test = try? SummedTest(
        ["match@1cell"], sums: [places.hits, places.shared], kinds: [.bounded(0...100)],
        numbers: { [100 * $0[0] / $0[1]] })
    {
      all.append(test)
    }
    return all
  }
}
