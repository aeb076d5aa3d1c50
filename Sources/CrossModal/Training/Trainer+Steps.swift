import Torch

extension Trainer {
  /// Steps whose numbers are logged one by one; beyond that, evenly spaced ones.
  private static let mostLoggedSteps = 2000
  /// Steps after which a loss that stands still is told.
  static let mostStillSteps = 500

  func makeOptimizers() throws {
    let groups = try method.parameterGroups(training)
    trained = groups.flatMap(\.parameters)
    guard !trained.isEmpty else { throw TrainingError.nothingToTrain(method: method.about.name) }
    let names = Set(trained.map(\.name))
    // What no group trains is no start of a graph.
    for entry in method.parameters where !names.contains(entry.name) {
      entry.tensor = try entry.tensor.detached()
    }
    if training.optimizer == .lbfgs {
      quasiNewton = LBFGS(trained, iterations: 1, evaluations: 25, history: training.history)
    } else {
      optimizers = groups.map { GroupOptimizer($0, training) }
    }
  }

  /// The learning rate of the step that comes.
  var learningRate: Double {
    training.learningRate * (state.plateauFactor?.value ?? 1)
      * training.schedule.factor(step: state.step, epoch: state.epoch, total: totalSteps)
  }

  /// One step of the optimizer.
  ///
  /// - Parameters:
  ///   - batches: whose gradients make the step.
  ///   - end: batches of the epoch used after it.
  /// - Returns: whether a process was asked to stop.
  func takeStep(_ batches: [[Int]], before end: Int) throws -> Bool {
    let rate = learningRate
    let pairs = batches.reduce(0) { $0 + $1.count }
    let outcome: StepOutcome
    if let quasiNewton {
      outcome = try takeStep(quasiNewton, batches, rate: rate)
    } else {
      try trained.clearGradients()
      outcome = try gradient(of: batches)
      try checkGradients(outcome)
      for part in optimizers { try part.step(learningRate: rate) }
    }
    try trained.clearGradients()
    try average?.update()
    try checkProgress(outcome)
    lastBatch = outcome.last.map { ($0.batch, $0.places, state.epoch, state.step) }
    state.step += 1
    try record(outcome, rate: rate, pairs: pairs)
    return outcome.isInterrupted
  }

  /// The loss of some batches; their gradient is in the parameters.
  struct StepOutcome {
    var loss = 0.0
    var parts: [(name: String, value: Double)] = []
    var gradientNorm: Double?
    var isInterrupted = false
    /// To say what went wrong, where something did.
    var last: (batch: Batch, places: [Int], loss: Loss)?
  }

  private func takeStep(_ optimizer: LBFGS, _ batches: [[Int]], rate: Double) throws -> StepOutcome {
    var last = StepOutcome()
    // The quasi-Newton step and its line search see one function: the loss with the weights' penalty.
    let outcome = try optimizer.step(learningRate: rate, isSameLoss: sampler.batchesPerEpoch == 1) {
      last = try self.gradient(of: batches, isStrict: false)
      return last.loss + (try self.addPenalty())
    }
    guard outcome.before.isFinite else {
      if let seen = last.last { throw try notFinite(seen.batch, seen.places, seen.loss) }
      throw TrainingError.notFinite(
        what: "the loss", epoch: state.epoch, step: state.step, rows: batches[0], saved: nil)
    }
    last.loss = outcome.after
    if outcome.hasConverged { state.ended = .converged }
    return last
  }

  /// Adds the gradient of decay/2 · |w|² and returns its value.
  private func addPenalty() throws -> Double {
    var value = 0.0
    for group in try method.parameterGroups(training) {
      let decay = group.weightDecay ?? training.weightDecay
      guard decay != 0 else { continue }
      for entry in group.parameters {
        let weight = try entry.tensor.detached()
        value += decay / 2 * (try weight.to(.float64).squared().sum().item())
        try entry.setGradient(try entry.gradient.map { try $0 + weight * decay } ?? weight * decay)
      }
    }
    return value
  }

