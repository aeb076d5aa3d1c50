import Torch

/// Makes the gradients of several processes those of the joined batch.
struct GradientSharing {
  let group: any ProcessGroup

  /// Which part of a batch a process works on.
  static func part(_ places: [Int], rank: Int, of processes: Int) -> [Int] {
    Array(places[places.count * rank / processes..<places.count * (rank + 1) / processes])
  }

  /// Adds up the gradients of all processes, and `numbers` with them.
  ///
  /// A parameter that had no gradient anywhere has none afterwards.
  func sum(_ entries: [StateEntry], _ numbers: [Double]) throws -> [Double] {
    let hasGradient = entries.map { $0.gradient == nil ? 0.0 : 1 }
    // On the cpu, whatever the device: there a lost process is noticed at once.
    let facts = try group.sum(Tensor(hasGradient + numbers)).values(as: Double.self)
    let used = zip(entries, facts).filter { $1 > 0 }.map(\.0)
    // One call for all parameters of a type: many small ones would wait for each other.
    for (_, alike) in Dictionary(grouping: used, by: { $0.tensor.dtype }).sorted(by: {
      $0.key.rawValue < $1.key.rawValue
    }) {
      let flat = try group.sum(
        Tensor.concatenated(
          alike.map { try ($0.gradient ?? $0.tensor.detached().zerosLike()).flattened() }))
      var start = 0
      for entry in alike {
        let count = entry.tensor.count
        try entry.setGradient(flat[start..<start + count].reshaped(to: entry.tensor.shape).copied())
        start += count
      }
    }
    return Array(facts.dropFirst(entries.count))
  }

  /// Gives every process the tensors of the first.
  func align(_ entries: [StateEntry]) throws {
    for entry in entries {
      let first = try group.broadcast(entry.tensor.detached(), from: 0)
      if entry.isParameter { try entry.assign(first) } else { entry.tensor = first }
    }
  }
}
