import Torch

/// What a method expects of items that it has not seen the counterpart of.
public struct PredictedItems: Sendable {
  /// What is predicted.
  public enum Target: Sendable, Equatable {
    /// Rows of another modality, by its place.
    case rows(side: Int)
    /// Shares of the classes; the largest is the predicted class.
    case classes
  }

  /// One row an item, `[n, columns]` or `[n, classes]`.
  public let values: Tensor
  public let target: Target

  public init(_ values: Tensor, of target: Target) {
    self.values = values
    self.target = target
  }
}

/// A method that predicts one modality's rows, or classes, from items of another.
public protocol Predicting: Alignment {
  /// What is expected of items of a modality; nil when this model predicts nothing from that modality.
  ///
  /// - Parameter side: the modality of `items`, 0 or 1.
  func prediction(from items: Items, side: Int) throws -> PredictedItems?
}
