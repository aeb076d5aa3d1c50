import Foundation
import Torch

/// Finds what is not finite in a step that went wrong, and keeps the batch for a look.
struct NonFiniteGuard {
  /// Where the batch is saved; nil to save nothing.
  let folder: URL?
  /// How the name of an input begins.
  static let input = "the input"

  /// The error for a step whose loss or gradient is not finite.
  ///
  /// - Parameters:
  ///   - batch: as the method saw it.
  ///   - places: of the batch's pairs among the training pairs.
  ///   - loss: nil when computing it failed.
  ///   - parameters: with the gradients of the step.
  ///   - fallback: what is not finite where input, weights, loss and gradients are.
  func error(
    batch: Batch, places: [Int], loss: Loss?, parameters: [StateEntry], epoch: Int, step: Int,
    orElse fallback: String = "the loss"
  ) throws -> TrainingError {
    let (found, rows) = try culprit(batch, loss, parameters)
    let what = found ?? fallback
    let saved = try folder.map { try save(batch, places: places, to: $0) }
    return .notFinite(
      what: what, epoch: epoch, step: step, rows: rows ?? batch.rows.first ?? places, saved: saved)
  }

  /// The tensor nearest to the cause: what came in, then weights, then parts of the loss, then gradients.
  func culprit(
    _ batch: Batch, _ loss: Loss?, _ parameters: [StateEntry]
  ) throws -> (String?, [Int]?) {
    for (side, items) in batch.items.enumerated() {
      guard let tensor = items.tensor, tensor.dtype.isFloatingPoint else { continue }
      let bad = try tensor.isFinite().not().flattened(from: min(1, tensor.rank - 1)).any(
        alongRows: tensor.rank)
      if let row = bad.first {
        return ("\(Self.input) '\(batch.modalities[side])'", bad.isEmpty ? nil : [batch.rows[side][row]])
      }
    }
    for entry in parameters where try !entry.tensor.detached().isFinite().all() {
      return ("the weight '\(entry.name)'", nil)
    }
    for part in loss?.parts ?? [] where try !part.value.isFinite().all() {
      return ("'\(part.name)' of the loss", nil)
    }
    if let loss, try !loss.total.detached().isFinite().all() { return ("the loss", nil) }
    for entry in parameters {
      if let gradient = entry.gradient, try !gradient.isFinite().all() {
        return ("the gradient of '\(entry.name)'", nil)
      }
    }
    return (nil, nil)
  }

  private func save(_ batch: Batch, places: [Int], to folder: URL) throws -> String {
    let path = folder.appendingPathComponent("failed-batch.safetensors").path
    var tensors: [(name: String, tensor: Tensor)] = [("places", try Tensor(places))]
    var metadata: [String: String] = [:]
    for (side, items) in batch.items.enumerated() {
      let name = batch.modalities[side]
      tensors.append(("\(name).rows", try Tensor(batch.rows[side])))
      if let tensor = items.tensor { tensors.append((name, try tensor.to(.cpu))) }
      if case .texts(let lines) = items {
        metadata["\(name).text"] = JSON.array(lines.map(JSON.string)).text()
      }
    }
    if let labels = batch.labels { tensors.append(("labels", try Tensor(labels))) }
    try SafeTensors.write(tensors, metadata: metadata, to: path)
    return path
  }
}

extension Tensor {
  /// Rows with a true element, of a bool tensor `[n]` or `[n, d]`.
  fileprivate func any(alongRows rank: Int) throws -> [Int] {
    let rows = self.rank > 1 ? try any(along: 1) : self
    return try rows.nonZero().flattened().values(as: Int.self)
  }
}