  private func gradient(of batches: [[Int]], isStrict: Bool = true) throws -> StepOutcome {
    let total = Double(batches.reduce(0) { $0 + $1.count })
    var result = StepOutcome()
    var means = RunningMeans()
    for (i, places) in batches.enumerated() {
      let own = group.map { GradientSharing.part(places, rank: $0.rank, of: $0.size) } ?? places
      var batch = try data.batch(at: own).to(device, training.dtype)
      batch.group = sampler.group
      let step = try Step(
        epoch: state.epoch, number: state.step, batch: state.batch + i, seed: seed, training: training,
        device: device, group: group)
      let loss: Loss
      do {
        loss =
          training.precision == .bfloat16
          ? try withAutocast(on: device) { try method.loss(batch, step) } : try method.loss(batch, step)
      } catch {
        // Decompositions refuse what is not finite, in words that say nothing of where it came from.
        let told = (error as? any NumbersNotFinite)?.notFinite
        let guardian = NonFiniteGuard(folder: nil)
        guard try told != nil || guardian.culprit(batch, nil, trained).0 != nil else { throw error }
        guard isStrict || group != nil else {
          result.loss = .nan
          return result
        }
        throw try notFinite(batch, own, nil, orElse: told ?? "the loss")
      }
      if let note = loss.note, isFirst, !hasToldNote {
        observe(.note(note))
        hasToldNote = true
      }
      let value: Double = try loss.total.item()
      result.last = (batch, places, loss)
      if !value.isFinite {
        guard isStrict || group != nil else {
          result.loss = value
          return result
        }
        throw try notFinite(batch, own, loss)
      }
      // Without gathering each process has the mean over its own rows.
      let share = Double(step.hasGathered || group == nil ? places.count : own.count) / total
      try loss.backward(weight: share)
      let logged = step.hasGathered ? share / Double(group?.size ?? 1) : share
      result.loss += value * logged
      for part in loss.parts {
        let number: Double = try part.value.item()
        means.add(number, weight: Double(places.count), to: part.name)
      }
    }
    result.parts = means.values
    result.isInterrupted = StopRequest.shared.signal != nil
    if let group {
      let sums = try GradientSharing(group: group).sum(trained, [result.loss, result.isInterrupted ? 1 : 0])
      result.loss = sums[0]
      result.isInterrupted = sums[1] > 0
    }
    return result
  }

  private func checkGradients(_ outcome: StepOutcome) throws {
    let norm: Double
    if let largest = training.clipElements { try clipElements(to: largest) }
    if let longest = training.gradientClip {
      norm = training.clipEach ? try clipEach(to: longest) : try trained.clipGradients(to: longest)
    } else {
      norm = try trained.gradientNorm()
    }
    guard !norm.isFinite else { return }
    if let seen = outcome.last { throw try notFinite(seen.batch, seen.places, seen.loss) }
  }

  /// Shortens the gradients of the parameters one by one; returns their length before, all as one vector.
  private func clipEach(to longest: Double) throws -> Double {
    let norm = try trained.gradientNorm()
    for part in optimizers { try part.clipEach(to: longest) }
    return norm
  }

  /// Brings elements of gradients to at most `largest`; those that are not numbers stay, and are told.
  private func clipElements(to largest: Double) throws {
    for entry in trained {
      guard let gradient = entry.gradient else { continue }
      try entry.setGradient(gradient.clamped(from: -largest, to: largest))
    }
  }

  private func checkProgress(_ outcome: StepOutcome) throws {
    guard let place = outcome.last?.loss.standstill, place.loss > 0,
      abs(outcome.loss - place.loss) <= 0.01 * place.loss
    else {
      state.stillSteps = nil
      return
    }
    let steps = (state.stillSteps ?? 0) + 1
    guard steps < Self.mostStillSteps else {
      throw TrainingError.standsStill(place, steps: steps, step: state.step)
    }
    state.stillSteps = steps
  }

  private func notFinite(
    _ batch: Batch, _ places: [Int], _ loss: Loss?, orElse fallback: String = "the loss"
  ) throws -> TrainingError {
    let guardian = NonFiniteGuard(folder: isFirst ? folder : nil)
    return try guardian.error(
      batch: batch, places: places, loss: loss, parameters: trained, epoch: state.epoch, step: state.step,
      orElse: fallback)
  }

  /// Throws when the last step has made a weight infinite: such weights are neither measured nor saved.
  func checkWeights() throws {
    guard let last = lastBatch else { return }
    for entry in trained where try !entry.tensor.detached().isFinite().all() {
      (state.epoch, state.step) = (last.epoch, last.step)
      throw try notFinite(last.batch, last.places, nil)
    }
  }

  private func record(_ outcome: StepOutcome, rate: Double, pairs: Int) throws {
    state.means.add(outcome.loss, weight: Double(pairs), to: "loss")
    for part in outcome.parts { state.means.add(part.value, weight: Double(pairs), to: part.name) }
    report(outcome.loss, rate: rate, pairs: pairs)
    let spacing = max(1, totalSteps / Self.mostLoggedSteps)
    guard state.step % spacing == 0, let metrics else { return }
    var line: JSON = [
      "kind": "step", "epoch": .int(state.epoch), "step": .int(state.step), "loss": .double(outcome.loss),
      "learning_rate": .double(rate),
    ]
    for part in outcome.parts where part.value.isFinite { line[part.name] = .double(part.value) }
    try metrics.append(line)
    try events?.append(
      [("step/loss", outcome.loss), ("step/learning_rate", rate)]
        + outcome.parts.map { ("step/\($0.name)", $0.value) }, step: state.step)
  }
}

extension Trainable {
  /// For use through `any Trainable`.
  var about: MethodDescription { Self.description }
}
