import Foundation

/// How the elements of a new parameter are chosen: `Initializer.xavierUniform()([out, in], using: generator)`.
///
/// With a generator of the same seed on the cpu, the numbers are those of PyTorch's function of that name.
public struct Initializer: Sendable {
  /// Which of a weight's sizes keeps the variance: of activations going forward, or of gradients going back.
  public enum Fan: Sendable {
    case inputs, outputs
  }

  private let make:
    @Sendable (_ shape: [Int], _ dtype: DataType, _ generator: Generator) throws(TorchError) -> Tensor

  private init(
    _ make:
      @escaping @Sendable (_ shape: [Int], _ dtype: DataType, _ generator: Generator) throws(TorchError) ->
      Tensor
  ) { self.make = make }

  /// A new tensor. Weights are `[outputs, inputs, window…]`.
  ///
  /// - Throws: ``TorchError`` when the initializer needs the sizes of a weight and the shape has fewer than
  ///   two dimensions.
  public func callAsFunction(
    _ shape: [Int], _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) -> Tensor { try make(shape, dtype, generator) }

  /// One number everywhere.
  public static func constant(_ number: Double) -> Initializer {
    Initializer { shape, dtype, _ throws(TorchError) in try Tensor.full(shape, number, dtype) }
  }

  /// Uniform between two bounds.
  public static func uniform(from lower: Double, to upper: Double) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      try Op.uniform(
        .tensor(Tensor.zeros(shape, dtype)), .double(lower), .double(upper), .generator(generator))
    }
  }

  /// Normal.
  public static func normal(mean: Double = 0, deviation: Double = 1) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      try Op.normal(
        .tensor(Tensor.zeros(shape, dtype)), .double(mean), .double(deviation), .generator(generator))
    }
  }

  /// Uniform in ±gain·√(6 / (inputs + outputs)) (Glorot & Bengio, AISTATS 2010, eq. 16).
  public static func xavierUniform(gain: Double = 1) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      let (inputs, outputs) = try fans(of: shape)
      let bound = gain * (2 / (inputs + outputs)).squareRoot() * 3.0.squareRoot()
      return try uniform(from: -bound, to: bound)(shape, dtype, using: generator)
    }
  }

  /// Uniform in ±√(6 / ((1 + slope²)·fan)), for rectifiers of that negative slope (He et al., ICCV 2015, eq. 15).
  public static func kaimingUniform(slope: Double = 0, keeping fan: Fan = .inputs) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      let bound = try 3.0.squareRoot() * kaimingDeviation(shape, slope, fan)
      return try uniform(from: -bound, to: bound)(shape, dtype, using: generator)
    }
  }

  /// Normal of deviation √(2 / ((1 + slope²)·fan)), for rectifiers of that negative slope (He et al., ICCV 2015).
  public static func kaimingNormal(slope: Double = 0, keeping fan: Fan = .inputs) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      try normal(deviation: kaimingDeviation(shape, slope, fan))(shape, dtype, using: generator)
    }
  }

  /// PyTorch's own for weights of linear and convolutional layers: uniform in ±1/√inputs.
  public static var standard: Initializer { kaimingUniform(slope: 5.0.squareRoot()) }

  /// PyTorch's own for biases beside a weight of that shape: uniform in ±1/√inputs of the weight.
  public static func standardBias(beside weight: [Int]) -> Initializer {
    Initializer { shape, dtype, generator throws(TorchError) in
      let inputs = try fans(of: weight).inputs
      let bound = inputs > 0 ? 1 / inputs.squareRoot() : 0
      return try uniform(from: -bound, to: bound)(shape, dtype, using: generator)
    }
  }

  private static func kaimingDeviation(_ shape: [Int], _ slope: Double, _ fan: Fan) throws(TorchError)
    -> Double
  {
    let (inputs, outputs) = try fans(of: shape)
    return (2 / (1 + slope * slope)).squareRoot() / (fan == .inputs ? inputs : outputs).squareRoot()
  }

  private static func fans(of shape: [Int]) throws(TorchError) -> (inputs: Double, outputs: Double) {
    guard shape.count >= 2 else {
      throw TorchError(
        operation: "initialise", shapes: [shape], message: "needs a weight of outputs, inputs and windows")
    }
    let window = shape.dropFirst(2).reduce(1, *)
    return (Double(shape[1] * window), Double(shape[0] * window))
  }

  private enum Op {
    static let uniform = Operator("uniform")
    static let normal = Operator("normal_functional")
  }
}
