import Torch

/// A network with both heads of DenseCL behind it: what becomes of whole pictures, and of each cell.
public final class DenseEncoder: Module {
  @Named var backbone: ResNet
  @Named var neck: DenseNeck

  init(_ form: ResNet.Form, hidden: Int, to size: Int, grid: Int?, using generator: Generator) throws {
    _backbone = Named(wrappedValue: try ResNet(form, using: generator), "0")
    _neck = Named(
      wrappedValue: try DenseNeck(
        from: form.channels, hidden: hidden, to: size, grid: grid, using: generator), "1")
  }

  /// Views `[n, 3, h, w]`, of which each channel has torchvision's mean and deviation, through network and heads.
  func callAsFunction(_ pictures: Tensor, _ pass: Pass) throws -> DenseContrast.View {
    try neck(backbone.maps(of: pictures, pass))
  }
}

/// The two heads of DenseCL (Wang et al., CVPR 2021, section 3.2): two layers on the mean of the map, and the same on each
/// of its cells.
public final class DenseNeck: Module {
  let mlp: Sequential
  let mlp2: Sequential
  /// Cells a side that maps are averaged to; nil leaves them.
  let grid: Int?

  init(from inputs: Int, hidden: Int, to outputs: Int, grid: Int?, using generator: Generator) throws {
    mlp = Sequential([
      try Linear(from: inputs, to: hidden, using: generator), Activation(.relu),
      try Linear(from: hidden, to: outputs, using: generator),
    ])
    mlp2 = Sequential([
      try Conv2d(from: inputs, to: hidden, kernel: 1, using: generator), Activation(.relu),
      try Conv2d(from: hidden, to: outputs, kernel: 1, using: generator),
    ])
    self.grid = grid
  }

  /// Heads of maps `[n, channels, rows, columns]`; nothing is normalized. The map for matching is averaged to the same
  /// grid as its projection.
  ///
  /// - Throws: ``MethodError`` for maps with fewer cells a side than the grid is to have.
  func callAsFunction(_ maps: Tensor) throws -> DenseContrast.View {
    var map = maps
    if let grid {
      guard grid <= maps.size(along: 2), grid <= maps.size(along: 3) else {
        throw MethodError.unsuitable(
          method: DenseCL.description.name,
          reason: "grid is \(grid), but the maps have \(maps.size(along: 2)) x \(maps.size(along: 3)) cells")
      }
      map = try maps.meanPooled(to: [grid, grid])
    }
    let cells = try mlp2(map, .evaluation).flattened(from: 2)
    return DenseContrast.View(
      map: try map.flattened(from: 2), global: try mlp(maps.mean(along: 2, 3), .evaluation), grid: cells,
      pooled: try cells.mean(along: 2))
  }

  /// First weights as in the released program: linear layers Kaiming normal with bias 0, convolutions as PyTorch draws
  /// them.
  func reset(using generator: Generator) throws {
    let shapes = Dictionary(stateEntries.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    for entry in stateEntries {
      let shape = entry.tensor.shape
      let isLinear = entry.name.hasPrefix("mlp.")
      let first: Initializer
      if shape.count > 1 {
        first = isLinear ? .kaimingNormal() : .standard
      } else {
        first =
          isLinear
          ? .constant(0)
          : .standardBias(beside: shapes[entry.name.replacing(/bias$/, with: "weight")] ?? shape)
      }
      entry.tensor = try first(shape, using: generator).to(entry.tensor.dtype).to(entry.tensor.device)
    }
  }
}
