import Foundation
import Torch

/// A method whose task can be measured on items that it has not seen.
public protocol Evaluable: Method {
  /// Measures the method.
  ///
  /// - Throws: ``EvaluationError`` for data or options that cannot be measured.
  func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult
  /// Names of the ``TaskResult/selection`` of an evaluation on such data, before anything is learned.
  func selectionNames(on data: some TrainingSet) throws -> [String]
  /// Which options mean something for these data.
  func options(for data: DataDescription) -> Set<EvaluationOption>
}

extension Evaluable {
  public func options(for data: DataDescription) -> Set<EvaluationOption> { [] }

  /// Throws for an option that means nothing for these data.
  public func check(_ options: EvaluationOptions, for data: DataDescription) throws {
    let known = self.options(for: data)
    if let other = options.given.first(where: { !known.contains($0) }) {
      throw EvaluationError.meaninglessOption(
        other, method: Self.description.name, task: Self.description.task,
        modalities: data.modalities.map(\.name))
    }
  }
}

/// A choice of how something is measured, under the name that the command has for it.
public enum EvaluationOption: String, Sendable, CaseIterable {
  case `protocol`
  case ties
  case models
  case wordnet
}

/// How a method is measured.
public struct EvaluationOptions {
  /// Which items are searched; nil for what the method's settings say, else all at once.
  public var searched: RetrievalProtocol?
  /// Where equal scores stand; nil for what the method's settings say, else ``TieRule/pessimistic``.
  public var ties: TieRule?
  /// A folder of WordNet's files, for WUPS; nil looks where they usually are, and does without where there are none.
  public var wordNet: URL?
  /// What was learned from, for what trivial answers reach (``TaskResult/priors``); nil leaves them out.
  public var learned: (any TrainingSet)?
  /// Where items are put before the method sees them, and as which floating-point type.
  public var device: Device
  public var dtype: DataType?
  /// Items that are encoded at a time.
  public var block: Int
  /// Whether nothing but ``TaskResult/selection`` is wanted, as in the course of training.
  public var isBrief: Bool
  /// Whether scores of further models are combined with those of this one.
  var hasModels = false
  /// Told how many of how many items have been looked at.
  public var progress: (Int, Int) -> Void

  public init(
    searched: RetrievalProtocol? = nil, ties: TieRule? = nil, device: Device = .cpu, dtype: DataType? = nil,
    block: Int = 1024, isBrief: Bool = false, progress: @escaping (Int, Int) -> Void = { _, _ in }
  ) {
    self.searched = searched
    self.ties = ties
    self.device = device
    self.dtype = dtype
    self.block = block
    self.isBrief = isBrief
    self.progress = progress
  }

  /// What was asked for.
  var given: [EvaluationOption] {
    (searched == nil ? [] : [.protocol]) + (ties == nil ? [] : [.ties]) + (hasModels ? [.models] : [])
      + (wordNet == nil ? [] : [.wordnet])
  }
}
