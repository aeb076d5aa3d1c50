import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Towers of published models")
struct PublishedTowerTests {
  @Test("activations have the numbers of their formulas")
  func activations() throws {
    let one = try Tensor([1.0])
    for (activation, value) in [
      (TowerActivation.quickGELU, 0.845796), (.gelu, 0.841345), (.geluByTanh, 0.841192),
    ] {
      #expect(abs(try activation(one).item(as: Double.self) - value) < 1e-6)
    }
  }

  @Test("the last block for one row alone gives what the whole of it gives")
  func oneRow() throws {
    let model = try PublishedToys.clip()
    let vit = try #require(model.pictures as? VisionTransformer)
    let pictures = try PublishedToys.pictures(3)
    #expect(
      try PublishedToys.isClose(
        vit.pooled(pictures, .evaluation), vit.pooled(ofHidden: vit.hidden(pictures))))
    let text = try #require(model.texts as? CLIPTextTower)
    let tokens = try PublishedToys.tokens([0, 3, 8])
    #expect(
      try PublishedToys.isClose(
        text.pooled(tokens, lengths: [10, 10, 10]), text.pooled(ofHidden: text.hidden(tokens), tokens)))
  }

  @Test("of CLIP's texts nothing behind the end mark counts; of SigLIP's the padding does")
  func padding() throws {
    let clip = try #require(try PublishedToys.clip().texts)
    let tokens = try PublishedToys.tokens([2, 4])
    let short = try tokens.narrowed(to: 0..<6, along: 1)
    var other = try tokens.values(as: Int.self)
    other[9] = 17
    #expect(try PublishedToys.isClose(clip(tokens), clip(short)))
    #expect(try PublishedToys.isClose(clip(tokens), clip(Tensor(other, shape: [2, 10]))))
    #expect(!clip.needsPadding)
    let siglip = try #require(try PublishedToys.siglip().texts)
    let rows = try Tensor((0..<18).map { $0 % 9 }, shape: [2, 9])
    #expect(try !PublishedToys.isClose(siglip(rows), siglip(rows.narrowed(to: 0..<8, along: 1)), to: 1e-3))
    #expect(siglip.needsPadding)
  }

  @Test("which items stand beside each other in a batch changes nothing")
  func batches() throws {
    let model = try PublishedToys.clip()
    let pictures = try PublishedToys.pictures(3)
    let tokens = try PublishedToys.tokens([6, 0, 3])
    let vit = try #require(model.pictures)
    let text = try #require(model.texts)
    for row in 0..<3 {
      #expect(try PublishedToys.isClose(vit(pictures)[row], vit(pictures[row..<row + 1])[0], to: 1e-6))
      #expect(try PublishedToys.isClose(text(tokens)[row], text(tokens[row..<row + 1])[0], to: 1e-6))
    }
  }

  @Test("a text is found at the end mark that the settings name, at the first piece where it has none")
  func endMark() throws {
    var tower = PublishedTowerSizes()
    var sizes = try #require(try PublishedToys.clip().architecture.text?.text)
    sizes.pool = .eos
    sizes.eosTokenId = 5
    tower.text = sizes
    let text = try #require(try tower.textTower() as? CLIPTextTower)
    let tokens = try Tensor([38, 5, 3, 5, 38, 9, 3, 2], shape: [2, 4])
    #expect(try text.places(tokens).values(as: Int.self) == [1, 0])
    #expect(try text.seen(tokens, lengths: [4, 4]) == [2, 1])
  }

  @Test("what does not fit a tower is said in a sentence")
  func misfits() throws {
    let model = try PublishedToys.clip()
    let text = try #require(model.texts)
    #expect(throws: PublishedModelError.contextLength(found: 11, most: 10)) {
      try text(Tensor.zeros([1, 11], .int64))
    }
    #expect(throws: PublishedModelError.token(40, vocabulary: 40)) { try text(Tensor([40], shape: [1, 1])) }
    #expect(throws: PublishedModelError.token(-1, vocabulary: 40)) { try text(Tensor([-1], shape: [1, 1])) }
    #expect(throws: PublishedModelError.self) { try model.pictures?(PublishedToys.pictures(1, side: 32)) }
    #expect(throws: PublishedModelError.self) {
      try PublishedToys.resnet().pictures?(PublishedToys.pictures(1, side: 96))
    }
  }

  @Test("statistics of the residual network move in training alone")
  func statistics() throws {
    let model = try PublishedToys.resnet()
    let tower = try #require(model.pictures)
    let mean = { try model.state.first { $0.name == "visual.bn1.running_mean" }?.tensor.copied() }
    let before = try #require(try mean())
    let pictures = try PublishedToys.pictures(2, side: 64)
    _ = try tower(pictures, .evaluation)
    #expect(try PublishedToys.isClose(before, #require(try mean()), to: 0))
    _ = try tower(pictures, .training(Generator(seed: 0)))
    #expect(try !PublishedToys.isClose(before, #require(try mean()), to: 1e-3))
  }

  @Test("parameters know how far they are from the top")
  func distances() throws {
    let model = try PublishedToys.clip()
    let vit = try #require(model.pictures)
    #expect(vit.distance(of: "proj") == 0)
    #expect(vit.distance(of: "ln_post.bias") == 0)
    #expect(vit.distance(of: "transformer.resblocks.1.ln_1.bias") == 0)
    #expect(vit.distance(of: "transformer.resblocks.0.ln_1.bias") == 1)
    #expect(vit.distance(of: "ln_pre.weight") == 2)
    #expect(vit.distance(of: "class_embedding") == 2)
    let resnet = try #require(try PublishedToys.resnet(layers: [1, 2, 1, 1]).pictures)
    #expect(resnet.distance(of: "attnpool.c_proj.weight") == 0)
    #expect(resnet.distance(of: "layer4.0.bn1.weight") == 0)
    #expect(resnet.distance(of: "layer2.1.conv1.weight") == 2)
    #expect(resnet.distance(of: "layer1.0.conv1.weight") == 4)
    #expect(resnet.distance(of: "bn1.weight") == 5)
    #expect(resnet.distance(of: "attnpool.positional_embedding") == 5)
  }
}

