import Foundation
import Torch

/// What happens in the course of training, for a progress bar.
public enum TrainingEvent: Sendable {
  /// Something to say in a sentence.
  case note(String)
  /// Items are featurized, which takes long.
  case features(FeatureProgress)
  /// A step was taken.
  case step(TrainingProgress)
  /// Held-out pairs were measured.
  case evaluation(epoch: Int, step: Int, measures: [Measure], isBest: Bool)
}

/// How far training is.
public struct TrainingProgress: Sendable {
  public let epoch: Int
  public let epochs: Int
  /// Steps so far and in all.
  public let step: Int
  public let steps: Int
  public let loss: Double
  public let learningRate: Double
  /// Pairs a second since this process began.
  public let rate: Double
}

/// What training came to.
public struct TrainingOutcome: Sendable {
  public let ending: Ending
  public let epochs: Int
  public let steps: Int
  /// The measure that weights were chosen by, and the step of the best.
  public let best: Measure?
  public let bestStep: Int?
  /// Over all parts of a resumed run.
  public let seconds: Double
}

/// Trains a method by gradient: follows the loss of batch after batch, evaluates, keeps the best weights.
///
/// With a folder it leaves checkpoints, from which a later trainer with the same settings continues and comes
/// to the same weights bit for bit (on one device and thread count); and `metrics.jsonl` and TensorBoard events.
public final class Trainer {
  let method: any Trainable
  let training: TrainingConfiguration
  let data: any TrainingSet
  let validation: (any TrainingSet)?
  let seed: UInt64
  let device: Device
  let group: (any ProcessGroup)?
  let folder: URL?
  let observe: (TrainingEvent) -> Void

  var state = TrainingState()
  var manifest: Checkpoints.Manifest?
  /// Of the last checkpoint: when it was written, and what it cost.
  var lastCheckpoint: (end: ContinuousClock.Instant, cost: Duration)?
  /// Whether the best weights are not in a file yet.
  var hasUnsavedBest = false
  var optimizers: [GroupOptimizer] = []
  var quasiNewton: LBFGS?
  var average: MovingAverage?
  var bestWeights: [(name: String, tensor: Tensor)]?
  var metrics: MetricsLog?
  var events: EventFile?
  var sampler: any BatchSampler
  var trained: [StateEntry] = []
  /// Of the last step, to say what went wrong when its result turns out to be no number.
  var lastBatch: (batch: Batch, places: [Int], epoch: Int, step: Int)?
  private let began = ContinuousClock.now
  private var pairsSeen = 0
  /// Whether the user was told what a loss had to say.
  var hasToldNote = false

  /// - Parameters:
  ///   - method: new, or loaded with weights to start from.
  ///   - data: the pairs to learn from.
  ///   - validation: held-out pairs to choose the best weights by; nil keeps the last weights.
  ///   - group: the processes that train together, each with the same arguments; nil for one.
  ///   - folder: of the run, for checkpoints and logs; nil to keep all in memory.
  ///   - observe: told what happens.
  /// - Throws: ``TrainingError`` when there is nothing to train or no batch.
  public init(
    _ method: any Trainable, training: TrainingConfiguration, data: any TrainingSet,
    validation: (any TrainingSet)? = nil, seed: UInt64 = 0, device: Device = .cpu,
    group: (any ProcessGroup)? = nil, folder: URL? = nil,
    observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    try training.validate()
    self.method = method
    self.training = training
    self.data = data
    self.validation = validation
    self.seed = seed
    self.device = device
    self.group = (group?.size ?? 1) > 1 ? group : nil
    self.folder = folder
    self.observe = observe
    if training.schedule.kind == .plateau, validation == nil || training.evaluateEvery == 0 {
      throw ConfigurationError.badValue(
        key: "schedule.kind", value: "plateau",
        expected: "possible without held-out pairs: the data need a split val, or validation names one")
    }
    sampler = try method.makeSampler(data, training)
    try checkSelection()
    guard sampler.batchesPerEpoch > 0 else {
      throw TrainingError.noBatches(pairs: data.count, batchSize: training.batchSize ?? data.count)
    }
    let size = min(training.batchSize ?? data.count, data.count)
    if let group, group.size > size {
      throw TrainingError.tooManyProcesses(processes: group.size, batchSize: size)
    }
  }

