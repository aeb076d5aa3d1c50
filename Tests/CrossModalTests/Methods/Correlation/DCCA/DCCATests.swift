import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("DCCA")
struct DCCATests {
  private func method(
    _ data: MemoryPairs, _ change: (inout DCCA.Configuration) -> Void = { _ in }
  ) throws -> DCCA {
    var configuration = DCCA.Configuration()
    configuration.hidden = PerView([[6]])
    configuration.outputs = 3
    change(&configuration)
    return try DCCA(configuration, for: data.description)
  }

  private func training(
    _ method: DCCA, _ data: MemoryPairs, _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) -> TrainingConfiguration {
    var training = DCCA.trainingDefaults(method.configuration, pairs: data.count)
    change(&training)
    return training
  }

  /// Total correlation of a linear CCA with the same ridge.
  private func linear(_ data: MemoryPairs, ridge: Double) throws -> Double {
    var joint = try JointCovariance(views: ["x", "y"], widths: [5, 6])
    try joint.add([data.x, data.y])
    return try CanonicalFit(
      joint, with: CanonicalSolver(ridges: [.absolute(ridge), .absolute(ridge)], components: .exactly(3))
    ).achieved.sum().item()
  }

  @Test("networks without hidden layers, trained to the end, reach linear CCA")
  func reachesLinear() throws {
    let data = try MemoryPairs.related(200)
    let method = try method(data) {
      $0.hidden = PerView([[]])
      ($0.r1, $0.r2, $0.finalRidge) = (1e-6, 1e-6, 1e-6)
    }
    let outcome = try Trainer(method, training: training(method, data) { $0.weightDecay = 0 }, data: data)
      .run()
    let reached: Double = try method.correlations(
      method.encode(.vectors(data.x), side: 0), method.encode(.vectors(data.y), side: 1)
    ).reduce(0, +)
    #expect(abs(reached - (try linear(data, ridge: 1e-6))) < 1e-4)
    #expect(outcome.steps <= 200)
  }

  @Test("every objective trains and is no worse than it began", arguments: DCCA.Objective.allCases)
  func objectives(objective: DCCA.Objective) throws {
    let data = try MemoryPairs.related(120)
    let method = try method(data) {
      $0.objective = objective
      $0.topk = objective == .topk ? 2 : nil
      $0.lambda = objective == .convexMean ? 0.1 : 1e-2
    }
    let losses = Locked<[Double]>([])
    try Trainer(
      method,
      training: training(method, data) {
        $0.epochs = 8
        $0.batchSize = objective == .noi ? 40 : nil
      }, data: data
    ) { if case .step(let progress) = $0 { losses.append(progress.loss) } }.run()
    let all = losses.value
    #expect(all.suffix(3).reduce(0.0, +) <= all.prefix(3).reduce(0.0, +))
    #expect(try method.encode(.vectors(data.x), side: 0).values.isFinite().all())
  }

