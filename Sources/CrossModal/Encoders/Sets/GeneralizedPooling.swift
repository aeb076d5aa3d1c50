import Foundation
import Torch

/// The generalized pooling operator GPO (Chen, Hu, Wu, Jiang & Wang, "Learning the Best Pooling Strategy for
/// Visual Semantic Embedding", CVPR 2021, section 4): a weighted sum of the sorted values of each dimension, with
/// weights that a small recurrent network makes of the place in that order and of the number of vectors.
///
/// Parameters are named as in the authors' program: `gru.*`, `linear.weight`. Mean and maximum are among what it
/// can learn; it starts near the mean.
public final class GeneralizedPooling: Module {
  let gru: GRU
  let linear: Linear
  private let codeSize: Int
  private let hidden: Int
  private let temperature: Double

  /// - Parameters:
  ///   - codeSize: width of the code of a place.
  ///   - hidden: units of each direction of the recurrent network.
  ///   - temperature: divides the logits of the weights.
  /// - Throws: ``ConfigurationError`` for sizes below 1, a temperature that is not above 0.
  public init(
    codeSize: Int = 32, hidden: Int = 32, temperature: Double = 0.1, using generator: Generator
  ) throws {
    for (key, value, holds, expected) in [
      ("d_pe", "\(codeSize)", codeSize >= 1, "1 or more"),
      ("d_hidden", "\(hidden)", hidden >= 1, "1 or more"),
      ("softmax_temperature", "\(temperature)", temperature > 0 && temperature.isFinite, "above 0"),
    ] where !holds {
      throw ConfigurationError.badValue(key: key, value: value, expected: expected)
    }
    self.codeSize = codeSize
    self.hidden = hidden
    self.temperature = temperature
    gru = try GRU(from: codeSize, to: hidden, bidirectional: true, using: generator)
    linear = try Linear(from: hidden, to: 1, bias: false, using: generator)
  }

  /// One vector of the first `lengths[i]` vectors of each row.
  ///
  /// - Parameters:
  ///   - features: `[n, l, d]`.
  ///   - lengths: vectors of each row that count, `1...l`; the rest is padding and has no influence.
  /// - Returns: `[n, d]`.
  /// - Throws: ``TorchError`` when lengths do not fit.
  public func callAsFunction(_ features: Tensor, lengths: [Int]) throws(TorchError) -> Tensor {
    let longest = features.size(along: 1)
    let weights = try weights(for: lengths, places: longest, like: features)
    let isPadding = try Tensor.counting(lengths, below: longest, on: features.device).not()
      .unsqueezed(at: 2)
    // Padding comes last in the order, where its weight is 0; infinity times 0 would be no number.
    let sorted = try features.masked(with: isPadding, fill: -.infinity)
      .sorted(along: 1, descending: true).values.masked(with: isPadding, fill: 0)
    return try (sorted * weights.unsqueezed(at: 2)).sum(along: 1)
  }

  /// Weights of the places in the order of sizes, the largest value first: `[n, places]`, each row of sum 1, zero
  /// from its length on.
  ///
  /// - Parameters:
  ///   - places: columns, at least as many as the largest length; the largest length when nil.
  ///   - other: whose type and device the weights have.
  public func weights(
    for lengths: [Int], places: Int? = nil, like other: Tensor
  ) throws(TorchError) -> Tensor {
    // They depend on the length alone, so rows of one length share them.
    let unique = Array(Set(lengths)).sorted()
    let longest = places ?? unique.last ?? 0
    let code = try positions(longest).to(other.dtype).to(other.device)
    let input = try code.unsqueezed(at: 0).expanded(to: [unique.count, longest, codeSize]).contiguous()
    let states = try gru(input, lengths: unique).output.reshaped(unique.count, longest, 2, hidden)
    let logits = try linear(states.mean(along: 2)).squeezed(at: 2)
    let isPadding = try Tensor.counting(unique, below: longest, on: other.device).not()
    let weights = try (logits.masked(with: isPadding, fill: -10_000) / temperature).softmax(along: 1)
    let place = Dictionary(uniqueKeysWithValues: unique.enumerated().map { ($1, $0) })
    return try weights.rows(at: lengths.map { place[$0] ?? 0 })
  }

  /// Sines at even and cosines at odd entries, `[count, codeSize]`, float64.
  private func positions(_ count: Int) throws(TorchError) -> Tensor {
    let numbers = (0..<count).flatMap { place in
      (0..<codeSize).map { entry in
        let angle = Double(place) * pow(10_000, -2 * Double(entry / 2) / Double(codeSize))
        return entry % 2 == 0 ? sin(angle) : cos(angle)
      }
    }
    return try Tensor(numbers, shape: [count, codeSize])
  }

  /// Draws the parameters anew.
  public func reset(using generator: Generator) throws {
    try take(
      stateOf: GeneralizedPooling(
        codeSize: codeSize, hidden: hidden, temperature: temperature, using: generator))
  }
}
