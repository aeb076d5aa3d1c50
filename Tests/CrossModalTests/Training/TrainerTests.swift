import Foundation
import Testing
import Torch

@testable import CrossModal

/// A disk that fails.
private struct Crash: Error {}

@Suite("Trainer")
struct TrainerTests {
  private func training(_ change: (inout TrainingConfiguration) -> Void = { _ in }) -> TrainingConfiguration {
    var training = TwoViewToy.trainingDefaults(.init(), pairs: 0)
    change(&training)
    return training
  }

  private func toy(_ data: MemoryPairs, _ change: (inout TwoViewToy.Configuration) -> Void = { _ in }) throws
    -> TwoViewToy
  {
    var configuration = TwoViewToy.Configuration()
    change(&configuration)
    return try TwoViewToy(configuration, for: data.description)
  }

  @Test("a batch of training says what its sampler knows of neighbours; a held-out one says nothing")
  func group() throws {
    var data = try MemoryPairs.related(24)
    data.labels = (0..<24).map { $0 % 4 }
    let method = try TwoViewToy(.init(overrides: ["views": 3]), for: data.description)
    var training = TrainingConfiguration()
    training.epochs = 1
    try Trainer(method, training: training, data: data).run()
    #expect(method.group == 3)
    _ = try method.loss(data.all(), Step(isTraining: false))
    #expect(method.group == nil)
  }

  @Test("the loss falls and the outcome says how far it went")
  func learns() throws {
    let data = try MemoryPairs.related(40)
    let method = try toy(data) { $0.dropout = 0 }
    let losses = Locked<[Double]>([])
    let outcome = try Trainer(method, training: training { $0.epochs = 12 }, data: data) { event in
      if case .step(let progress) = event { losses.append(progress.loss) }
    }.run()
    #expect(outcome.ending == .completed)
    #expect(outcome.steps == 60)
    let (first, last) = (losses.value.prefix(5), losses.value.suffix(5))
    #expect(last.reduce(0.0, +) < first.reduce(0.0, +))
  }

