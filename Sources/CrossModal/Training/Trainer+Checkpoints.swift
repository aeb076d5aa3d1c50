import Foundation
import Torch

extension Trainer {
  /// When a checkpoint is written. What a resumed run comes to does not depend on it.
  enum CheckpointNeed {
    case always
    /// Unless checkpoints would take more than a tenth of the time.
    case ifAffordable
    /// Unless the last one holds all there is.
    case ifChanged
  }

  /// Saves all that the next step depends on.
  ///
  /// Every process calls this, as all wait here for each other; the first alone knows whether one is needed.
  func checkpoint(_ need: CheckpointNeed = .always) throws {
    try checkWeights()
    if let group { try GradientSharing(group: group).align(method.buffers) }
    if let folder, isFirst, isNeeded(need) {
      let start = ContinuousClock.now
      var saved = state
      saved.metricsLength = try metrics?.flush() ?? 0
      saved.metricsChecksum = metrics?.checksum
      saved.eventsLength = try events?.flush() ?? 0
      saved.seconds = state.seconds + elapsed
      let contents = Checkpoints.Contents(
        weights: method.state, optimizer: try optimizerState(), averages: average?.state ?? [])
      manifest = try Checkpoints(run: folder).write(
        contents, state: saved, best: hasUnsavedBest ? bestWeights : nil, after: manifest)
      if hasUnsavedBest { bestWeights = nil }
      hasUnsavedBest = false
      lastCheckpoint = (.now, .now - start)
    }
    try group?.barrier()
  }

  private func isNeeded(_ need: CheckpointNeed) -> Bool {
    switch need {
    case .always: true
    case .ifAffordable: lastCheckpoint.map { .now - $0.end >= $0.cost * 10 } ?? true
    case .ifChanged: hasUnsavedBest || manifest?.state.step != state.step
    }
  }

  private func optimizerState() throws -> [(name: String, tensor: Tensor)] {
    if let quasiNewton { return try quasiNewton.state }
    return try optimizers.enumerated().flatMap { i, part in
      try part.optimizer.state.map { ("\(i).\($0.name)", $0.tensor) }
    }
  }

  /// Continues from a checkpoint.
  func load(_ checkpoints: Checkpoints, _ manifest: Checkpoints.Manifest) throws {
    let contents = try checkpoints.last(manifest)
    let file = checkpoints.folder.appendingPathComponent(manifest.last).path
    try method.load(contents.weights, from: file)
    for entry in method.stateEntries { try entry.prepareForTraining(on: device, as: stateType) }
    try makeOptimizers()
    let state = Dictionary(
      contents.optimizer.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    do {
      if let quasiNewton {
        try quasiNewton.load(state)
      } else {
        for (i, part) in optimizers.enumerated() {
          let own = state.filter { $0.key.hasPrefix("\(i).") }
            .map { (String($0.key.dropFirst("\(i).".count)), $0.value) }
          try part.optimizer.load(Dictionary(uniqueKeysWithValues: own))
        }
      }
    } catch let error as OptimizerError {
      throw TrainingError.badCheckpoint(file: file, reason: error.description)
    }
    average = try makeAverage()
    let averages = Dictionary(
      contents.averages.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    do { try average?.load(averages) } catch let error as OptimizerError {
      throw TrainingError.badCheckpoint(
        file: file, reason: "its moving average does not fit: \(error.description)")
    }
    self.state = manifest.state
  }
}
