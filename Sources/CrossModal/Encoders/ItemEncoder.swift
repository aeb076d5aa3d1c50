import Torch

/// A network that makes one vector of each item of a modality, whatever the items are: what a branch of a method
/// of metric learning is.
public protocol ItemEncoder: Module {
  /// Width of the vectors.
  var size: Int { get }
  /// How many items are encoded at a time where no gradient is wanted.
  var blockSize: Int { get }
  /// Vectors of items, `[n, size]`.
  ///
  /// - Parameters:
  ///   - items: of the kind that the network was made for; numbers as ``InputScaling`` gives them where there is
  ///     one before the network.
  ///   - pass: training, with the generator of every random choice, or evaluation.
  /// - Throws: ``ConfigurationError`` for items of another kind; ``DataError`` from reading pictures.
  func vectors(of items: Items, _ pass: Pass) throws -> Tensor
  /// Draws the parameters anew, but for those that were trained before and loaded.
  func reset(using generator: Generator) throws
}

extension ItemEncoder {
  public var blockSize: Int { 1024 }

  /// What to say of items that this network does not take.
  func unsuitable(_ items: Items, expected: String) -> ConfigurationError {
    ConfigurationError.badValue(
      key: "encoder", value: "an item of kind \(items.kind.rawValue)", expected: expected)
  }
}
