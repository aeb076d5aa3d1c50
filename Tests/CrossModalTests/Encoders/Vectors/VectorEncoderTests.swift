import CrossModal
import Testing
import Torch

@Suite("Networks for vectors and small pictures")
struct VectorEncoderTests {
  private func modality(_ kind: ModalityKind, _ shape: [Int]) -> DataDescription.Modality {
    DataDescription.Modality(name: "thing", kind: kind, size: shape.last, shape: shape)
  }

  @Test("every network that fits a modality gives vectors of the wanted width, with gradients everywhere")
  func shapes() throws {
    let generator = try Generator(seed: 1)
    let vectors = try Tensor.normal([3, 7], using: generator)
    let pictures = try Tensor.normal([3, 2, 14, 14], using: generator)
    for (kind, modality, input) in [
      (EncoderKind.linear, modality(.vector, [7]), vectors), (.mlp, modality(.vector, [7]), vectors),
      (.auto, modality(.vector, [7]), vectors), (.auto, modality(.images, [14, 14, 2]), pictures),
      (.conv, modality(.images, [14, 14, 2]), pictures),
      (.drlimConv, modality(.images, [14, 14, 2]), pictures),
      (.mlp, modality(.images, [14, 14, 2]), try pictures.flattened(from: 1)),
    ] {
      let network = try kind.encoder(for: modality, size: 5, hidden: 8, using: generator)
      let out = try network(input)
      #expect(out.shape == [3, 5] && network.size == 5, "\(kind)")
      let slopes = try Tensor.gradients(of: [out.sum()], by: network.parameters.map(\.tensor))
      #expect(try slopes.allSatisfy { try $0?.isFinite().all() ?? false }, "\(kind)")
    }
  }

  @Test("the small network of pictures gives its cells, from which all convolutions learn")
  func cells() throws {
    let generator = try Generator(seed: 1)
    let pictures = try Tensor.normal([2, 3, 16, 24], using: generator)
    let network = try PictureEncoder(
      channels: 3, height: 16, width: 24, hidden: 8, to: nil, using: generator)
    #expect(network.grid == PictureGrid(height: 2, width: 3, channels: 8) && network.size == 48)
    let cells = try network.cells(of: pictures)
    #expect(cells.shape == [2, 6, 8])
    #expect(try network(pictures).bytes() == cells.transposed(1, 2).flattened(from: 1).bytes())
    let slopes = try Tensor.gradients(of: [cells.sum()], by: network.parameters.map(\.tensor))
    #expect(network.parameters.count == 6 && slopes.allSatisfy { $0 != nil })
  }

  @Test("names of the parameters are those of the specification")
  func names() throws {
    let generator = try Generator(seed: 1)
    func names(_ kind: EncoderKind, _ modality: DataDescription.Modality) throws -> [String] {
      try kind.encoder(for: modality, size: 2, hidden: 4, using: generator).stateEntries.map(\.name)
    }
    #expect(try names(.linear, modality(.vector, [3])) == ["weight", "bias"])
    #expect(try names(.mlp, modality(.vector, [3])) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
    #expect(
      try names(.drlimConv, modality(.images, [32, 32, 1]))
        == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"])
  }

  @Test("the DrLIM network of the paper: 32 by 32 to one place; a size that does not fit names one that does")
  func drlim() throws {
    let generator = try Generator(seed: 1)
    let network = try DrLIMEncoder(
      channels: 1, height: 32, width: 32, to: 2, kernels: (6, 9), using: generator)
    #expect(
      network.stateEntries.map(\.tensor.shape) == [
        [15, 1, 6, 6], [15], [30, 15, 9, 9], [30], [2, 30], [2],
      ])
    let wrong = #expect(throws: ConfigurationError.self) {
      try DrLIMEncoder(channels: 1, height: 28, width: 28, to: 2, kernels: (6, 9), using: generator)
    }
    #expect(wrong?.errorDescription?.contains("32 by 32") == true)
  }

  @Test("networks that do not fit the modality are refused")
  func misfits() throws {
    let generator = try Generator(seed: 1)
    #expect(throws: ConfigurationError.self) {
      try EncoderKind.conv.encoder(for: modality(.vector, [9]), size: 2, hidden: 4, using: generator)
    }
    #expect(throws: ConfigurationError.self) {
      try EncoderKind.conv.encoder(for: modality(.images, [4, 4, 1]), size: 2, hidden: 4, using: generator)
    }
    #expect(throws: ConfigurationError.self) {
      try EncoderKind.auto.encoder(
        for: .init(name: "photo", kind: .images), size: 2, hidden: 4, using: generator)
    }
  }

  @Test("the same seed draws the same parameters")
  func reset() throws {
    let network = try EncoderKind.mlp.encoder(
      for: modality(.vector, [3]), size: 2, hidden: 4, using: Generator(seed: 1))
    let before = try network.state.map { try $0.tensor.values(as: Float.self) }
    try network.reset(using: Generator(seed: 2))
    #expect(try network.state.map { try $0.tensor.values(as: Float.self) } != before)
    try network.reset(using: Generator(seed: 1))
    #expect(try network.state.map { try $0.tensor.values(as: Float.self) } == before)
  }
}
