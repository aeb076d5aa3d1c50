import Torch

/// A method that answers questions about items.
public protocol Answering: Evaluable {
  /// The best answers of the list to the question of each pair of a batch, best first.
  func answers(to batch: Batch, count: Int) throws -> [[Answer]]
}

/// An answer of the list and how sure the method is of it.
public struct Answer: Sendable, Equatable {
  /// Its number among the ``Target/answers``.
  public let number: Int
  /// From 0 to 1.
  public let probability: Double

  public init(number: Int, probability: Double) {
    self.number = number
    self.probability = probability
  }
}

/// A method that puts what it sees into words.
public protocol Captioning: Evaluable {
  /// The place of the modality that is described; the other one has what people wrote.
  var describedSide: Int { get }
  /// The numbers of the words of a caption of each item of the described modality, among the
  /// ``Target/captions(side:)``.
  func captions(of items: Items) throws -> [[Int]]
}

/// A method that finds the moment which a sentence describes.
public protocol Grounding: Evaluable {
  /// Moments of each pair of a batch, best first, without near copies of each other.
  func moments(in batch: Batch) throws -> [[ScoredMoment]]
}

/// A method that learns what items look like, without a partner to compare them with.
public protocol Representing: Encoding, Evaluable {}
