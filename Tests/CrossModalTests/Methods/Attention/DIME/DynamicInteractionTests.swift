import Testing
import Torch

@testable import CrossModal

@Suite("Dynamic interaction")
struct DynamicInteractionTests {
  static func sizes(_ change: (inout DynamicInteraction.Sizes) -> Void = { _ in }) -> DynamicInteraction.Sizes
  {
    var attention = CrossAttention()
    attention.lambdaSoftmax = 4
    var sizes = DynamicInteraction.Sizes(
      size: 16, routerHidden: 10, reasoningHidden: 12, heads: 4, attention: attention)
    change(&sizes)
    return sizes
  }

  /// A network in float64 whose gates are open or shut as a bias says.
  static func network(bias: [Double]? = nil, seed: UInt64 = 1) throws -> DynamicInteraction {
    let network = try DynamicInteraction(sizes(), using: Generator(seed: seed))
    for entry in network.stateEntries where entry.tensor.dtype.isFloatingPoint {
      var tensor = try entry.tensor.detached().to(.float64)
      if let bias, entry.name.hasSuffix("router.mlp.2.bias") {
        tensor = try Tensor(Array(bias.prefix(tensor.count)))
      }
      entry.tensor = tensor
    }
    return network
  }

  static func items(_ lengths: [Int], seed: UInt64) throws -> DynamicInteraction.Items {
    let rows = try Tensor.normal(
      [lengths.count, lengths.max() ?? 1, 16], .float64, using: Generator(seed: seed))
    return .init(features: try rows.normalized(along: 2), lengths: lengths)
  }

  static func partners(_ lengths: [Int], seed: UInt64) throws -> InteractionPartners {
    let given = try items(lengths, seed: seed)
    let whole = try Tensor.normal([lengths.count, 16], .float64, using: Generator(seed: seed + 100))
    return InteractionPartners(
      global: try whole.normalized(along: 1), contexts: given.features,
      counts: try Tensor.counting(lengths, below: given.features.size(along: 1), on: .cpu))
  }

  private static func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try (a - b).magnitude().max().item()
  }

  @Test("a score is that of the pair alone, whatever the company, the order and the padding")
  func company() throws {
    // Some gates are open, some shut, some differ from pair to pair.
    let network = try Self.network(bias: [0.05, -0.02, 0.3, -1])
    let (items, partners) = (try Self.items([4, 6, 4, 1], seed: 2), try Self.partners([3, 5, 2], seed: 3))
    let scores = try network.scores(items, partners)
    #expect(scores.shape == [4, 3])
    for item in 0..<4 {
      let length = items.lengths[item]
      let own = try items.features[item..<item + 1].narrowed(to: 0..<length, along: 1)
      // Local features in reverse.
      let alone = DynamicInteraction.Items(features: try own.reversed(along: 1), lengths: [length])
      for partner in 0..<3 {
        let words = [3, 5, 2][partner]
        let beside = InteractionPartners(
          global: try partners.global[partner..<partner + 1],
          contexts: try partners.contexts[partner..<partner + 1].narrowed(to: 0..<words, along: 1))
        #expect(try Self.difference(network.scores(alone, beside), scores[item][partner]) < 1e-12)
      }
    }
    #expect(try scores.magnitude().max().item() <= 1)
  }

  @Test("weights of an output add up to 1 unless it is dead, and gates are below 1")
  func weights() throws {
    let network = try Self.network()
    let (items, partners) = (try Self.items([4, 4], seed: 2), try Self.partners([3, 3], seed: 3))
    let outcome = try network(network.locals(items.features), network.partners(partners))
    for weights in outcome.weights.prefix(2) {
      #expect(try (weights.sum(along: 2) - 1).magnitude().max().item() < 1e-6)
    }
    #expect(try outcome.weights[2].max().item() < 1 && outcome.weights[2].min().item() >= 0)
    #expect(try outcome.paths().shape == [2, DynamicInteraction.pathSize])
    let alike = try network.similarities(ofPaths: outcome.paths())
    #expect(try (alike.diagonal() - 1).magnitude().max().item() < 1e-12)
  }

  @Test("where all gates are shut, layers give the rectified identity and the last the mean of what it got")
  func dead() throws {
    let network = try Self.network(bias: [-40, -40, -40, -40])
    let (items, partners) = (try Self.items([4, 4], seed: 2), try Self.partners([3, 3], seed: 3))
    let outcome = try network(network.locals(items.features), network.partners(partners))
    let rectified = try items.features.relu().unsqueezed(at: 1)
    for outputs in outcome.layers {
      #expect(try Self.difference(outputs, rectified.expanded(to: outputs.shape)) < 1e-12)
    }
    #expect(try outcome.paths().magnitude().max().item() == 0)
  }

  @Test("a vector guides by the signs of its channels alone")
  func signs() throws {
    let network = try Self.network()
    let items = try Self.items([4, 3], seed: 2)
    var partners = try Self.partners([3, 5], seed: 3)
    let outcome = try network.scores(items, partners)
    partners.global = try partners.global * 3
    #expect(try Self.difference(network.scores(items, partners), outcome * 3) < 1e-12)
  }

  @Test(
    "the loss in blocks has the value and the gradient of all pairs at once",
    arguments: [[4, 4, 4], [4, 2, 5]])
  func blocks(lengths: [Int]) throws {
    let (items, partners) = (try Self.items(lengths, seed: 2), try Self.partners([3, 5, 2], seed: 3))
    let weights = try Tensor.normal([3, 3], .float64, using: Generator(seed: 7))
    func found(isWhole: Bool) throws -> (value: Double, slopes: [Tensor], mean: Tensor) {
      let network = try Self.network(bias: [0.05, -0.02, 0.3, -1])
      let features = try items.features.requiringGradient()
      let own = DynamicInteraction.Items(features: features, lengths: lengths)
      func objective(_ scores: Tensor, _ paths: Tensor) throws -> ObjectiveValue {
        ObjectiveValue(
          total: try (scores * weights).sum() + network.similarities(ofPaths: paths).squared().sum())
      }
      let value = try network.loss(
        own, partners, .training(Generator(seed: 0)), block: isWhole ? 100 : 2, objective)
      let inputs = [features] + network.parameters.map(\.tensor)
      let slopes = try Tensor.gradients(of: [value.total], by: inputs)
      return (
        try value.total.item(),
        try zip(slopes, inputs).map { try $0 ?? $1.detached().zerosLike() }, network.bn.runningMean
      )
    }
    let (whole, parts) = (try found(isWhole: true), try found(isWhole: false))
    #expect(abs(whole.value - parts.value) < 1e-11)
    #expect(try Self.difference(whole.mean, parts.mean) < 1e-12)
    for (one, other) in zip(whole.slopes, parts.slopes) { #expect(try Self.difference(one, other) < 1e-10) }
    #expect(try whole.slopes[0].magnitude().max().item() > 0)
  }
}
