import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("ResNet and VGG")
struct PictureNetworkTests {
  private static func network(_ kind: CNNEncoder.Kind) throws -> any PictureNetwork {
    try kind.network(officialNames: false, using: Generator(seed: 1))
  }

  @Test(
    "features are torchvision's to 1e-5 with the same weights",
    arguments: [CNNEncoder.Kind.resnet18, .resnet50, .resnet152, .vgg19])
  func features(kind: CNNEncoder.Kind) throws {
    let recorded = try RecordedPictures("networks")[kind.rawValue]
    let network = try Self.network(kind)
    try RecordedPictures.fill(network)
    let found = try withoutGradient { try network(RecordedPictures.pictures(1, side: 64), .evaluation) }
    #expect(found.shape == recorded.shape && found.size(along: 1) == network.size)
    let largest: Double = try recorded.magnitude().max().item()
    #expect(largest > 0.01)
    let difference: Double = try (found - recorded).magnitude().max().item()
    #expect(difference <= 1e-5 * Swift.max(1, largest), "\(difference) of \(largest)")
  }

  @Test("the last maps are cells, top to bottom and left to right, of which the vectors are made")
  func cells() throws {
    for (kind, height, width) in [
      (CNNEncoder.Kind.resnet18, 64, 96), (.resnet18, 33, 65), (.vgg19, 64, 96), (.smallResnet, 33, 65),
      (.cifarResnet, 17, 24),
    ] {
      let network = try Self.network(kind)
      let pictures = try Tensor.normal([1, 3, height, width], using: Generator(seed: 2))
      let grid = network.grid(height: height, width: width)
      let (maps, cells, vectors) = try withoutGradient {
        let maps = try network.maps(of: pictures, .evaluation)
        return try (
          maps, network.cells(of: pictures, .evaluation), network.vectors(ofMaps: maps, .evaluation)
        )
      }
      #expect(maps.shape == [1, grid.channels, grid.height, grid.width], "\(kind)")
      #expect(cells.shape == [1, grid.cells, grid.channels])
      let place = grid.width + 1
      #expect(try cells[0][place].bytes() == maps[0].permuted(1, 2, 0).contiguous()[1][1].bytes())
      #expect(try vectors.bytes() == withoutGradient { try network(pictures, .evaluation) }.bytes())
    }
  }

  @Test("networks of other depths have as many parameters as torchvision's, but for the last layer")
  func depths() throws {
    for (kind, count) in [(CNNEncoder.Kind.resnet34, 21_284_672), (.resnet101, 42_500_160)] {
      let network = try Self.network(kind)
      #expect(network.parameters.reduce(0) { $0 + $1.tensor.count } == count, "\(kind)")
      #expect(network.stateEntries.map(\.name).contains("layer3.5.bn2.running_mean"))
    }
  }

