import Torch

/// Linear, rectified, linear.
public final class PerceptronEncoder: VectorEncoder {
  let fc1: LinearEncoder
  let fc2: LinearEncoder

  public var size: Int { fc2.size }

  public init(from inputs: Int, hidden: Int, to size: Int, using generator: Generator) throws {
    fc1 = try LinearEncoder(from: inputs, to: hidden, using: generator)
    fc2 = try LinearEncoder(from: hidden, to: size, using: generator)
  }

  public func callAsFunction(_ items: Tensor) throws -> Tensor { try fc2(fc1(items).relu()) }

  public func reset(using generator: Generator) throws {
    try fc1.reset(using: generator)
    try fc2.reset(using: generator)
  }
}
