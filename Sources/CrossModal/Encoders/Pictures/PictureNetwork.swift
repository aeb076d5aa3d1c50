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
  /// The last maps of pictures `[n, 3, height, width]`, of which each channel has torchvision's mean and deviation:
  /// `[n, channels, rows, columns]`, as ``grid(height:width:)`` says.
  func maps(of pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor
  /// What becomes of the last maps: `[n, size]`.
  func vectors(ofMaps maps: Tensor, _ pass: Pass) throws(TorchError) -> Tensor
  /// The sizes of the last maps of pictures of one size.
  func grid(height: Int, width: Int) -> PictureGrid
  /// Names in torchvision's files of the layer that is left out.
  static var lastLayer: [String] { get }
}

/// Cells that a network divides pictures into, each with as many numbers as there are channels.
public struct PictureGrid: Sendable, Equatable {
  /// Cells one above the other.
  public var height: Int
  /// Cells side by side.
  public var width: Int
  public var channels: Int

  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Number of cells.
  public var cells: Int { height * width }
}

extension Tensor {
  /// Maps `[n, channels, rows, columns]` as a sequence of cells, top to bottom and left to right:
  /// `[n, cells, channels]`.
  func cells() throws(TorchError) -> Tensor { try flattened(from: 2).transposed(1, 2).contiguous() }
}

extension PictureNetwork {
  /// Numbers of pictures `[n, 3, height, width]`, of which each channel has torchvision's mean and deviation:
  /// `[n, size]`.
  public func callAsFunction(_ pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try vectors(ofMaps: maps(of: pictures, pass), pass)
  }

  /// The last maps as a sequence of cells, top to bottom and left to right: `[n, cells, channels]`.
  public func cells(of pictures: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try maps(of: pictures, pass).cells()
  }

  /// Draws the parameters as torchvision does: convolutions normal, such that gradients keep their variance going
  /// back, linear maps normal of deviation 0.01, normalisations that change nothing.
  ///
  /// - Parameter fan: the inputs where numbers are to keep their variance going forward.
  func reset(keeping fan: Initializer.Fan = .outputs, using generator: Generator) throws {
    for entry in stateEntries {
      let shape = entry.tensor.shape
      let isScale =
        shape.count == 1 && (entry.name.hasSuffix("weight") || entry.name.hasSuffix("running_var"))
      let first: Initializer =
        switch shape.count {
        case 4: .kaimingNormal(keeping: fan)
        case 2: .normal(deviation: 0.01)
        default: .constant(isScale ? 1 : 0)
        }
      let drawn = try first(shape, using: generator)
      entry.tensor = try drawn.to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
