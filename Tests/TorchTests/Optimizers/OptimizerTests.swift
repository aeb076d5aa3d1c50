import Foundation
import Testing
import Torch

@Suite("Optimisers")
struct OptimizerTests {
  /// Two parameters, one of which no loss here uses.
  final class Pair: Module {
    @Parameter var used: Tensor
    @Parameter var unused: Tensor
    init() throws {
      used = try Tensor([1.0, -2, 3])
      unused = try Tensor([5.0])
    }

    func backward() throws {
      try parameters.clearGradients()
      try (used.squared() * Tensor([0.5, 1, 1.5])).sum().backward()
    }
  }

  static func all(_ entries: [StateEntry]) -> [any Optimizer] {
    [
      SGD(entries), SGD(entries, momentum: 0.9), Adam(entries),
      Adam(entries, weightDecay: 0.1, isDecoupled: true),
      RMSprop(entries), RMSprop(entries, momentum: 0.9, isCentered: true),
    ]
  }

  @Test("a step follows the gradient and leaves parameters without one alone", arguments: 0..<6)
  func steps(kind: Int) throws {
    let pair = try Pair()
    let optimizer = OptimizerTests.all(pair.parameters)[kind]
    let before = pair.used
    try pair.backward()
    try optimizer.step(learningRate: 0.01)
    let moved = try (pair.used - before).sign().values(as: Double.self)
    #expect(moved == [-1, 1, -1])
    #expect(try pair.unused.values() == [5.0])
    #expect(try before.values() == [1.0, -2, 3])
    #expect(pair.used.requiresGradient)
  }

  @Test("a state that was saved and loaded continues to the same bits", arguments: 0..<6)
  func resumes(kind: Int) throws {
    let (one, two) = (try Pair(), try Pair())
    let (first, second) = (OptimizerTests.all(one.parameters)[kind], OptimizerTests.all(two.parameters)[kind])
    for _ in 0..<3 {
      try one.backward()
      try first.step(learningRate: 0.01)
    }
    try two.load(one.state, from: "memory")
    let state = try first.state
    try second.load(Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }))
    for _ in 0..<2 {
      try one.backward()
      try first.step(learningRate: 0.01)
      try two.backward()
      try second.step(learningRate: 0.01)
    }
    #expect(try one.used.values(as: Double.self) == two.used.values(as: Double.self))
  }

  @Test("a state that does not fit is refused with every name at once")
  func strictState() throws {
    let pair = try Pair()
    let optimizer = Adam(pair.parameters)
    let error = try #require(throws: OptimizerError.self) {
      try optimizer.load([
        "exp_avg.used": Tensor([1.0]), "step.used": Tensor(1.0), "exp_avg.other": Tensor([1.0]),
      ])
    }
    #expect(error.missing == ["exp_avg_sq.used"])
    #expect(error.misshaped == ["exp_avg.used"])
    #expect(error.unexpected == ["exp_avg.other"])
    #expect(error.localizedDescription.contains("exp_avg_sq.used"))
  }

  @Test("groups have a rate and a decay of their own, and frozen parameters stay")
  func groups() throws {
    let pair = try Pair()
    let optimizer = SGD(
      groups: [
        OptimizerGroup([pair.parameters[0]], rateFactor: 0.5, weightDecay: 1),
        OptimizerGroup([pair.parameters[1]], weightDecay: 0),
      ])
    try (pair.used.sum() + pair.unused.sum()).backward()
    try optimizer.step(learningRate: 0.1)
    #expect(try pair.used.isClose(to: Tensor([0.9, -1.95, 2.8]), absolute: 1e-12))
    #expect(try pair.unused.isClose(to: Tensor([4.9]), absolute: 1e-12))
    try pair.parameters[0].freeze()
    #expect(!pair.used.requiresGradient)
    try pair.unused.sum().backward()
    try optimizer.step(learningRate: 0.1)
    #expect(try pair.used.isClose(to: Tensor([0.9, -1.95, 2.8]), absolute: 1e-12))
  }

  @Test("clipping shortens all gradients as one vector, and only when they are too long")
  func clipping() throws {
    let pair = try Pair()
    try (pair.used.sum() * 2 + pair.unused.sum() * 2).backward()
    #expect(try abs(pair.parameters.clipGradients(to: 10) - 4) < 1e-12)
    #expect(try pair.unused.gradient?.values() == [2.0])
    #expect(try abs(pair.parameters.clipGradients(to: 1) - 4) < 1e-12)
    #expect(try abs(pair.parameters.gradientNorm() - 1) < 1e-6)
  }

  @Test("the moving average follows the state, and stands in for it when asked")
  func movingAverage() throws {
    let pair = try Pair()
    let average = try MovingAverage(of: pair.stateEntries, decay: 0.75)
    pair.unused = try Tensor([9.0])
    try average.update()
    #expect(try average.state[1].tensor.values() == [6.0])
    try average.applied { try #expect(pair.unused.values() == [6.0]) }
    #expect(try pair.unused.values() == [9.0])
  }
}