  @Test("columns that vary too little for float32 are told before training")
  func tinyNumbers() throws {
    let data = try MemoryPairs.related(40)
    let tiny = MemoryPairs(x: try data.x.to(.float64) * 1e-39, y: data.y)
    let error = #expect(throws: MethodError.self) {
      let method = try method(tiny)
      try Trainer(method, training: training(method, tiny), data: tiny).run()
    }
    #expect(error?.localizedDescription.hasPrefix("dcca: the columns of x vary by ") == true)
  }

  @Test("a batch of all pairs in pieces gives the gradient of one pass")
  func pieces() throws {
    let data = try MemoryPairs.related(50)
    let gradients = try [7, 50].map { chunk in
      let method = try method(data) { $0.forwardChunk = chunk }
      for entry in method.stateEntries { try entry.prepareForTraining(as: .float64) }
      let loss = try method.loss(data.all().to(.cpu, .float64), Step())
      try loss.backward(weight: 0.5)
      let all = try method.parameters.map { try #require($0.gradient) }
      return (try loss.total.item(as: Double.self), all)
    }
    #expect(abs(gradients[0].0 - gradients[1].0) < 1e-12)
    for (a, b) in zip(gradients[0].1, gradients[1].1) { #expect(try a.isClose(to: b, absolute: 1e-10)) }
  }

  @Test("λ = 0 turns the autoencoder's loss into that of the paper")
  func withoutReconstruction() throws {
    let data = try MemoryPairs.related(40)
    let losses = try [DCCA.Objective.paper, .dccae].map { objective in
      let method = try method(data) {
        $0.objective = objective
        $0.lambda = 0
      }
      return try method.loss(data.all(), Step()).total.item(as: Double.self)
    }
    #expect(abs(losses[0] - losses[1]) < 1e-12)
  }

  @Test("pre-training starts nearer to the goal", arguments: [DCCA.Pretraining.dae, .linearCCA])
  func pretraining(kind: DCCA.Pretraining) throws {
    let data = try MemoryPairs.related(150)
    let first = try [DCCA.Pretraining.none, kind].map { kind in
      let method = try method(data) {
        $0.pretrain = kind
        $0.pretrainSteps = 20
      }
      try method.prepare(on: data, Preparation())
      return try method.loss(data.all(), Step()).total.item(as: Double.self)
    }
    #expect(first[1] < first[0])
  }

  @Test("batches no larger than the outputs are refused before training, and small ones warned of")
  func batchSizes() throws {
    let data = try MemoryPairs.related(30)
    let method = try method(data)
    #expect(throws: DeepCorrelationError.smallBatch(rows: 3, width: 3)) {
      try Trainer(method, training: training(method, data) { $0.batchSize = 3 }, data: data)
    }
    let notes = Locked<[String]>([])
    try Trainer(method, training: training(method, data) { $0.epochs = 1 }, data: data) {
      if case .note(let text) = $0 { notes.append(text) }
    }.run()
    #expect(notes.value.contains { $0.contains("warning: batches of 30 are small") })
  }

  @Test("ridges too small for a covariance end the training by name, or are raised where that is wanted")
  func raisesRidges() throws {
    // Both outputs are the same number a thousand times over, so that their covariance has rank one.
    let row = try Tensor((0..<40).map { Double($0) * 1e6 }, shape: [40, 1])
    let data = MemoryPairs(
      x: try row.matmul(Tensor.ones([1, 5], .float64)), y: try row.matmul(Tensor.ones([1, 6], .float64)))
    let train = { (raises: Bool) in
      let method = try method(data) {
        $0.hidden = PerView([[]])
        $0.scaling = .none
        ($0.r1, $0.r2, $0.raiseRidge) = (1e-12, 1e-12, raises)
      }
      try Trainer(method, training: training(method, data) { $0.epochs = 1 }, data: data).run()
      return method.fitReport?.warnings ?? []
    }
    let error = #expect(throws: DeepCorrelationError.self) { try train(false) }
    #expect(error?.errorDescription?.contains("r1 = 1e-12") == true)
    #expect(try train(true).contains { $0.contains("multiplied") })
  }

  @Test("outputs that are not finite are told with step and rows")
  func notFinite() throws {
    let data = try MemoryPairs.related(20)
    let method = try method(data) { $0.activation = .relu }
    let error = #expect(throws: TrainingError.self) {
      try Trainer(
        method,
        training: training(method, data) {
          $0.optimizer = .sgd
          $0.precision = .float32
          $0.batchSize = 10
          $0.learningRate = 1e38
        }, data: data
      ).run()
    }
    guard case .notFinite = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("settings out of range are refused by name")
  func validates() {
    for (key, value) in [("r1", "-1"), ("outputs", "0"), ("topk", "60"), ("rho", "1"), ("hidden", "[0]")] {
      let error = #expect(throws: ConfigurationError.self) {
        _ = try DCCA.Configuration(overrides: .object([.init(key, JSON(yaml: value))]))
      }
      #expect(error?.errorDescription?.hasPrefix(key) == true)
    }
  }
}
