import Torch

/// A convolutional network that was made to tell the objects of photographs, without its last layer: numbers that
/// describe a picture of any size.
///
/// Parameters are named as in torchvision, with the last layer left out as in the programs that build on it.
public protocol PictureNetwork: Module {
  /// Width of what it gives.
  var size: Int { get }
  /// The shortest side of pictures that it takes.
  static var smallestSide: Int { get }
  /// Numbers of pictures `[n, 3, height, width]`, of which each channel has torchvision's mean and deviation:
  /// `[n, size]`.
  func callAsFunction(_ pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor
  /// Names in torchvision's files of the layer that is left out.
  static var lastLayer: [String] { get }
}

extension PictureNetwork {
  /// Draws the parameters as torchvision does: convolutions normal, such that gradients keep their variance going
  /// back, linear maps normal of deviation 0.01, normalisations that change nothing.
  func reset(using generator: Generator) throws {
    for entry in stateEntries {
      let shape = entry.tensor.shape
      let isScale =
        shape.count == 1 && (entry.name.hasSuffix("weight") || entry.name.hasSuffix("running_var"))
      let first: Initializer =
        switch shape.count {
        case 4: .kaimingNormal(keeping: .outputs)
        case 2: .normal(deviation: 0.01)
        default: .constant(isScale ? 1 : 0)
        }
      let drawn = try first(shape, using: generator)
      entry.tensor = try drawn.to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
