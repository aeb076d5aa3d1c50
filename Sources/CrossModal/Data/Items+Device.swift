import Torch

extension Items {
  /// The numbers of the rows, where they are numbers.
  public var tensor: Tensor? {
    switch self {
    case .vectors(let rows), .images(let rows): rows
    case .sets(let rows, _), .sequences(let rows, _), .tokens(let rows, _): rows
    case .texts, .pictures: nil
    }
  }

  /// How many vectors or words of each row count, where rows are made of such.
  public var lengths: [Int]? {
    switch self {
    case .sets(_, let lengths), .sequences(_, let lengths), .tokens(_, let lengths): lengths
    case .vectors, .images, .texts, .pictures: nil
    }
  }

  /// The same rows on a device; floating-point numbers as `dtype` when it is given.
  public func to(_ device: Device, _ dtype: DataType? = nil) throws(TorchError) -> Items {
    func moved(_ tensor: Tensor) throws(TorchError) -> Tensor {
      let converted = dtype.map { tensor.dtype.isFloatingPoint ? $0 : tensor.dtype } ?? tensor.dtype
      return try tensor.to(converted).to(device)
    }
    return switch self {
    case .vectors(let rows): .vectors(try moved(rows))
    case .images(let rows): .images(try moved(rows))
    case .sets(let rows, let lengths): .sets(try moved(rows), lengths: lengths)
    case .sequences(let rows, let lengths): .sequences(try moved(rows), lengths: lengths)
    case .tokens(let rows, let lengths): .tokens(try moved(rows), lengths: lengths)
    case .texts, .pictures: self
    }
  }
}

extension Batch {
  /// The same pairs on a device; floating-point numbers as `dtype` when it is given.
  public func to(_ device: Device, _ dtype: DataType? = nil) throws(TorchError) -> Batch {
    var moved = self
    for side in items.indices { moved.items[side] = try items[side].to(device, dtype) }
    return moved
  }
}
