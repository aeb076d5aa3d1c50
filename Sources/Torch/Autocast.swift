import CTorch

/// Runs `body` with matrix products and the like in `dtype` where libtorch holds that safe, gradients
/// included. Synchronous only: the setting belongs to the thread.
public func withAutocast<Result>(
  to dtype: DataType = .bfloat16, on device: Device = .cpu, _ body: () throws -> Result
) throws -> Result {
  let before = ct_autocast_enabled(device.kind.rawValue)
  let dtypeBefore = ct_autocast_dtype(device.kind.rawValue)
  guard ct_set_autocast(device.kind.rawValue, true, dtype.rawValue) else { throw lastError("autocast") }
  defer { _ = ct_set_autocast(device.kind.rawValue, before, dtypeBefore) }
  return try body()
}