  @Test("weights have one name with torchvision and one with detectron2, both of which are taken")
  func otherNames() throws {
    let network = try Self.network(.resnet50)
    for name in network.stateEntries.map(\.name) {
      let other = PictureNetworkNames.detectron2(ofTorchvision: name)
      #expect(other.hasPrefix("stem.") || other.hasPrefix("res"))
      #expect(PictureNetworkNames.torchvision(ofDetectron2: other) == name)
    }
    for (name, other) in [
      ("conv1.weight", "stem.conv1.weight"), ("bn1.weight", "stem.conv1.norm.weight"),
      ("layer1.0.conv1.weight", "res2.0.conv1.weight"),
      ("layer1.0.bn1.running_var", "res2.0.conv1.norm.running_var"),
      ("layer4.0.downsample.0.weight", "res5.0.shortcut.weight"),
      ("layer4.0.downsample.1.bias", "res5.0.shortcut.norm.bias"),
    ] {
      #expect(PictureNetworkNames.detectron2(ofTorchvision: name) == other)
    }
    let small = try Self.network(.smallResnet)
    let given = try small.state.map {
      (name: "encoder_q.0." + $0.name, tensor: try $0.tensor.detached().to(.float32) + 1)
    }
    let others = try ["encoder_k.0.conv1.weight", "queue"].map { (name: $0, tensor: try Tensor.zeros([1])) }
    try small.takeWeights(given + others, from: "moco")
    #expect(try small.state[0].tensor.detached().bytes() == given[0].tensor.bytes())
    #expect(throws: StateError.self) {
      try small.takeWeights([("conv1.weight", Tensor.zeros([1]))], from: "half")
    }
  }

  @Test("VGG gives the maps in front of its last pooling, too, with the same names and vectors")
  func finerMaps() throws {
    let fine = try VGG(poolsMaps: false, using: Generator(seed: 1))
    let network = try Self.network(.vgg19)
    #expect(fine.stateEntries.map(\.name) == network.stateEntries.map(\.name))
    #expect(fine.grid(height: 224, width: 224) == PictureGrid(height: 14, width: 14, channels: 512))
    for (own, other) in zip(fine.stateEntries, network.stateEntries) { own.tensor = other.tensor }
    let pictures = try RecordedPictures.pictures(1, side: 64)
    let maps = try withoutGradient { try fine.maps(of: pictures, .evaluation) }
    let vectors = try withoutGradient { try [fine(pictures, .evaluation), network(pictures, .evaluation)] }
    #expect(maps.shape == [1, 512, 4, 4])
    #expect(try vectors[0].bytes() == vectors[1].bytes())
  }

  @Test("training uses the batch's statistics and moves the running ones as torchvision does")
  func training() throws {
    let recorded = try RecordedPictures("networks")
    let network = try Self.network(.resnet18)
    try RecordedPictures.fill(network)
    let pass = Pass.training(try Generator(seed: 1))
    let found = try withoutGradient { try network(RecordedPictures.pictures(2, side: 64), pass) }
    #expect(try found.isClose(to: recorded["resnet18.train"], relative: 1e-4, absolute: 1e-4))
    for name in ["bn1.running_mean", "layer4.1.bn2.running_var"] {
      let own = try #require(network.state.first { $0.name == name })
      #expect(
        try own.tensor.isClose(to: recorded["resnet18.\(name)"], relative: 1e-5, absolute: 1e-5), "\(name)")
    }
  }

  @Test("names are torchvision's without the last layer; VSE++'s have its wrappers")
  func names() throws {
    let names = try Self.network(.resnet50).stateEntries.map(\.name)
    #expect(names.count == 318 && names.first == "conv1.weight")
    #expect(names.contains("layer1.0.downsample.1.running_var") && names.contains("layer3.5.conv3.weight"))
    func official(_ kind: CNNEncoder.Kind) throws -> [String] {
      try CNNEncoder(kind, to: 4, officialNames: true, using: Generator(seed: 1)).stateEntries.map(\.name)
    }
    let resnet = try official(.resnet18)
    #expect(resnet.first == "cnn.module.conv1.weight" && resnet.suffix(2) == ["fc.weight", "fc.bias"])
    let vgg = try official(.vgg19)
    #expect(vgg.contains("cnn.features.module.34.bias") && vgg.contains("cnn.classifier.3.weight"))
    #expect(!vgg.contains { $0.hasPrefix("cnn.classifier.6") })
  }

  @Test(
    "weights load from torchvision's files and from VSE++'s checkpoints",
    arguments: ["", "module.", "cnn.module.", "img_enc.cnn.module."])
  func loads(prefix: String) throws {
    let source = try Self.network(.resnet18)
    try RecordedPictures.fill(source)
    var file = source.state.map { (name: prefix + $0.name, tensor: $0.tensor) }
    file.append((prefix + "fc.weight", try Tensor.zeros([1000, 512])))
    file.append((prefix + "fc.bias", try Tensor.zeros([1000])))
    file.removeAll { $0.name.hasSuffix("bn1.num_batches_tracked") }
    let encoder = try CNNEncoder(.resnet18, to: 4, using: Generator(seed: 2))
    try encoder.loadWeights(file, from: "resnet18.safetensors")
    try encoder.reset(using: Generator(seed: 3))
    for (own, given) in zip(encoder.cnn.state, source.state) where !own.name.hasSuffix("tracked") {
      #expect(try own.tensor.bytes() == given.tensor.bytes(), "\(own.name)")
    }
    try encoder.checkWeights()
    file[0].name = prefix + "conv0.weight"
    let error = #expect(throws: StateError.self) { try encoder.loadWeights(file, from: "other.safetensors") }
    #expect(error?.missing == ["conv1.weight"] && error?.unexpected == [prefix + "conv0.weight"])
  }

  @Test("old VGG checkpoints have other numbers for the layers of the classifier")
  func oldNames() throws {
    let encoder = try CNNEncoder(.vgg19, to: 2, officialNames: true, using: Generator(seed: 2))
    let file = encoder.cnn.state.map { entry -> (name: String, tensor: Tensor) in
      let name = "img_enc.cnn." + entry.name
      return (
        name.replacingOccurrences(of: "classifier.0.", with: "classifier.1.")
          .replacingOccurrences(of: "classifier.3.", with: "classifier.4."), entry.tensor
      )
    }
    try encoder.loadWeights(file, from: "vgg.safetensors")
  }

  @Test("a frozen network stays as it is, and without weights is refused before training")
  func frozen() throws {
    let encoder = try CNNEncoder(.resnet18, to: 3, using: Generator(seed: 1))
    let pictures = Items.images(try Tensor.full([2, 32, 32, 3], 100, .uint8))
    let before = try encoder.cnn.state.map { try $0.tensor.bytes() }
    let vectors = try encoder.vectors(of: pictures, .training(Generator(seed: 1)))
    try vectors.sum().backward()
    #expect(encoder.cnn.parameters.allSatisfy { $0.gradient == nil })
    #expect(encoder.fc?.parameters.allSatisfy { $0.gradient != nil } == true)
    #expect(try encoder.cnn.state.map { try $0.tensor.bytes() } == before)
    let norms = try encoder.features(of: pictures, .evaluation).norm(along: 1).values(as: Double.self)
    #expect(norms.allSatisfy { abs($0 - 1) < 1e-5 })
    let error = #expect(throws: ConfigurationError.self) { try encoder.checkWeights() }
    #expect(error?.errorDescription?.hasPrefix("pictures.weights") == true)
    try CNNEncoder(.resnet18, to: 3, finetunes: true, using: Generator(seed: 1)).checkWeights()
  }

  @Test("training along moves the network; in mode eval its statistics stay")
  func finetuning() throws {
    for (mode, moves) in [(CNNEncoder.Mode.train, true), (.eval, false)] {
      let encoder = try CNNEncoder(.resnet18, to: 3, finetunes: true, mode: mode, using: Generator(seed: 1))
      let pictures = Items.images(
        try Tensor.integers(in: 0..<256, [2, 32, 32, 3], using: Generator(seed: 4)).to(.uint8))
      let before = try encoder.cnn.buffers.map { try $0.tensor.bytes() }
      try encoder.vectors(of: pictures, .training(Generator(seed: 1))).sum().backward()
      #expect(encoder.cnn.parameters.allSatisfy { $0.gradient != nil })
      #expect(try (encoder.cnn.buffers.map { try $0.tensor.bytes() } != before) == moves)
    }
  }
}
