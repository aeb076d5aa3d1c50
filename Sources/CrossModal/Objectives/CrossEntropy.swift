import Torch

extension Tensor {
  /// Mean of −log softmax(logits)_label over the rows of logits `[n, classes]`, labels int64 `[n]`.
  public func crossEntropy(_ labels: Tensor) throws(TorchError) -> Tensor {
    try -logSoftmax(along: 1).gathered(labels.unsqueezed(at: 1), along: 1).mean()
  }
}
