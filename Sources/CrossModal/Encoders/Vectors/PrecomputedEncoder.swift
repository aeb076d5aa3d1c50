import Torch

/// One linear map of features that another program computed: the image encoder of VSE++ (Faghri et al., BMVC 2018) on
/// precomputed features. Its layer is named `fc`.
public final class PrecomputedEncoder: ItemEncoder {
  let fc: LinearEncoder

  public var size: Int { fc.size }

  public init(from inputs: Int, to size: Int, using generator: Generator) throws {
    fc = try LinearEncoder(from: inputs, to: size, using: generator)
    try fc.linear.drawXavier(using: generator)
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    guard case .vectors(let rows) = items else { throw unsuitable(items, expected: "a vector") }
    return try fc(rows.to(fc.weight.dtype).to(fc.weight.device))
  }

  public func reset(using generator: Generator) throws { try fc.linear.drawXavier(using: generator) }
}