  @Test("one seed gives the same bits, another seed others")
  func isReproducible() throws {
    let data = try MemoryPairs.related(24)
    let runs = try [0, 0, 1].map { (seed: UInt64) in
      let method = try toy(data)
      try Trainer(method, training: training(), data: data, seed: seed).run()
      return try bits(method)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0] != runs[2])
  }

  @Test(
    "a run that breaks off at any batch and resumes comes to the same bits",
    arguments: [
      TrainingConfiguration.OptimizerKind.adam, .adamw, .sgd, .rmsprop, .lbfgs,
    ])
  func resumes(optimizer: TrainingConfiguration.OptimizerKind) throws {
    let data = try MemoryPairs.related(24)
    let held = try MemoryPairs.related(12, seed: 2)
    let training = training {
      $0.optimizer = optimizer
      $0.momentum = 0.5
      $0.ema = 0.9
      $0.epochs = 3
      $0.checkpointEvery = 2
      $0.valEvery = 2
      $0.accumulate = optimizer == .lbfgs ? 1 : 2
      $0.batchSize = optimizer == .lbfgs ? nil : 5
    }
    let whole = try toy(data)
    let undisturbed = try TemporaryFolder()
    try Trainer(whole, training: training, data: data, validation: held, folder: undisturbed.url).run()
    for limit in [1, 2, 3, 5, 8, 11] {
      let folder = try TemporaryFolder()
      var method = try toy(data)
      var isDone = false
      var attempts = 0
      while !isDone, attempts < 60 {
        attempts += 1
        let batches = Locked(0)
        var failing = data
        // Later attempts get further, so that every run ends.
        failing.before = { _ in
          if batches.add(1) > limit + attempts { throw Crash() }
        }
        method = try toy(data)
        do {
          try Trainer(method, training: training, data: failing, validation: held, folder: folder.url).run()
          isDone = true
        } catch is Crash {}
      }
      #expect(isDone)
      #expect(try bits(method) == bits(whole), "limit \(limit)")
      let logs = try [undisturbed, folder].map { try MetricsLog.read($0.url) }
      #expect(logs[0] == logs[1])
    }
  }

  @Test("a loss that is not finite stops the run, names step, rows and cause, and never reaches a checkpoint")
  func stopsAtNaN() throws {
    let data = try MemoryPairs.related(16)
    let folder = try TemporaryFolder()
    let method = try toy(data) { $0.breaksAt = 3 }
    let error = #expect(throws: TrainingError.self) {
      try Trainer(method, training: training { $0.checkpointEvery = 2 }, data: data, folder: folder.url).run()
    }
    guard case .notFinite(let what, let epoch, let step, let rows, let saved?) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what == "the loss")
    #expect(epoch == 1)
    #expect(step == 3)
    #expect(rows.count == 8)
    let batch = try SafeTensors.read(saved)
    #expect(try batch["places"]?.values(as: Int.self) == rows)
    let checkpoints = Checkpoints(run: folder.url)
    let manifest = try #require(try checkpoints.manifest())
    #expect(manifest.state.step == 2)
    for entry in try checkpoints.last(manifest).weights { #expect(try entry.tensor.isFinite().all()) }
  }

  @Test("a step that makes weights infinite ends the run before they are measured or saved")
  func stopsAtInfiniteWeights() throws {
    let data = try MemoryPairs.related(16)
    let folder = try TemporaryFolder()
    let error = #expect(throws: TrainingError.self) {
      try Trainer(
        toy(data),
        training: training {
          $0.batchSize = 16
          $0.optimizer = .sgd
          $0.learningRate = 3e38
        }, data: data, validation: data, folder: folder.url
      ).run()
    }
    guard case .notFinite(let what, 0, 0, let rows, let saved?) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what.hasPrefix("the weight 'weight"))
    #expect(Set(rows) == Set(0..<16))
    #expect(try SafeTensors.read(saved)["x"]?.shape == [16, 5])
    #expect(try Checkpoints(run: folder.url).manifest()?.state.step == 0)
  }

  @Test("an input that is not finite is named with its row")
  func namesTheInput() throws {
    let clean = try MemoryPairs.related(8)
    var numbers = try clean.y.values(as: Float.self)
    numbers[5 * 6 + 1] = .infinity
    let data = MemoryPairs(x: clean.x, y: try Tensor(numbers, shape: clean.y.shape))
    let error = #expect(throws: TrainingError.self) {
      try Trainer(toy(data), training: training(), data: data).run()
    }
    guard case .notFinite(let what, _, 0, [5], nil) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what.contains("'y'"))
    #expect(error?.errorDescription?.contains("precision to float64") == true)
  }

  @Test("the best weights by the named measure are kept, and patience ends a run that no longer improves")
  func keepsTheBest() throws {
    let data = try MemoryPairs.related(24)
    let held = try MemoryPairs.related(10, seed: 5)
    let method = try toy(data)
    let measured = Locked<[Double]>([])
    let outcome = try Trainer(
      method,
      training: training {
        $0.epochs = 40
        $0.patience = 3
        $0.selectBy = "x_to_y.MRR"
      }, data: data, validation: held
    ) { event in
      if case .evaluation(_, _, let measures, _) = event {
        measured.append(measures.first { $0.name == "x_to_y.MRR" }?.value ?? -1)
      }
    }.run()
    #expect(outcome.ending == .patience)
    #expect(outcome.best?.value == measured.value.max())
    let kept = try method.measures(on: held, training: data, Preparation())
    #expect(kept.first { $0.name == "x_to_y.MRR" }?.value == measured.value.max())
  }

  @Test("held-out mAP goes by the classes that each modality has, as in an evaluation")
  func measuresByOwnClasses() throws {
    var held = try MemoryPairs.related(12, seed: 2)
    held.labels = (0..<12).map { $0 % 3 }
    held.labelsOfY = (0..<12).map { $0 / 4 }
    let method = try toy(held)
    let expected = try RetrievalEvaluation().metrics(
      of: method, method.encode(.vectors(held.x), side: 0), method.encode(.vectors(held.y), side: 1),
      truth: RetrievalTruth(first: 12, second: 12, labels: (held.labels, held.labelsOfY)),
      modalities: ["x", "y"])
    let measures = try method.measures(on: held, training: held, Preparation())
    for name in ["x_to_y.mAP", "y_to_x.mAP"] {
      let own = try #require(expected.values.first { $0.name == name }?.value)
      #expect(isClose(measures.first { $0.name == name }?.value ?? -1, own, 1e-9), "\(name)")
    }
  }

  @Test("val_every measures within epochs, too, where patience may end training; both are in the log")
  func measuresWithinEpochs() throws {
    let data = try MemoryPairs.related(40)
    let held = try MemoryPairs.related(12, seed: 2)
    func steps(_ change: (inout TrainingConfiguration) -> Void) throws -> (
      measured: [Int], logged: [Int], TrainingOutcome
    ) {
      let folder = try TemporaryFolder()
      let measured = Locked<[Int]>([])
      let outcome = try Trainer(
        toy(data), training: training(change), data: data, validation: held, folder: folder.url
      ) { if case .evaluation(_, let step, _, _) = $0 { measured.append(step) } }.run()
      let lines = try String(contentsOf: folder.url.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").map { try JSON(json: Data($0.utf8)) }
      return (measured.value, lines.filter { $0["measures"] != nil }.compactMap { $0["step"]?.int }, outcome)
    }
    // Five steps an epoch.
    let whole = try steps { ($0.epochs, $0.valEvery) = (2, 2) }
    #expect(whole.measured == [2, 4, 5, 6, 8, 10])
    #expect(whole.logged == whole.measured)
    // Nothing improves at a rate of 0.
    let ended = try steps { ($0.epochs, $0.valEvery, $0.learningRate, $0.patience) = (9, 3, 0, 2) }
    #expect(ended.measured == [3, 5, 6] && ended.logged == ended.measured)
    #expect(ended.2.ending == .patience && ended.2.steps == 6 && ended.2.bestStep == 3)
  }

  @Test("an unknown measure is refused with the known ones")
  func refusesUnknownMeasure() throws {
    let data = try MemoryPairs.related(8)
    let error = #expect(throws: TrainingError.self) {
      try Trainer(toy(data), training: training { $0.selectBy = "rsun" }, data: data, validation: data).run()
    }
    #expect(error?.errorDescription?.contains("did you mean 'rsum'") == true)
  }

  @Test("steps end a run within an epoch")
  func endsAtSteps() throws {
    let data = try MemoryPairs.related(24)
    let outcome = try Trainer(toy(data), training: training { $0.steps = 4 }, data: data).run()
    #expect(outcome.steps == 4)
    #expect(outcome.epochs == 1)
  }

  @Test("accumulated batches give the step of one batch when the loss is a mean over rows")
  func accumulates() throws {
    let data = try MemoryPairs.related(12)
    let runs = try [(12, 1), (4, 3)].map { size, accumulate in
      let method = try RowMeanToy(.init(), for: data.description)
      try Trainer(
        method,
        training: training {
          $0.batchSize = size
          $0.accumulate = accumulate
          $0.optimizer = .sgd
        }, data: data
      ).run()
      return method.weight
    }
    #expect(try runs[0].isClose(to: runs[1], absolute: 1e-6))
  }

  @Test("bfloat16 computes in few bits, keeps weights in float32 and still learns")
  func halfPrecision() throws {
    let data = try MemoryPairs.related(40)
    let losses = Locked<[Double]>([])
    var weights: [[String: [UInt8]]] = []
    for precision in [TrainingConfiguration.Precision.bfloat16, .bfloat16, .float32] {
      let method = try toy(data) { $0.dropout = 0 }
      try Trainer(
        method,
        training: training {
          $0.precision = precision
          $0.epochs = 12
        }, data: data
      ) { if case .step(let progress) = $0 { losses.append(progress.loss) } }.run()
      for entry in method.stateEntries { #expect(entry.tensor.dtype == .float32) }
      weights.append(try bits(method))
    }
    let first = losses.value.prefix(60)
    #expect(first.suffix(5).reduce(0, +) < first.prefix(5).reduce(0, +))
    #expect(weights[0] == weights[1])
    #expect(weights[0] != weights[2])
  }

  @Test("the moving average of the weights is what is kept")
  func keepsTheAverage() throws {
    let data = try MemoryPairs.related(12)
    let weights = try [(1, nil), (2, nil), (2, 0.25)].map { steps, decay -> Tensor in
      let method = try RowMeanToy(.init(), for: data.description)
      try Trainer(
        method,
        training: training {
          $0.steps = steps
          $0.ema = decay
          $0.optimizer = .sgd
        }, data: data
      ).run()
      return method.weight
    }
    // From weights of 0: a ← a/4 + 3w/4, twice.
    let expected = try weights[0] * (0.25 * 0.75) + weights[1] * 0.75
    #expect(try weights[2].isClose(to: expected, absolute: 1e-6))
  }

  @Test("on a plateau of the measure the rate falls, and a resumed run goes on with the lower rate")
  func lowersTheRateOnPlateau() throws {
    let data = try MemoryPairs.related(16)
    let training = training {
      $0.epochs = 9
      $0.batchSize = 16
      $0.learningRate = 0
      $0.schedule = Schedule(kind: .plateau, every: 2, gamma: 0.5, floor: 0.2)
    }
    #expect(throws: ConfigurationError.self) { try Trainer(toy(data), training: training, data: data) }
    let factors = Locked<[Double]>([])
    let folder = try TemporaryFolder()
    for end in [4, 9] {
      var part = training
      part.epochs = end
      // A rate of 0 changes nothing, so that only the first evaluation is an improvement.
      let trainer = try Trainer(toy(data), training: part, data: data, validation: data, folder: folder.url)
      try trainer.run()
      factors.append(trainer.state.plateauFactor?.value ?? 1)
      try reopen(folder)
    }
    #expect(factors.value == [0.5, 0.2])
  }

  @Test("a loss that stands where nothing is learned ends training after 500 steps, through a resumption too")
  func tellsOfStandstill() throws {
    let data = try MemoryPairs.related(8)
    let training = training {
      $0.batchSize = 8
      $0.learningRate = 0
    }
    let still = try toy(data) { $0.dropout = 0 }
    let loss: Double = try still.loss(data.batch(at: Array(0..<8)), Step(isTraining: false)).total.item()
    func run(at loss: Double, _ epochs: Int, _ folder: TemporaryFolder) throws -> Trainer {
      let method = try toy(data) { ($0.dropout, $0.standsAt) = (0, loss) }
      var part = training
      part.epochs = epochs
      let trainer = try Trainer(method, training: part, data: data, folder: folder.url)
      try trainer.run()
      return trainer
    }
    let folder = try TemporaryFolder()
    #expect(try run(at: loss * 1.005, 300, folder).state.stillSteps == 300)
    try reopen(folder)
    #expect(
      throws: TrainingError.standsStill(
        .init(loss: loss * 1.005, cause: "all is one", advice: "begin anew"), steps: 500, step: 499)
    ) { try run(at: loss * 1.005, 600, folder) }
    // Farther away than a hundredth.
    #expect(try run(at: loss * 1.02, 501, TemporaryFolder()).state.stillSteps == nil)
  }

  /// Lets a run that has ended go on with more epochs.
  private func reopen(_ folder: TemporaryFolder) throws {
    let checkpoints = Checkpoints(run: folder.url)
    let manifest = try #require(try checkpoints.manifest())
    var state = manifest.state
    state.ended = nil
    _ = try checkpoints.write(checkpoints.last(manifest), state: state, best: nil, after: manifest)
  }

  @Test("a change of one bit in a checkpoint is refused by name")
  func refusesDamage() throws {
    let data = try MemoryPairs.related(8)
    let folder = try TemporaryFolder()
    try Trainer(toy(data), training: training(), data: data, folder: folder.url).run()
    let checkpoints = folder.url.appendingPathComponent("checkpoints")
    let last = try #require(try Checkpoints(run: folder.url).manifest()).last
    let files = ["weights", "optimizer"].map { "\(last)/\($0).safetensors" }
    for name in files {
      let file = checkpoints.appendingPathComponent(name)
      let sound = try Data(contentsOf: file)
      for place in [9, sound.count / 2, sound.count - 2] {
        var damaged = sound
        damaged[place] ^= 4
        try damaged.write(to: file)
        let error = #expect(throws: (any Error).self) {
          try Trainer(toy(data), training: training(), data: data, folder: folder.url).run()
        }
        let text = (error as? any LocalizedError)?.errorDescription ?? ""
        #expect(text.contains(file.lastPathComponent), "\(name) at \(place): \(text)")
      }
      try sound.write(to: file)
    }
  }

  @Test(
    "where the last manifest is damaged or gone, the checkpoint before goes on to the same weights, and it is said"
  )
  func formerCheckpoint() throws {
    let data = try MemoryPairs.related(8)
    let folder = try TemporaryFolder()
    let method = try toy(data)
    try Trainer(method, training: training(), data: data, folder: folder.url).run()
    let whole = try method.state.map { try $0.tensor.bytes() }
    let checkpoints = Checkpoints(run: folder.url)
    let manifest = checkpoints.folder.appendingPathComponent("manifest.json")
    let former = checkpoints.folder.appendingPathComponent("manifest-before.json")
    let sound = try Data(contentsOf: manifest)
    let steps = try #require(try checkpoints.manifest()).state.step
    var damaged = sound
    damaged[sound.count / 2] ^= 4
    for isThere in [true, false] {
      if isThere { try damaged.write(to: manifest) } else { try FileManager.default.removeItem(at: manifest) }
      let found = try checkpoints.found()
      #expect(found.manifest.map { $0.state.step < steps || $0.state.ended == nil } == true)
      #expect(found.note?.hasPrefix(manifest.path + ": ") == true)
      let again = try toy(data)
      try Trainer(again, training: training(), data: data, folder: folder.url).run()
      #expect(try again.state.map { try $0.tensor.bytes() } == whole)
    }
    try damaged.write(to: manifest)
    try FileManager.default.removeItem(at: former)
    #expect(throws: TrainingError.self) { try checkpoints.found() }
    try FileManager.default.removeItem(at: manifest)
    let found = try checkpoints.found()
    #expect(found.manifest == nil && found.note?.hasSuffix("beginning anew") == true)
  }

  @Test("a changed byte of the log of a run is noticed where it goes on, and a folder that went is told")
  func logs() throws {
    let data = try MemoryPairs.related(8)
    let folder = try TemporaryFolder()
    func run() throws { try Trainer(toy(data), training: training(), data: data, folder: folder.url).run() }
    try run()
    let file = folder.url.appendingPathComponent("metrics.jsonl")
    var text = try Data(contentsOf: file)
    text[text.count / 2] ^= 1
    try text.write(to: file)
    let error = #expect(throws: TrainingError.self) { try run() }
    #expect(error?.localizedDescription.hasPrefix(file.path + ": was changed") == true)
    let gone = folder.url.appendingPathComponent("gone")
    let told = #expect(throws: FileError.self) {
      _ = try Checkpoints(run: gone).write(.init(), state: TrainingState(), best: nil, after: nil)
    }
    #expect(told?.path == gone.path)
  }
}

/// A loss that is a mean over rows: the distance of a map of x to part of y.
private final class RowMeanToy: Trainable {
  struct Configuration: MethodConfiguration {
    static let keys: [ConfigurationKey] = []
  }
  static let description = MethodDescription(
    name: "row-mean", family: .metric, task: .retrieval, summary: "", citation: "", accepts: [.vector])
  let configuration: Configuration
  @Parameter var weight: Tensor

  init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    weight = try Tensor.zeros([5, 6])
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    guard let x = batch.items[0].tensor, let y = batch.items[1].tensor else { throw Crash() }
    return try Loss((x.matmul(weight) - y).squared().mean())
  }
}

/// A value that closures of any isolation may change.
final class Locked<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: Value
  init(_ value: Value) { stored = value }
  var value: Value { lock.withLock { stored } }
  func append<Element>(_ element: Element) where Value == [Element] {
    lock.withLock { stored.append(element) }
  }
  func add(_ number: Int) -> Int where Value == Int {
    lock.withLock {
      stored += number
      return stored
    }
  }
}
