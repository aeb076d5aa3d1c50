/// Layers one after the other, named `0`, `1`, … as in PyTorch's `Sequential`.
///
/// ```swift
/// let network = try Sequential {
///   try Linear(from: 784, to: 128, using: generator)
///   Activation(.relu)
///   Dropout(0.5)
///   try Linear(from: 128, to: 10, using: generator)
/// }
/// ```
public final class Sequential: Layer {
  @Named public private(set) var layers: [any Layer]

  public init(@LayerBuilder _ layers: () throws -> [any Layer]) rethrows {
    _layers = Named(wrappedValue: try layers(), "")
  }

  public init(_ layers: [any Layer]) { _layers = Named(wrappedValue: layers, "") }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    var x = x
    for layer in layers { x = try layer(x, pass) }
    return x
  }
}

/// Lists the layers of a ``Sequential``.
@resultBuilder
public enum LayerBuilder {
  public static func buildExpression(_ layer: any Layer) -> [any Layer] { [layer] }
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  public static func buildEither(first: [any Layer]) -> [any Layer] { first }
  public static func buildEither(second: [any Layer]) -> [any Layer] { second }
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
