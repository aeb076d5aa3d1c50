import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Pooling of sets")
struct FragmentPoolingTests {
  private func sets(_ lengths: [Int], size: Int = 5) throws -> Tensor {
    try Tensor.normal([lengths.count, lengths.max() ?? 0, size], using: Generator(seed: 3))
  }

  @Test(
    "every recorded number of the generalised pooling operator comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"))
  func recorded() { #expect(GoldenFolder.failure(of: "vsepp/gpo-pool") == nil) }

  @Test(
    "padding has no influence, nor have the other rows",
    arguments: [FragmentPooling.mean, .max, .largest(2), .gpo])
  func padding(kind: FragmentPooling) throws {
    let lengths = [4, 1, 3]
    let pool = try FragmentPool(kind, using: Generator(seed: 1))
    let values = try sets(lengths)
    let whole = try pool(values, lengths: lengths)
    #expect(whole.shape == [3, 5])
    let spoiled = try values.masked(
      with: Tensor.counting(lengths, below: 4, on: .cpu).not().unsqueezed(at: 2), fill: 1e30)
    #expect(try pool(spoiled, lengths: lengths).isClose(to: whole, absolute: 1e-6))
    for (row, length) in lengths.enumerated() {
      let alone = try pool(values[row..<row + 1].narrowed(to: 0..<length, along: 1), lengths: [length])
      #expect(try alone.isClose(to: whole[row..<row + 1], absolute: 1e-5))
    }
  }

  @Test("the order of a set means nothing", arguments: [FragmentPooling.mean, .max, .largest(2), .gpo])
  func order(kind: FragmentPooling) throws {
    let pool = try FragmentPool(kind, using: Generator(seed: 1))
    let values = try sets([4, 4])
    let turned = try values.rows(at: [2, 0, 3, 1], along: 1)
    #expect(try pool(turned, lengths: [4, 4]).isClose(to: pool(values, lengths: [4, 4]), absolute: 1e-6))
  }

  @Test("the mean of the largest takes so many of each dimension, or all there are")
  func largestFew() throws {
    let values = try Tensor([1.0, 9, 4, 2, 3, 7, 5, 6, 0, 0, 0, 0], shape: [2, 3, 2])
    let found = try values.meanOfLargest(2, ofFirst: [3, 1])
    #expect(try found.values(as: Double.self) == [3.5, 8, 5, 6])
    #expect(FragmentPooling(rawValue: "k_max") == .largest(10))
    for kind in [FragmentPooling.before, .mean, .max, .largest(4), .gpo] {
      #expect(FragmentPooling(rawValue: kind.rawValue) == kind)
    }
    for bad in ["k_max(0)", "k_max()", "least"] { #expect(FragmentPooling(rawValue: bad) == nil) }
    let settings: JSON = ["image_encoder": "regions(k_max(5))", "text_encoder": "gru"]
    let configuration = try VSEPlusPlus.Configuration(overrides: settings)
    #expect(configuration.encoder[0] == .regions(.largest(5)))
    #expect(try VSEPlusPlus.Configuration(overrides: configuration.tree()) == configuration)
  }

  @Test("without weights in its last layer the generalised operator is the mean")
  func mean() throws {
    let pool = try GeneralizedPooling(using: Generator(seed: 1))
    for entry in pool.parameters where entry.name == "linear.weight" {
      entry.tensor = try entry.tensor.zerosLike()
    }
    let values = try sets([4, 2])
    #expect(try pool(values, lengths: [4, 2]).isClose(to: values.meanOfFirst([4, 2]), absolute: 1e-6))
  }

  @Test("weights of each length sum to 1 and are 0 behind it")
  func weights() throws {
    let pool = try GeneralizedPooling(using: Generator(seed: 1))
    let weights = try pool.weights(for: [3, 5, 1, 3], like: Tensor.zeros([1]))
    #expect(weights.shape == [4, 5])
    #expect(try weights.sum(along: 1).values(as: Double.self).allSatisfy { abs($0 - 1) < 1e-6 })
    let rows = try (0..<4).map { try weights[$0].values(as: Float.self) }
    #expect(rows[0] == rows[3] && rows[0][3...] == [0, 0] && rows[2] == [1, 0, 0, 0, 0])
  }

  @Test("the largest of each dimension, by hand")
  func largest() throws {
    let values = try Tensor([Float](arrayLiteral: 1, 9, 5, 2, 7, 7), shape: [1, 3, 2])
    #expect(try values.maximumOfFirst([2]).values(as: Float.self) == [5, 9])
    #expect(try values.meanOfFirst([2]).values(as: Float.self) == [3, 5.5])
  }

  @Test("lengths that do not fit are errors")
  func misfits() throws {
    let pool = try GeneralizedPooling(using: Generator(seed: 1))
    #expect(throws: TorchError.self) { try pool(Tensor.zeros([2, 3, 4]), lengths: [2, 4]) }
    #expect(throws: TorchError.self) { try pool(Tensor.zeros([2, 3, 4]), lengths: [2, 0]) }
    #expect(throws: ConfigurationError.self) {
      try GeneralizedPooling(temperature: 0, using: Generator(seed: 1))
    }
  }

  @Test("thinning keeps the order, leaves out about a tenth, and is as its generator says")
  func thinning() throws {
    let lengths = Array(repeating: 20, count: 400)
    let numbers = try Tensor.range(0..<20).to(.float32).reshaped(1, 20, 1).expanded(to: [400, 20, 1])
      .contiguous()
    let pass = { Pass.training(try Generator(seed: 4)) }
    let (values, kept) = try pass().thinned(numbers, lengths: lengths)
    for row in 0..<400 {
      let own = try values[row].values(as: Float.self).prefix(kept[row])
      #expect(zip(own, own.dropFirst()).allSatisfy { $0 < $1 } && kept[row] >= 1)
    }
    // The mean of 0.2 u over u above 0.2 is 0.096.
    let share = 1 - Double(kept.reduce(0, +)) / 8000
    #expect(abs(share - 0.096) < 0.015, "\(share)")
    #expect(try pass().thinned(numbers, lengths: lengths).lengths == kept)
    let (same, all) = try Pass.evaluation.thinned(numbers, lengths: lengths)
    #expect(all == lengths && same.shape == numbers.shape)
  }
}
