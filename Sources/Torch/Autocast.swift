import CTorch

/// Runs `body` with matrix products and the like in `dtype` where libtorch holds that safe, gradients
/// included. Synchronous only: the setting belongs to the thread.
public func withAutocast<Result>(
  to dtype: DataType = .bfloat16, on device: Device = .cpu, _ body: () throws -> Result
) throws -> Result {
  try withAutocast(true, dtype, on: device, body)
}

/// Runs `body` with every operation in the types of its inputs, within ``withAutocast(to:on:_:)`` too.
public func withoutAutocast<Result>(on device: Device = .cpu, _ body: () throws -> Result) throws -> Result {
  try withAutocast(false, .bfloat16, on: device, body)
}

private func withAutocast<Result>(
  _ isOn: Bool, _ dtype: DataType, on device: Device, _ body: () throws -> Result
) throws -> Result {
  let before = ct_autocast_enabled(device.kind.rawValue)
  let dtypeBefore = ct_autocast_dtype(device.kind.rawValue)
  guard ct_set_autocast(device.kind.rawValue, isOn, dtype.rawValue) else { throw lastError("autocast") }
  defer { _ = ct_set_autocast(device.kind.rawValue, before, dtypeBefore) }
  return try body()
}