  /// Refuses a measure that will not be there; says where weights cannot be chosen at all.
  private func checkSelection() throws {
    guard let validation, training.evaluateEvery > 0 else {
      for (key, isSet) in [("select_by", training.selectBy != nil), ("patience", training.patience != nil)]
      where isSet && isFirst {
        observe(.note("warning: \(key) does nothing: there are no held-out pairs to measure on"))
      }
      return
    }
    guard let wanted = training.selectBy else { return }
    let known = try method.foretold(on: validation)
    guard known.contains(wanted) else { throw TrainingError.unknownMeasure(wanted, known: known) }
  }

  /// Whether this process writes and speaks: the only one, or the first of several.
  var isFirst: Bool { (group?.rank ?? 0) == 0 }

  /// What floating-point parameters and buffers become; nil leaves them as the method made them.
  var stateType: DataType? { training.precision == .float64 ? .float64 : nil }

  /// Steps in an epoch.
  var stepsPerEpoch: Int { (sampler.batchesPerEpoch + training.accumulate - 1) / training.accumulate }

  /// Steps in all, if nothing ends training before.
  var totalSteps: Int {
    let all = stepsPerEpoch * training.epochs
    return training.steps.map { min($0, all) } ?? all
  }

  // MARK: - The whole

  /// Trains from the last checkpoint in the folder, or from the start; the method then has the weights to keep.
  ///
  /// - Throws: ``TrainingError``; whatever the method and the data throw.
  @discardableResult
  public func run() throws -> TrainingOutcome {
    try StopRequest.shared.heard {
      try prepareState()
      try openLogs()
      if manifest == nil { try checkpoint() }
      while state.ended == nil {
        if state.epoch >= training.epochs || isAtLastStep { state.ended = .completed } else { try runEpoch() }
      }
      try finish()
    }
    return TrainingOutcome(
      ending: state.ended ?? .completed, epochs: state.epoch, steps: state.step,
      best: state.best.map {
        Measure(state.measure ?? "loss", $0.value, .number, increases: state.measureIncreases)
      },
      bestStep: state.bestStep, seconds: state.seconds + elapsed)
  }

  private var isAtLastStep: Bool { training.steps.map { state.step >= $0 } ?? false }
  var elapsed: Double { (ContinuousClock.now - began) / .seconds(1) }

  private func prepareState() throws {
    for entry in method.stateEntries { try entry.prepareForTraining(on: device, as: stateType) }
    let checkpoints = folder.map(Checkpoints.init)
    manifest = try checkpoints?.manifest()
    // Nobody writes a first checkpoint before all have looked.
    try group?.barrier()
    if manifest == nil {
      try method.prepare(data, preparation)
      // What was drawn or computed there becomes the start of graphs.
      for entry in method.stateEntries { try entry.prepareForTraining(on: device, as: stateType) }
    }
    try makeOptimizers()
    if let checkpoints, let manifest {
      try load(checkpoints, manifest)
      if isFirst { observe(.note("continuing after step \(state.step)")) }
    } else if let group {
      try GradientSharing(group: group).align(method.stateEntries)
    }
    if training.ema != nil, average == nil { average = try makeAverage() }
  }

  func makeAverage() throws -> MovingAverage? {
    try training.ema.map { try MovingAverage(of: trained, decay: $0) }
  }

  var preparation: Preparation {
    Preparation(training: training, seed: seed, device: device) { [observe, isFirst] text in
      if isFirst { observe(.note(text)) }
    }
  }

  private func openLogs() throws {
    guard let folder, isFirst else { return }
    metrics = try MetricsLog(folder, length: state.metricsLength, checksum: state.metricsChecksum)
    events = try EventFile(folder, length: state.eventsLength)
  }

  private func runEpoch() throws {
    let batches = try sampler.batches(epoch: state.epoch, seed: seed)
    while state.batch < batches.count, !isAtLastStep, state.ended == nil {
      let end = min(state.batch + training.accumulate, batches.count)
      let taken = batches[state.batch..<end].filter { $0.count >= group?.size ?? 1 }
      let stop = taken.isEmpty ? false : try takeStep(Array(taken), before: end)
      state.batch = end
      if isEvaluationDue, end < batches.count, !isAtLastStep, state.ended == nil { try evaluateWithinEpoch() }
      if stop { try interrupt() }
      if isCheckpointDue || isLongAgo, state.batch < batches.count { try checkpoint() }
    }
    let isWhole = state.batch >= batches.count
    if isWhole {
      state.epoch += 1
      state.batch = 0
    }
    try endEpoch(isLast: !isWhole || state.epoch >= training.epochs || isAtLastStep || state.ended != nil)
  }

