import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Runs of published models")
struct PublishedRunTests {
  private let folder: TemporaryFolder
  private let model: PublishedModel

  init() throws {
    folder = try TemporaryFolder()
    model = try PublishedToys.writeFolder(folder)
  }

  private func settings(_ assignments: String...) throws -> RunSettings {
    try RunSettings(.null, assignments: assignments, keys: CLIP.allKeys)
  }

  private func texts(_ run: Run, _ texts: [String] = ["a red cat", "blue"]) throws -> Tensor {
    try run.encode(.texts(texts), side: run.side(of: "text")).values
  }

  // MARK: - Without learning

  @Test("a folder becomes a run that gives the vectors of its towers, saved and opened alike")
  func converts() throws {
    let run = try Run.published(folder.path)
    #expect(run.about.name == "clip")
    #expect(run.modalities == ["image", "text"])
    let names = Set(run.method.state.map(\.name))
    #expect(names == Set(model.state.map(\.name)))
    let tokenizer = try #require(try PublishedTokenizers.load(from: folder.url, contextLength: 12))
    let rows = try tokenizer.encode(["a red cat", "blue"])
    let expected = try #require(
      try model.texts?(Tensor(rows.tokens.flatMap { $0 }, shape: [2, 12])).normalized(along: 1))
    #expect(try PublishedToys.isClose(texts(run), expected))
    let target = folder.file("run")
    try run.save(to: target)
    let opened = try Run.open(target.path)
    #expect(try texts(opened).bytes() == texts(run).bytes())
    #expect(opened.isPublished)
    let scale = try #require(opened.method.state.first { $0.name == "logit_scale" }?.tensor)
    #expect(try PublishedToys.isClose(scale, model.logScale))
  }

  @Test("texts are computed by length and come back in their order")
  func order() throws {
    let run = try Run.published(folder.path)
    let all = (0..<70).map { String(repeating: "cat ", count: $0 * 7 % 5 + 1) + "\($0)" }
    let whole = try texts(run, all)
    for row in [0, 13, 69] {
      #expect(try PublishedToys.isClose(whole[row], texts(run, [all[row]])[0]))
    }
  }

  @Test(
    "modalities of a data set are matched by kind, whatever their names and order", arguments: [false, true])
  func adapts(swapped: Bool) throws {
    let data = try PublishedToys.data(swapped: swapped)
    let plain = try Run.published(folder.path)
    let split = try data.split("test")
    let run = try Run.published(folder.path)
    try run.adapt(to: data.description)
    #expect(run.modalities == data.description.modalities.map(\.name))
    let places = swapped ? [1, 0] : [0, 1]
    for (own, place) in places.enumerated() {
      let items = try split.items(side: place, rows: 0..<8)
      #expect(
        try PublishedToys.isClose(
          plain.encode(items, side: own).values, run.features(of: split, side: place).values))
    }
    #expect(try run.side(of: "image") == places[0])
    let measured = try run.evaluate(on: split)
    #expect(measured.retrieval != nil)
  }

  @Test("pictures alone, or texts alone, are taken by one tower")
  func oneModality() throws {
    let data = try DataSet(name: "texts", [.init("line", .texts(["a red cat", "blue"]))])
    let run = try Run.published(folder.path)
    let expected = try texts(run)
    try run.adapt(to: data.description)
    #expect(run.modalities == ["line"])
    #expect(try PublishedToys.isClose(run.features(of: data.split("train"), side: 0).values, expected))
    let found = try run.ranked(
      Features(expected[0..<1]), from: 0, in: Features(expected), top: 1)
    #expect(found[0][0].row == 0)
  }

  @Test("two modalities of texts are both taken by the tower of texts")
  func twoOfOneKind() throws {
    let only = try TemporaryFolder()
    try PublishedToys.writeFolder(only)
    let names = try HuggingFaceNames.huggingface(of: model.state).filter { $0.name.hasPrefix("text") }
    try SafeTensors.write(names, to: only.file("model.safetensors").path)
    let run = try Run.published(only.path)
    #expect(run.modalities == ["text"])
    let data = try DataSet(
      name: "lines", [.init("en", .texts(["a cat", "red"])), .init("de", .texts(["red", "a cat"]))])
    try run.adapt(to: data.description)
    let split = try data.split("train")
    let (x, y) = (try run.features(of: split, side: 0).values, try run.features(of: split, side: 1).values)
    #expect(try PublishedToys.isClose(x[0], y[1]))
    #expect(try run.evaluate(on: split).retrieval != nil)
  }

  @Test(
    "written back under the names of either program it is the same model",
    arguments: ["openai", "huggingface"])
  func exports(scheme: String) throws {
    let run = try Run.published(folder.path)
    let target = folder.file("out")
    try run.writePublished(to: target, scheme: #require(PublishedScheme(rawValue: scheme)))
    let again = try Run.published(target.path)
    let (mine, theirs) = (
      Dictionary(uniqueKeysWithValues: run.method.state.map { ($0.name, $0.tensor) }), again.method.state
    )
    #expect(theirs.count == mine.count)
    for (name, tensor) in theirs { #expect(try tensor.bytes() == #require(mine[name]).bytes(), "\(name)") }
    #expect(try texts(again).bytes() == texts(run).bytes())
    let networks = { (run: Run) in
      (run.method.configuration as? CLIP.Configuration)?.networks.published.towers.map { $0?.sizes }
    }
    #expect(networks(again) == networks(run))
  }

  @Test("what cannot be used is said in a sentence")
  func refused() throws {
    func said(_ path: String, _ assignments: String...) throws -> String {
      let settings = try RunSettings(.null, assignments: assignments, keys: CLIP.allKeys)
      return message { _ = try Run.published(path, settings: settings) } ?? "nothing"
    }
    #expect(
      try said(folder.path, "published.heads=5").contains(
        "5 heads (the settings) do not divide a width of 32"))
    #expect(try said(folder.path, "published.context_length=13").contains("12 or less"))
    #expect(try said(folder.path, "published.image_size=30").contains("a multiple of 8"))
    #expect(try said(folder.path, "embed_size=9").contains("takes published.KEY alone"))
    let alone = folder.file("weights.safetensors")
    try FileManager.default.copyItem(at: folder.file("model.safetensors"), to: alone)
    #expect(try said(alone.path, "published.heads=4").contains("name its tokenizer"))
    #expect(
      try said(
        alone.path, "published.heads=4", "published.activation=quick_gelu",
        "published.tokenizer=\(folder.path)")
        == "nothing")
    var tensors = try SafeTensors.read(alone.path).tensors
    tensors[3].tensor = try tensors[3].tensor * Double.nan
    try SafeTensors.write(tensors, to: folder.file("model.safetensors").path)
    #expect(try said(folder.path).contains("holds a number that is NaN or infinite"))
    try PublishedToys.writeFolder(folder)
    var vocabulary = try JSON(json: Data(contentsOf: folder.file("vocab.json")))
    for place in 0..<10 { vocabulary["more\(place)"] = .int(518 + place) }
    try folder.write(vocabulary.text(), to: "vocab.json")
    #expect(try said(folder.path).contains("520 or fewer, which the published network knows"))
  }

  @Test("pictures of another size have positions of their own")
  func otherSize() throws {
    let run = try Run.published(folder.path, settings: settings("published.image_size=40"))
    let positions = try #require(run.method.state.first { $0.name == "visual.positional_embedding" }?.tensor)
    #expect(positions.shape == [26, 32])
    let data = try PublishedToys.data(("image", "text"))
    #expect(try run.features(of: data.split("test"), side: 0).values.isFinite().all())
  }

  // MARK: - Fine-tuning

  private func learned(
    epochs: Int = 2, _ change: (inout PublishedEncoderSettings) -> Void
  ) throws -> Run {
    try Run.learn(CLIP.self, from: PublishedToys.data().split("train")) {
      $0.networks.encoder = PerView(.published)
      $0.networks.published.weights = PerView(folder.path)
      change(&$0.networks.published)
    } training: {
      $0.epochs = epochs
      $0.batchSize = 4
      $0.learningRate = 0.01
      $0.holdBack = 0
    }
  }

  private func changed(_ run: Run) throws -> Set<String> {
    let before = Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor) })
    return Set(
      try run.method.state.filter { try before[$0.name]?.bytes() != $0.tensor.bytes() }.map(\.name))
  }

  @Test("blocks from the top are trained, the others keep their bytes")
  func topBlocks() throws {
    let found = try changed(learned { $0.freeze = .blocks(1) })
    #expect(found.contains("visual.transformer.resblocks.1.mlp.c_fc.weight"))
    #expect(
      found.contains("text_projection") && found.contains("visual.proj") && found.contains("logit_scale"))
    let below = found.filter {
      $0.contains("resblocks.0.") || $0.contains("embedding") || $0.contains("conv1")
    }
    #expect(below == [])
    let all = try changed(learned { $0.freeze = .everything })
    #expect(all.contains("visual.conv1.weight") && all.contains("token_embedding.weight"))
  }

  @Test("frozen networks need a map behind them, which is then all that is trained")
  func frozen() throws {
    #expect(
      message { _ = try learned { _ in } }?.contains("else nothing is trained") == true)
    let run = try learned { $0.map = true }
    let states = run.method.state.filter { !$0.name.contains("map.") && $0.name != "logit_scale" }
    let before = Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor) })
    for (name, tensor) in states {
      let own = name.replacing("branch_a.", with: "").replacing("branch_b.", with: "")
      #expect(try tensor.bytes() == before[own]?.bytes(), "\(name)")
    }
    #expect(run.method.state.contains { $0.name == "branch_a.map.weight" })
  }

  @Test("what is kept is a mean of trained and published weights, as the settings say")
  func averages() throws {
    let published = try learned {
      ($0.freeze, $0.average) = (.everything, 1)
    }
    #expect(try changed(published) == ["logit_scale"])
    let (whole, half) = (
      try learned { $0.freeze = .everything },
      try learned { ($0.freeze, $0.average) = (.everything, 0.5) }
    )
    let name = "visual.proj"
    let tensor = { (run: Run) in try #require(run.method.state.first { $0.name == name }?.tensor) }
    let start = try #require(model.state.first { $0.name == name }?.tensor)
    #expect(try PublishedToys.isClose(tensor(half), (tensor(whole) + start) / 2))
  }

  @Test("a map, pooled vectors and a map of another width go together")
  func pooled() throws {
    let run = try learned {
      ($0.output, $0.map) = (.pooled, true)
    }
    #expect(try run.features(of: PublishedToys.data().split("test"), side: 0).values.shape == [8, 32])
    #expect(
      message { _ = try learned { ($0.output, $0.freeze) = (.pooled, .everything) } } == nil)
  }

  @Test("rates fall from the top, and norms, biases and tables do not decay")
  func groups() throws {
    let run = try learned(epochs: 1) { ($0.freeze, $0.layerDecay) = (.everything, 0.5) }
    let method = try #require(run.method as? CLIP)
    let groups = try method.parameterGroups(TrainingConfiguration())
    func group(_ name: String) throws -> ParameterGroup {
      try #require(groups.first { $0.parameters.contains { $0.name == name } })
    }
    #expect(try group("visual.proj").rateFactor == 0.1)
    #expect(try group("visual.transformer.resblocks.0.mlp.c_fc.weight").rateFactor == 0.05)
    #expect(try group("visual.conv1.weight").rateFactor == 0.025)
    #expect(try group("visual.conv1.weight").weightDecay == nil)
    for name in [
      "visual.ln_post.weight", "ln_final.bias", "token_embedding.weight", "positional_embedding",
      "logit_scale",
    ] {
      #expect(try group(name).weightDecay == 0, "\(name)")
    }
    let all = groups.flatMap { $0.parameters.map(\.name) }
    #expect(Set(all).count == all.count && all.count == method.parameters.count)
  }

  @Test("other methods take published networks too")
  func otherMethods() throws {
    let run = try Run.learn(VSEPlusPlus.self, from: PublishedToys.data().split("train")) {
      $0.networks.encoder = PerView(.published)
      $0.networks.published.weights = PerView(folder.path)
      $0.networks.published.freeze = .blocks(1)
    } training: {
      ($0.epochs, $0.batchSize, $0.holdBack) = (1, 4, 0)
    }
    #expect(try run.evaluate(on: PublishedToys.data().split("test")).retrieval != nil)
    #expect(!run.isPublished)
  }
}
