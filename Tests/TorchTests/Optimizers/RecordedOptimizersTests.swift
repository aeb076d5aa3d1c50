import Testing
import Torch

@Suite("Optimisers against PyTorch")
struct RecordedOptimizersTests {
  private let recorded: Recorded
  private let network: Sequential

  init() throws {
    recorded = try Recorded("optimisers")
    let generator = try Generator(seed: 0)
    network = try Sequential {
      try Linear(from: 4, to: 5, .float64, using: generator)
      Activation(.tanh)
      try Linear(from: 5, to: 2, .float64, using: generator)
    }
    try network.load(recorded.all(below: "start"), from: "recorded")
  }

  private func backward() throws -> Double {
    try network.parameters.clearGradients()
    let loss = try (network(recorded["x"], .evaluation) - recorded["y"]).squared().mean()
    try loss.backward()
    return try loss.item()
  }

  private func expectEnd(_ name: String, _ losses: [Double]) throws {
    try recorded.expect(Tensor(losses), equals: "\(name)/losses")
    for entry in network.parameters {
      try recorded.expect(entry.tensor, equals: "\(name)/end/\(entry.name)")
    }
  }

  private func optimizer(_ name: String) throws -> (any Optimizer, rate: Double) {
    let all = network.parameters
    switch name {
    case "sgd": return (SGD(all), 0.1)
    case "sgd-momentum": return (SGD(all, momentum: 0.9), 0.1)
    case "sgd-nesterov": return (SGD(all, momentum: 0.8, isNesterov: true, weightDecay: 0.01), 0.1)
    case "adam": return (Adam(all), 0.02)
    case "adam-decay": return (Adam(all, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1), 0.02)
    case "adamw": return (Adam(all, weightDecay: 0.1, isDecoupled: true), 0.02)
    case "rmsprop": return (RMSprop(all), 0.01)
    case "rmsprop-centred":
      return (RMSprop(all, smoothing: 0.9, momentum: 0.5, isCentered: true, weightDecay: 0.01), 0.01)
    default:
      let groups = [
        OptimizerGroup(Array(all[..<2])),
        OptimizerGroup(Array(all[2...]), rateFactor: 0.05, weightDecay: 0.5),
      ]
      return (Adam(groups: groups), 0.02)
    }
  }

  @Test(
    "eight steps end at the same weights",
    arguments: [
      "sgd", "sgd-momentum", "sgd-nesterov", "adam", "adam-decay", "adamw", "rmsprop", "rmsprop-centred",
      "groups",
    ])
  func steps(name: String) throws {
    let (optimizer, rate) = try self.optimizer(name)
    var losses: [Double] = []
    for _ in 0..<8 {
      losses.append(try backward())
      try optimizer.step(learningRate: rate)
    }
    try expectEnd(name, losses)
  }

  @Test("clipped gradients have the same norms and lead to the same weights")
  func clipping() throws {
    let optimizer = SGD(network.parameters)
    var (losses, norms): ([Double], [Double]) = ([], [])
    for _ in 0..<8 {
      losses.append(try backward())
      norms.append(try network.parameters.clipGradients(to: 0.3))
      try optimizer.step(learningRate: 0.5)
    }
    try expectEnd("clipped", losses)
    try recorded.expect(Tensor(norms), equals: "clipped/norms")
  }

  @Test("L-BFGS takes the same way, with its line search and without")
  func lbfgs() throws {
    for (name, optimizer, rate) in [
      ("lbfgs", LBFGS(network.parameters, iterations: 7, history: 4), 1.0),
      ("lbfgs-fixed", LBFGS(network.parameters, iterations: 5, searchesLine: false), 0.3),
    ] {
      try network.load(recorded.all(below: "start"), from: "recorded")
      var losses: [Double] = []
      for _ in 0..<8 { losses.append(try optimizer.step(learningRate: rate, backward).before) }
      try expectEnd(name, losses)
    }
  }

  @Test("the moving average of the weights")
  func movingAverage() throws {
    let average = try MovingAverage(of: network.parameters, decay: 0.7)
    let optimizer = SGD(network.parameters)
    for _ in 0..<4 {
      _ = try backward()
      try optimizer.step(learningRate: 0.1)
      try average.update()
    }
    for (name, tensor) in average.state { try recorded.expect(tensor, equals: "average/\(name)") }
  }

  @Test("Rosenbrock's valley in ten dimensions is walked down the same way to its bottom")
  func rosenbrock() throws {
    final class Place: Module {
      @Parameter var x: Tensor
      init() throws { x = try Tensor((0..<10).map { $0.isMultiple(of: 2) ? -1.2 : 1.0 }) }
    }
    let place = try Place()
    let optimizer = LBFGS(place.parameters, iterations: 10)
    let way = try recorded["rosenbrock"]
    for step in 0..<way.size(along: 0) {
      try optimizer.step {
        let (a, b) = (try place.x[0..<9], try place.x[1..<10])
        let loss = try ((b - a.squared()).squared() * 100 + (1 - a).squared()).sum()
        try loss.backward()
        return try loss.item()
      }
      #expect(try place.x.detached().isClose(to: way[step], absolute: 1e-6))
    }
  }

  @Test("autocast computes in bfloat16 and leaves the gradients in float32")
  func autocast() throws {
    let layer = try Linear(from: 8, to: 4, using: Generator(seed: 0))
    try layer.load(
      [("weight", recorded["autocast/weight"]), ("bias", recorded["autocast/bias"])], from: "recorded")
    let y = try withAutocast { try layer(recorded["autocast/x"]) }
    #expect(y.dtype == .bfloat16)
    try recorded.expect(y, equals: "autocast/y", to: 0.01)
    try y.to(.float32).squared().sum().backward()
    #expect(layer.weight.gradient?.dtype == .float32)
    try recorded.expect(layer.weight.gradient, equals: "autocast/grad", to: 0.05)
    #expect(try layer(recorded["autocast/x"]).dtype == .float32)
  }
}
