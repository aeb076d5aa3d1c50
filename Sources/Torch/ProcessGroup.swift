/// Processes that train together. Every one calls the same functions in the same order.
///
/// A call fails with ``TorchError`` when a process is gone or does not come within the timeout.
public protocol ProcessGroup: AnyObject {
  /// This process, from 0.
  var rank: Int { get }
  /// Number of processes.
  var size: Int { get }
  /// The sum over all processes; shapes and types must agree. The gradient flows back to what every process gave,
  /// which takes a sum again: all or none must follow it.
  func sum(_ tensor: Tensor) throws(TorchError) -> Tensor
  /// The tensors of all processes in the order of ranks. Sizes may differ; those of dimensions after the
  /// first are padded with zeros to the largest.
  func gather(_ tensor: Tensor) throws(TorchError) -> [Tensor]
  /// The tensor of one process; shapes and types must agree.
  func broadcast(_ tensor: Tensor, from rank: Int) throws(TorchError) -> Tensor
  /// Waits for all.
  func barrier() throws(TorchError)
}
