/// Where a training stands: all that the next step depends on besides tensors.
struct TrainingState: Codable, Equatable {
  /// Epochs before the current one.
  var epoch = 0
  /// Batches of the current epoch that were used.
  var batch = 0
  /// Steps of the optimizer.
  var step = 0
  /// Means over the current epoch so far.
  var means = RunningMeans()
  /// The measure of the best weights so far, and the step they are of.
  var best: ExactNumber?
  var bestStep: Int?
  /// What it is called, and whether more of it is better.
  var measure: String?
  var measureIncreases = true
  /// Evaluations since.
  var evaluationsWithoutImprovement = 0
  /// With the schedule `plateau`: what the learning rate has been multiplied by, and evaluations without
  /// improvement since it last fell.
  var plateauFactor: ExactNumber?
  var evaluationsOnPlateau = 0
  /// Steps in a row whose loss was within a hundredth of ``Loss/standstill``; nil for none.
  var stillSteps: Int?
  /// Why there will be no further step.
  var ended: Ending?
  /// Bytes of the logs that belong to this state.
  var metricsLength = 0
  /// Of those of `metrics.jsonl`.
  var metricsChecksum: String?
  var eventsLength = 0
  /// Seconds of training so far, over all its parts.
  var seconds = 0.0
}

/// Why training ended.
public enum Ending: String, Codable, Sendable {
  /// All epochs or steps are done.
  case completed
  /// No improvement for as many evaluations as `patience` says.
  case patience
  /// The optimizer found nothing to improve.
  case converged
}

/// Means by name, each value weighted.
struct RunningMeans: Codable, Equatable {
  private var names: [String] = []
  private var sums: [ExactNumber] = []
  private var weights: [ExactNumber] = []

  /// A value that is not finite is left out.
  mutating func add(_ value: Double, weight: Double, to name: String) {
    guard value.isFinite else { return }
    let at = names.firstIndex(of: name) ?? names.count
    if at == names.count {
      names.append(name)
      sums.append(ExactNumber(0))
      weights.append(ExactNumber(0))
    }
    sums[at].value += value * weight
    weights[at].value += weight
  }

  /// In the order in which the names came.
  var values: [(name: String, value: Double)] {
    names.indices.map { (names[$0], weights[$0].value > 0 ? sums[$0].value / weights[$0].value : 0) }
  }
}

/// A number that keeps its last bit through a file: written as text, because readers of JSON may round.
struct ExactNumber: Codable, Equatable {
  var value: Double

  init(_ value: Double) { self.value = value }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let number = Double(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "a number")
    }
    value = number
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode("\(value)")
  }
}