@Suite("Positions for other sizes")
struct PositionInterpolationTests {
  @Test("the same grid changes nothing, and a grid of one number keeps it", arguments: [true, false])
  func invariants(antialias: Bool) throws {
    let positions = try Tensor.normal([1 + 9, 4], using: Generator(seed: 2))
    let same = try PositionInterpolation.resized(positions, prefix: 1, to: (3, 3), antialias: antialias)
    #expect(try PublishedToys.isClose(positions, same, to: 0))
    let constant = try Tensor.full([9, 4], 2.5)
    let larger = try PositionInterpolation.resized(constant, prefix: 0, to: (5, 2), antialias: antialias)
    #expect(try PublishedToys.isClose(larger, Tensor.full([10, 4], 2.5), to: 1e-5))
    #expect(throws: PublishedModelError.grid(rows: 8)) {
      try PositionInterpolation.resized(positions[0..<9], prefix: 1, to: (3, 3), antialias: antialias)
    }
  }

  @Test("positions of texts lie between their neighbors")
  func texts() throws {
    let positions = try Tensor([0.0, 1, 2, 3], shape: [4, 1])
    let found = try PositionInterpolation.resized(positions, toLength: 8).flattened().values(as: Double.self)
    #expect(found == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
  }
}

@Suite("Published towers: reference cases")
struct PublishedTowerReferenceTests {
  @Test(
    "every recorded number of the towers comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "clip-vit", "clip-vit-avg-pool", "clip-resnet", "clip-text", "clip-text-eos", "clip-text-last",
      "clip-openai", "clip-hf-names", "siglip", "position-interpolation", "position-interpolation-up",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: "pretrained/" + name) == nil) }
}
