import Torch

extension Module {
  /// Puts the state of a module of the same shape in the place of this one's, in its types and on its device.
  func take(stateOf fresh: some Module) throws {
    for (entry, new) in zip(stateEntries, fresh.state) {
      entry.tensor = try new.tensor.detached().to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
