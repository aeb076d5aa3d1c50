import Torch

/// How the views of one object become one vector (Su et al., "Multi-view Convolutional Neural Networks", ICCV 2015).
public enum ViewPooling: String, Sendable, Codable, CaseIterable {
  /// The largest of each dimension; its gradient goes to the view that has it.
  case max
  case mean

  /// Views `[n, v, …]` as one each, `[n, …]`.
  public func pooled(_ views: Tensor) throws(TorchError) -> Tensor {
    switch self {
    case .max: try views.maximum(along: 1).values
    case .mean: try views.mean(along: 1)
    }
  }
}