  private var isEvaluationDue: Bool {
    validation != nil && (training.valEvery.map { state.step % $0 == 0 } ?? false)
  }

  private var isCheckpointDue: Bool { training.checkpointEvery.map { state.step % $0 == 0 } ?? false }

  /// Whether an epoch takes so long that a checkpoint within it is due. Several processes would have to agree
  /// on the time, so there the user says when.
  private var isLongAgo: Bool {
    group == nil && folder != nil && lastCheckpoint.map { .now - $0.end > .seconds(300) } ?? false
  }

  private func endEpoch(isLast: Bool) throws {
    try checkWeights()
    // What ended within the epoch has just been measured.
    let isDue =
      training.evaluateEvery > 0 && state.ended != .patience
      && (isLast || state.epoch % training.evaluateEvery == 0)
    var line: JSON = ["kind": "epoch", "epoch": .int(state.epoch), "step": .int(state.step)]
    for (name, value) in state.means.values { line[name] = .double(value) }
    if isDue, validation != nil { try judge(measureHeldOut(), into: &line) }
    try log(line, state.means.values.map { ("epoch/\($0.name)", $0.value) })
    state.means = RunningMeans()
    if state.ended == nil, isLast { state.ended = .completed }
    try checkpoint(state.ended == nil && !isCheckpointDue ? .ifAffordable : .always)
    if try isInterrupted() { try interrupt() }
  }

  private func evaluateWithinEpoch() throws {
    try checkWeights()
    var line: JSON = ["kind": "evaluation", "epoch": .int(state.epoch), "step": .int(state.step)]
    try judge(measureHeldOut(), into: &line)
    try log(line)
    if state.ended == nil { try checkpoint(isCheckpointDue ? .always : .ifAffordable) }
  }

  private func log(_ line: JSON, _ values: [(String, Double)] = []) throws {
    try metrics?.append(line)
    try events?.append(
      values + (line["measures"]?.members ?? []).map { ("validation/\($0.key)", $0.value.double ?? .nan) },
      step: state.step)
  }

  /// Keeps the weights when the measure is the best so far, and ends training that has long had no better ones.
  private func judge(_ measures: [Measure], into line: inout JSON) throws {
    line["measures"] = .object(
      measures.map { JSON.Member($0.name, $0.value.isFinite ? .double($0.value) : .null) })
    guard let chosen = training.selectBy.map({ name in measures.first { $0.name == name } }) ?? measures.first
    else { throw TrainingError.unknownMeasure(training.selectBy ?? "", known: measures.map(\.name)) }
    (state.measure, state.measureIncreases) = (chosen.name, chosen.increases)
    let isBest =
      chosen.value.isFinite
      && (state.best.map { chosen.increases ? chosen.value > $0.value : chosen.value < $0.value } ?? true)
    observe(.evaluation(epoch: state.epoch, step: state.step, measures: measures, isBest: isBest))
    defer {
      if let patience = training.patience, state.evaluationsWithoutImprovement >= patience, state.ended == nil
      {
        state.ended = .patience
      }
    }
    guard isBest else {
      state.evaluationsWithoutImprovement += 1
      if training.schedule.kind == .plateau { lowerRateOnPlateau() }
      return
    }
    state.evaluationsOnPlateau = 0
    let gain = state.best.map { abs(chosen.value - $0.value) } ?? .infinity
    (state.best, state.bestStep, state.evaluationsWithoutImprovement) = (
      ExactNumber(chosen.value), state.step,
      gain >= training.minimumGain ? 0 : state.evaluationsWithoutImprovement + 1
    )
    bestWeights = try snapshot()
    hasUnsavedBest = true
  }

  private func lowerRateOnPlateau() {
    state.evaluationsOnPlateau += 1
    guard state.evaluationsOnPlateau >= training.schedule.every else { return }
    state.evaluationsOnPlateau = 0
    let factor = (state.plateauFactor?.value ?? 1) * training.schedule.gamma
    state.plateauFactor = ExactNumber(max(factor, training.schedule.floor))
  }

