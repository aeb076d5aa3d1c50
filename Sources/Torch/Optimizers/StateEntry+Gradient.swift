// Gradients of parameters: reading, clipping, clearing.

extension StateEntry {
  /// The gradient that was accumulated for this tensor.
  public var gradient: Tensor? { slot.tensor.gradient }

  /// Puts another gradient in place of what was accumulated; nil forgets it.
  public func setGradient(_ gradient: Tensor?) throws(TorchError) {
    try slot.tensor.handle.setGradient(gradient?.handle)
  }

  /// Replaces the elements, keeping the tensor the start of graphs. The accumulated gradient stays.
  public func assign(_ elements: Tensor) throws(TorchError) {
    try slot.makeWritable()
    try slot.tensor.handle.assign(elements.handle)
  }

  /// Moves the tensor to memory of its own on a device, as another type where one is given and the tensor
  /// is of floating point. A parameter becomes the start of graphs.
  public func prepareForTraining(on device: Device = .cpu, as dtype: DataType? = nil) throws(TorchError) {
    var own = try slot.tensor.detached().to(device)
    if let dtype, own.dtype.isFloatingPoint { own = try own.to(dtype) }
    tensor = try own.contiguous().copied()
  }
}

extension Sequence<StateEntry> {
  /// Forgets what was accumulated.
  public func clearGradients() throws(TorchError) {
    for entry in self { try entry.setGradient(nil) }
  }

  /// Euclidean length of all gradients as one vector; 0 when there are none.
  public func gradientNorm() throws(TorchError) -> Double {
    let gradients = compactMap(\.gradient)
    guard !gradients.isEmpty else { return 0 }
    let norms = try Foreach.norm(gradients)
    let device = norms[0].device
    let together = try norms.map { norm throws(TorchError) in try norm.to(.float64).to(device) }
    return try Tensor.stacked(together).norm().item()
  }

  /// Shortens the gradients, taken as one vector, to at most `length`; returns the length before.
  ///
  /// As PyTorch's `clip_grad_norm_`: the factor is length / (norm + 1e-6), and 1 where that is more.
  @discardableResult
  public func clipGradients(to length: Double) throws(TorchError) -> Double {
    let norm = try gradientNorm()
    let factor = length / (norm + 1e-6)
    guard factor < 1 else { return norm }
    let entries = filter { $0.gradient != nil }
    let shortened = try Foreach.scaled(entries.compactMap(\.gradient), by: factor)
    for (entry, gradient) in zip(entries, shortened) { try entry.setGradient(gradient) }
    return norm
  }
}
