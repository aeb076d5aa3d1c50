/// Sets elements to zero with a probability while training, and divides the others by the probability that they
/// stay (Srivastava et al., JMLR 2014). With a generator of the same seed on the cpu it drops what PyTorch drops.
public final class Dropout: Layer {
  /// That an element is dropped, in `0...1`.
  public let probability: Double

  public init(_ probability: Double) { self.probability = probability }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try x.dropped(probability, pass)
  }
}

extension Tensor {
  /// Dropout of that probability in `0...1`; the tensor itself in evaluation.
  public func dropped(_ probability: Double, _ pass: Pass) throws(TorchError) -> Tensor {
    guard case .training(let generator, _) = pass, probability > 0 else { return self }
    guard probability <= 1 else {
      throw TorchError(operation: "dropout", message: "\(probability) is no probability")
    }
    if probability == 1 { return try self * 0 }
    let mask = try withoutGradient { () throws(TorchError) in
      try DropoutOp.bernoulli(.tensor(self), .double(1 - probability), .generator(generator))
        / (1 - probability)
    }
    return try self * mask
  }
}

private enum DropoutOp {
  static let bernoulli = Operator("bernoulli.p")
}
