import Foundation

/// How well a partition into clusters agrees with classes (`n-pair.md` section 6).
public struct Clustering: Sendable, Equatable {
  /// Normalized mutual information, 2 I / (H(clusters) + H(classes)); 1 when both are constant.
  public let mutualInformation: Double
  /// Harmonic mean of precision and recall over pairs of items: of the pairs in one cluster, of those in one
  /// class.
  public let f1: Double

  /// - Parameters:
  ///   - clusters: cluster of each item.
  ///   - classes: class of each item.
  public init(clusters: [Int], classes: [Int]) throws {
    guard clusters.count == classes.count else {
      throw EvaluationError.counts("clusters", clusters.count, "labels", classes.count)
    }
    guard !clusters.isEmpty else { throw EvaluationError.noQueries }
    struct Cell: Hashable {
      let cluster: Int
      let label: Int
    }
    var cells: [Cell: Int] = [:]
    var sizes: (clusters: [Int: Int], classes: [Int: Int]) = ([:], [:])
    for (cluster, label) in zip(clusters, classes) {
      cells[Cell(cluster: cluster, label: label), default: 0] += 1
      sizes.clusters[cluster, default: 0] += 1
      sizes.classes[label, default: 0] += 1
    }
    let n = Double(clusters.count)
    func entropy(_ counts: [Int: Int]) -> Double {
      var sum = 0.0
      for count in counts.values.sorted() {
        let share = Double(count) / n
        sum -= share * log(share)
      }
      return sum
    }
    // Sums run over sorted terms, so that the order of a dictionary cannot change the last digit.
    var terms: [Double] = []
    for (cell, count) in cells {
      let share = Double(count) / n
      let product = (sizes.clusters[cell.cluster] ?? 0) * (sizes.classes[cell.label] ?? 0)
      terms.append(share * log(share * n * n / Double(product)))
    }
    let information = terms.sorted().reduce(0, +)
    let entropies = entropy(sizes.clusters) + entropy(sizes.classes)
    mutualInformation = entropies > 0 ? max(0, min(1, 2 * information / entropies)) : 1
    func pairs(_ counts: some Sequence<Int>) -> Double {
      counts.reduce(0.0) { sum, count in sum + Double(count * (count - 1)) / 2 }
    }
    let together = pairs(cells.values)
    let precision = together / pairs(sizes.clusters.values)
    let recall = together / pairs(sizes.classes.values)
    f1 = together > 0 ? 2 * precision * recall / (precision + recall) : 0
  }

  public var json: JSON { ["NMI": .double(mutualInformation), "F1": .double(f1)] }
}
