import CrossModal
import Foundation
import Testing
import Torch

@Suite("DenseCL from the command line")
struct DenseCLCommandTests {
  /// Pictures of 32 by 40 pixels with classes of pixels, and names of what they show.
  private static func dataSet(in folder: TemporaryFolder) throws {
    let pixels = try Tensor.integers(in: 0..<256, [12, 32, 40, 3], using: Generator(seed: 1)).to(.uint8)
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "f"), withIntermediateDirectories: true)
    var names: [String] = []
    for row in 0..<12 {
      let name = "f/\(row).png"
      try Picture.png(pixels[row]).write(to: folder.url.appending(path: name))
      names.append(name)
    }
    try folder.write(names.joined(separator: "\n") + "\n", to: "pictures.txt")
    try folder.write(
      (0..<12).map { "thing number \($0 % 4)" }.joined(separator: "\n") + "\n", to: "texts.txt")
    let pictures = "{ file: \".\", list: pictures.txt, kind: images }"
    try folder.write(
      "name: scenes\nmodalities: { image: \(pictures) }\nsplits: { train: \"0:8\", test: \"8:12\" }\n",
      to: "dataset.yaml")
    try folder.write(
      "name: pairs\nmodalities: { image: \(pictures), text: { file: texts.txt, kind: text } }\n"
        + "splits: { train: \"0:8\", test: \"8:12\" }\n", to: "pairs.dataset.yaml")
  }

  private static func settings(_ all: String...) -> [String] { all.flatMap { ["--set", $0] } }

  /// The bytes of weights of a run.
  private static func weights(in run: String, endingIn name: String) throws -> [[UInt8]] {
    let tensors = try SafeTensors.read(run + "/model.safetensors").tensors
    return try tensors.filter { $0.name.hasSuffix(name) }.map { try $0.tensor.bytes() }
  }

  @Test("train, evaluate, embed, explain, export, go on in a method of two branches, and convert back")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    func run(_ arguments: [String], fails: Bool = false) throws -> CommandLine.Outcome {
      let outcome = try CommandLine.run(arguments)
      #expect((outcome.status == 0) != fails, "\(outcome.errors)")
      return outcome
    }
    let (data, dense) = (folder.path("dataset.yaml"), folder.path("dense"))
    _ = try run(
      ["train", "--method", "densecl", "--data", data, "--out", dense, "--quiet"]
        + Self.settings(
          "epochs=1", "batch_size=4", "hidden=8", "embed_size=8", "threads=1", "pictures.size=32"))
    let measured = try JSON(yaml: run(["evaluate", dense, "--json"]).output)
    #expect(measured["metrics"]?["match@1cell"]?.double != nil)
    #expect(measured["priors"]?["random initialization"]?["match@1cell"]?.double != nil)

    _ = try run(["embed", dense, "--modality", "image", "--out", folder.path("vectors.npy")])
    let maps = try JSON(
      yaml: run([
        "embed", dense, "--modality", "image", "--dense", "--out", folder.path("maps.npz"), "--json",
      ]).output)
    // 37 by 46 pixels are 5 by 6 cells.
    #expect(maps["shape"]?.array == [.int(4 * 30), .int(96)] && maps["items"]?.int == 4)
    let shown = try JSON(
      yaml: run(["explain", dense, "--pair", "0,1", "--out", folder.path("why.html"), "--json"]).output)
    #expect(
      shown["places"]?["grids"]?.array?.count == 2 && shown["places"]?["links"]?.array?.isEmpty == false)
    _ = try run(["explain", dense, "--pair", "0,1", "--threshold", "0.999", "--out", folder.path("why.png")])
    let beyond = try run(["explain", dense, "--pair", "0,4", "--out", folder.path("no.png")], fails: true)
    #expect(beyond.errors.contains("has rows 0 to 3 of image"))

    _ = try run(["export", dense, "--out", folder.path("export")])
    let names = try ["backbone", "backbone-detectron2"].map { file in
      try SafeTensors.read(folder.path("export/\(file).safetensors")).tensors.map(\.name)
    }
    #expect(names[0].contains("layer2.0.downsample.1.running_var") && names[0].contains("bn1.weight"))
    #expect(
      names[1].contains("res3.0.shortcut.norm.running_var") && names[1].contains("stem.conv1.norm.weight"))

    // The network goes on in another method, from the run and from every file that names its weights.
    let encoder = "encoder=[resnet-small,gru]"
    let sources =
      [dense] + ["backbone", "backbone-detectron2", "model"].map { folder.path("export/\($0).safetensors") }
    var weights: [[UInt8]] = []
    for (number, source) in sources.enumerated() {
      let out = folder.path("clip\(number)")
      _ = try run(
        ["train", "--method", "clip", "--data", folder.path("pairs.dataset.yaml"), "--out", out, "--quiet"]
          + Self.settings(
            encoder, "pictures.weights=\(source)", "pictures.size=32", "epochs=1", "batch_size=8",
            "embed_size=4",
            "text.word_dim=4", "threads=1"))
      weights += try Self.weights(in: out, endingIn: "layer1.0.conv1.weight")
    }
    let learned = try Self.weights(in: dense, endingIn: "encoder_q.0.layer1.0.conv1.weight")
    #expect(learned.count == 1)
    #expect(weights == sources.flatMap { _ in learned })

    let back = folder.path("back")
    _ = try run(
      [
        "convert", folder.path("export/model.safetensors"), "--out", back, "--method", "densecl", "--data",
        data,
      ]
        + Self.settings("hidden=8", "embed_size=8", "pictures.size=32"))
    let again = try JSON(yaml: run(["evaluate", back, "--json"]).output)
    #expect(again["metrics"] == measured["metrics"])
  }
}