  /// Copies of the state that is evaluated and kept.
  private func snapshot() throws -> [(name: String, tensor: Tensor)] {
    let copy = {
      try self.method.state.map { (name: $0.name, tensor: try $0.tensor.detached().to(.cpu).copied()) }
    }
    return try average.map { try $0.applied(copy) } ?? copy()
  }

  /// Measures on held-out pairs; the first process measures, the others are told.
  private func measureHeldOut() throws -> [Measure] {
    guard let validation else { return [] }
    if let group { try GradientSharing(group: group).align(method.buffers) }
    let measure = {
      try withoutGradient { try self.method.measured(validation, self.data, self.preparation) }
    }
    guard let group else { return try average.map { try $0.applied(measure) } ?? measure() }
    return try shared(group) { try self.average.map { try $0.applied(measure) } ?? measure() }
  }

  /// What the first process measured, on every process.
  private func shared(_ group: any ProcessGroup, _ measure: () throws -> [Measure]) throws -> [Measure] {
    var text = ""
    if isFirst {
      text = JSON.array(
        try measure().map {
          [
            "name": .string($0.name), "value": .double($0.value), "unit": .string($0.unit.rawValue),
            "up": .bool($0.increases),
          ]
        }
      ).text()
    }
    let bytes = try group.gather(Tensor(Array(text.utf8)))[0].values(as: UInt8.self)
    return (try JSON(yaml: String(decoding: bytes, as: UTF8.self)).array ?? []).map {
      Measure(
        $0["name"]?.string ?? "", $0["value"]?.double ?? .nan,
        $0["unit"]?.string.flatMap(Measure.Unit.init) ?? .number, increases: $0["up"]?.bool ?? true)
    }
  }

  // MARK: - The end

  private func finish() throws {
    if isFirst, let best = try keptWeights() {
      try method.load(best.weights, from: best.file)
      for entry in method.stateEntries { try entry.prepareForTraining(on: device, as: stateType) }
    } else {
      average?.keep()
    }
    if let group { try GradientSharing(group: group).align(method.stateEntries) }
    for entry in method.stateEntries { entry.tensor = try entry.tensor.detached() }
    try method.finish(data, preparation)
    for entry in method.stateEntries { entry.tensor = try entry.tensor.detached().to(.cpu) }
    if let group { try group.barrier() }
  }

  private func keptWeights() throws -> (weights: [(name: String, tensor: Tensor)], file: String)? {
    guard state.bestStep != nil else { return nil }
    if let bestWeights { return (bestWeights, "the best weights") }
    guard let folder, let manifest else { return nil }
    return try Checkpoints(run: folder).best(manifest)
  }

  // MARK: - Stopping

  /// Whether any process was asked to stop.
  private func isInterrupted() throws -> Bool {
    let asked = StopRequest.shared.signal != nil
    guard let group else { return asked }
    return try group.sum(Tensor([asked ? 1.0 : 0.0]).to(device)).item() > 0
  }

  /// Ends after a checkpoint, every process alike: with the signal that one of them was sent.
  private func interrupt() throws {
    try checkpoint(.ifChanged)
    guard state.ended == nil else { return }
    let own = Int(StopRequest.shared.signal ?? 0)
    let signals = try group?.gather(Tensor([own])).map { try $0[0].item(as: Int.self) } ?? [own]
    throw TrainingError.interrupted(folder: folder, step: state.step, signal: Int32(signals.max() ?? own))
  }

  func report(_ loss: Double, rate learningRate: Double, pairs: Int) {
    pairsSeen += pairs
    observe(
      .step(
        TrainingProgress(
          epoch: state.epoch, epochs: training.epochs, step: state.step, steps: totalSteps, loss: loss,
          learningRate: learningRate, rate: Double(pairsSeen) / max(elapsed, 1e-9))))
  }
}

extension Trainable {
  /// For use through `any Trainable`.
  fileprivate func makeSampler(
    _ data: any TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler { try sampler(for: data, training) }

  fileprivate func foretold(on data: any TrainingSet) throws -> [String] { try measureNames(on: data) }

  fileprivate func measured(
    _ held: any TrainingSet, _ training: any TrainingSet, _ preparation: Preparation
  ) throws -> [Measure] { try measures(on: held, training: training, preparation) }

  fileprivate func prepare(_ data: any TrainingSet, _ preparation: Preparation) throws {
    try prepare(on: data, preparation)
  }

  fileprivate func finish(_ data: any TrainingSet, _ preparation: Preparation) throws {
    try finish(on: data, preparation)
  }
}
