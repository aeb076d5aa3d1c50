import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("A stranger's data on the command line")
struct StrangeDataTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test(
    "a picture that cannot be read is left out by every command alike, named and counted; strict refuses it")
  func damagedPicture() throws {
    let pictures = try FileManager.default.contentsOfDirectory(
      atPath: BundledData.folder("emoji").path + "/images"
    )
    .filter { $0.hasSuffix(".jpg") }.sorted().prefix(16)
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("p"), withIntermediateDirectories: true)
    for (row, name) in pictures.enumerated() {
      let data = try Data(contentsOf: BundledData.folder("emoji").appendingPathComponent("images/" + name))
      try (row == 14 ? data.prefix(data.count / 2) : data)
        .write(to: folder.url.appendingPathComponent("p/\(row).jpg"))
    }
    try folder.write(Data((0..<16).map { "\($0).jpg\n" }.joined().utf8), to: "list.txt")
    try folder.write(Data((0..<16).map { "word\($0 % 3) thing\($0 % 5)\n" }.joined().utf8), to: "t.txt")
    try folder.write(
      """
      modalities: { image: { file: p, list: list.txt, kind: images }, text: { file: t.txt, kind: text } }
      splits: { train: "0:10", test: "10:16" }
      """, to: "dataset.yaml")
    let run = folder.path("run")
    let trained = try CommandLine.run(
      "train", "--method", "cca", "--data", folder.url.path, "--out", run, "--set", "k=2")
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(FileManager.default.fileExists(atPath: run + "/report.html"))
    let commands = [
      ["evaluate", run, "--samples", "0"],
      ["search", run, "--from", "text", "--to", "image", "--query-text", "word1", "-k", "1"],
      ["embed", run, "--modality", "image", "--out", folder.path("e.npy")],
      ["score", run, "--out", folder.path("s.npy")],
    ]
    for command in commands {
      let outcome = try CommandLine.run(command)
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      #expect(outcome.errors.contains("warning: test: 1 picture that cannot be read is left out: "))
      #expect(outcome.errors.contains("14.jpg: the JPEG data are damaged or cut short"))
      let anew = command.map { $0.hasSuffix(".npy") ? folder.path("strict.npy") : $0 }
      let strict = try CommandLine.run(anew + ["--strict"])
      #expect(strict.status == 1 && strict.errors.contains("14.jpg"), "\(command)")
    }
    #expect(!folder.exists("strict.npy"))
    #expect(try NPYReader.open(URL(fileURLWithPath: folder.path("e.npy")), limits: .standard).shape[0] == 5)
  }

  @Test("numbers of any type give what the same numbers in float64 give")
  func types() throws {
    let generator = try Generator(seed: 3)
    let x = try Tensor.integers(in: 0..<50, [80, 6], using: generator).to(.float64)
    let y =
      try x.narrowed(to: 0..<4, along: 1)
      + Tensor.integers(in: 0..<50, [80, 4], using: generator).to(.float64)
    func metrics(_ type: DataType) throws -> JSON? {
      for (name, numbers) in [("x", x), ("y", y)] {
        try NPYWriter.write(numbers.to(type), to: folder.path("\(name)-\(type).npy"))
      }
      try folder.write(
        """
        modalities: { x: { file: x-\(type).npy, kind: vector }, y: { file: y-\(type).npy, kind: vector } }
        splits: { train: "0:50", test: "50:80" }
        """, to: "\(type).yaml")
      for method in [["cca", "k=2"], ["vsepp", "epochs=1", "embed_size=8"]] {
        let run = folder.path("\(type)-\(method[0])")
        let trained = try CommandLine.run(
          ["train", "--method", method[0], "--data", folder.path("\(type).yaml"), "--out", run]
            + method.dropFirst().flatMap { ["--set", $0] })
        #expect(trained.status == 0, "\(trained.errors)")
      }
      let both = try ["cca", "vsepp"].map { method in
        try CommandLine.run("evaluate", folder.path("\(type)-\(method)"), "--samples", "0", "--json").output
      }
      return .array(try both.map { try JSON(json: Data($0.utf8))["metrics"] ?? .null })
    }
    let exact = try metrics(.float64)
    for type in [DataType.float16, .uint8, .int8] { #expect(try metrics(type) == exact, "\(type)") }
  }

  @Test("one caption of thousands of words among short ones is learned from")
  func longCaption() throws {
    let words = ["red", "green", "blue", "dog", "cat", "tree"]
    var captions = (0..<60).map { "\(words[$0 % 6]) \(words[$0 % 5])" }
    captions[5] = (0..<3000).map { words[$0 % 6] }.joined(separator: " ")
    try folder.write(Data(captions.joined(separator: "\n").utf8), to: "captions.txt")
    try folder.write(npy(rows: 60, columns: 6), to: "x.npy")
    try folder.write(
      """
      modalities: { image: { file: x.npy, kind: vector }, text: { file: captions.txt, kind: text } }
      splits: { train: "0:40", val: "40:50", test: "50:60" }
      """, to: "dataset.yaml")
    let trained = try CommandLine.run(
      "train", "--method", "vsepp", "--data", folder.url.path, "--out", folder.path("long"), "--set",
      "epochs=1",
      "--set", "batch_size=20", "--set", "embed_size=8", "--set", "word_dim=4")
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(try CommandLine.run("evaluate", folder.path("long"), "--split", "train").status == 0)
  }

  @Test("what commands a terminal is never printed, and in JSON only as an escape")
  func controlCharacters() throws {
    try folder.write(npy(rows: 10, columns: 2), to: "x.npy")
    let name = "a\\e[2J\\u009b31m\\u202e" + String(repeating: "b", count: 100_000)
    try folder.write(
      "name: \"\(name)\"\nmodalities: { x: { file: x.npy, kind: vector } }\nsplits: { train: \"0:10\" }\n",
      to: "dataset.yaml")
    for flags in [[], ["--json"]] {
      let outcome = try CommandLine.run(["data", "inspect", folder.url.path] + flags)
      #expect(outcome.status == 0, "\(outcome.errors.prefix(300))")
      let isClean = outcome.output.unicodeScalars.allSatisfy {
        $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0.value != 0x202E
      }
      #expect(isClean)
      #expect(flags.isEmpty ? outcome.output.count < 3000 : outcome.output.contains("\\u009b31m\\u202e"))
    }
  }

  @Test("a pipe in place of a file is refused by name", .timeLimit(.minutes(1)))
  func pipes() throws {
    let pipe = folder.path("pipe.pth")
    #expect(mkfifo(pipe, 0o600) == 0)
    for command in [
      ["convert", pipe, "--out", folder.path("o.safetensors")], ["data", "inspect", pipe],
      ["data", "import", "webdataset", pipe, "--out", folder.path("w")],
    ] {
      let outcome = try CommandLine.run(command)
      #expect(outcome.status == 1 && outcome.errors.contains("pipe.pth"), "\(command): \(outcome.errors)")
    }
  }
}
