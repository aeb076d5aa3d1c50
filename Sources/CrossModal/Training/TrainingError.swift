import Foundation

/// Training that cannot start, or cannot go on.
public enum TrainingError: LocalizedError, Equatable {
  /// A loss, gradient or input that is NaN or infinite; the weights are those of the step before.
  case notFinite(what: String, epoch: Int, step: Int, rows: [Int], saved: String?)
  /// Another process works in the folder.
  case locked(String)
  /// `--resume` where nothing was begun.
  case nothingToResume(String)
  /// `--resume` with settings other than those the run was begun with.
  case changed(folder: String, keys: [Change])
  /// A checkpoint that is not whole, or that does not fit.
  case badCheckpoint(file: String, reason: String)
  /// The user stopped the run; it can be continued.
  case interrupted(folder: URL?, step: Int, signal: Int32)
  /// `select_by` names no measure.
  case unknownMeasure(String, known: [String])
  case noValidation(String, known: [String])
  case noBatches(pairs: Int, batchSize: Int)
  case tooManyProcesses(processes: Int, batchSize: Int)
  case nothingToTrain(method: String)
  /// A loss that has long stood where nothing is learned.
  case standsStill(Loss.Standstill, steps: Int, step: Int)

  /// A setting that differs.
  public struct Change: Sendable, Equatable {
    public let key: String
    public let begun: String
    public let now: String
  }

  public var errorDescription: String? {
    switch self {
    case .notFinite(let what, let epoch, let step, let rows, let saved):
      let shown = rows.prefix(8).map(String.init).joined(separator: ", ") + (rows.count > 8 ? ", …" : "")
      let advice =
        what.hasPrefix(NonFiniteGuard.input)
        ? "float32, in which training computes, ends at 3.4e38: scale these numbers, or set precision to float64"
        : "a smaller learning_rate or a gradient_clip often helps"
      return "epoch \(epoch), step \(step): \(what) is not finite (rows \(shown)"
        + "\(saved.map { "; the batch is in \($0)" } ?? "")). The weights of the last checkpoint are sound; \(advice)"
    case .locked(let folder): return "\(folder): another process is training into this folder"
    case .nothingToResume(let folder):
      return "\(folder): holds no run to resume; leave --resume out to begin one"
    case .changed(let folder, let keys):
      let list = keys.map { "\($0.key) was \($0.begun), now \($0.now)" }.joined(separator: "; ")
      return "\(folder): was begun with other settings, so it cannot be resumed: \(list)"
    case .badCheckpoint(let file, let reason): return "\(file): \(reason)"
    case .interrupted(let folder, let step, _):
      return "stopped after step \(step)" + (folder.map { "; --resume continues \($0.path)" } ?? "")
    case .unknownMeasure(let name, let known):
      let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? "."
      return "select_by: there is no measure '\(name)'\(hint) Measures: \(known.joined(separator: ", "))"
    case .noValidation(let name, let known):
      return "validation: there is no split '\(name)'; the data set has \(known.joined(separator: ", "))"
    case .noBatches(let pairs, let size):
      return "\(pairs) pairs make no batch of \(size); choose a smaller batch_size"
    case .tooManyProcesses(let processes, let size):
      return "batch_size \(size) cannot be shared by \(processes) processes; it needs at least one pair each"
    case .standsStill(let place, let steps, let step):
      return
        "step \(step): the loss has stood at \(String(format: "%.4g", place.loss)) for \(steps) steps, where "
        + "\(place.cause); \(place.advice)"
    case .nothingToTrain(let method): return "\(method) has no parameters to train"
    }
  }
}

extension TrainingError: UserMistake {
  public var isUserMistake: Bool {
    switch self {
    case .unknownMeasure, .noValidation: true
    default: false
    }
  }
}
