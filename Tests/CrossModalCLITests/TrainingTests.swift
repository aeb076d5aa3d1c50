import CrossModal
import Foundation
import Testing
import Torch

@testable import CrossModalCLI

@Suite("train by gradient")
struct TrainingTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data/digits-halves").path

  private static func arguments(_ out: String, _ more: String...) -> [String] {
    [
      "train", "--method", "dcca", "--data", data, "--out", out, "--set", "hidden=[16]", "--set", "outputs=5",
      "--set", "optimizer=adam", "--set", "batch_size=400", "--set", "epochs=6", "--set", "threads=1",
      "--quiet",
    ] + more
  }

  private static func model(_ out: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: out + "/model.safetensors"))
  }

  /// Steps that the last whole checkpoint of a run knows of.
  private static func savedSteps(_ out: String) -> Int {
    FileManager.default.contents(atPath: out + "/checkpoints/manifest.json")
      .flatMap { try? JSON(json: $0)["state"]?["step"]?.int } ?? 0
  }

  @Test(
    "a run killed at any moment and resumed ends with the bytes of an undisturbed one",
    arguments: ["adam", "lbfgs"])
  func survivesKills(optimizer: String) throws {
    let folder = try TemporaryFolder()
    let (whole, broken) = (folder.url.path + "/whole", folder.url.path + "/broken")
    let more = [
      "--set", "validation=test", "--set", "checkpoint_every=1", "--set", "ema=0.9", "--set",
      "optimizer=\(optimizer)", "--set", "batch_size=\(optimizer == "adam" ? "400" : "null")", "--set",
      "epochs=\(optimizer == "adam" ? 8 : 20)",
    ]
    #expect(try CommandLine.run(Self.arguments(whole) + more).status == 0)
    let steps = Self.savedSteps(whole)
    // The first before there is anything; each of the others a few steps later, at a moment that chance gives:
    // between steps, in a checkpoint, while held-out pairs are measured, or at the very end.
    var random = SystemRandomNumberGenerator()
    for round in 0..<5 {
      let isBegun = FileManager.default.fileExists(atPath: broken + "/config.yaml")
      let process = try CommandLine.start(Self.arguments(broken, isBegun ? "--resume" : "--quiet") + more)
      while round > 0, process.isRunning, Self.savedSteps(broken) < steps * round / 5 { usleep(500) }
      usleep(UInt32.random(in: 0..<20_000, using: &random))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let isBegun = FileManager.default.fileExists(atPath: broken + "/config.yaml")
    let last = try CommandLine.run(Self.arguments(broken, isBegun ? "--resume" : "--quiet") + more)
    #expect(last.status == 0, "\(last.errors)")
    #expect(try Self.model(broken) == Self.model(whole))
    let logs = try [whole, broken].map { try Data(contentsOf: URL(fileURLWithPath: $0 + "/metrics.jsonl")) }
    #expect(logs[0] == logs[1])
  }

  @Test("Ctrl-C leaves a checkpoint that resumes to the bytes of an undisturbed run, and ends with 130")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    let (whole, broken) = (folder.url.path + "/whole", folder.url.path + "/broken")
    // Long enough that it is not over before the signal comes, on however fast a machine.
    let longer = ["--set", "epochs=600"]
    #expect(try CommandLine.run(Self.arguments(whole) + longer).status == 0)
    let process = try CommandLine.start(Self.arguments(broken) + longer)
    while process.isRunning, Self.savedSteps(broken) < 3 { usleep(500) }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 130)
    #expect(!FileManager.default.fileExists(atPath: broken + "/model.safetensors"))
    let early = try CommandLine.run("evaluate", broken)
    #expect(early.status == 1)
    #expect(early.errors.contains("training has not ended here") && early.errors.contains("--resume"))
    let resumed = try CommandLine.run("train", "--out", broken, "--resume", "--quiet")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try Self.model(broken) == Self.model(whole))
  }

  @Test("weights that a step makes infinite are named with step and rows, and no checkpoint has them")
  func stopsAtInfinity() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("run")
    let arguments = [
      "train", "--method", "contrastive", "--data", Self.data, "--out", out, "--set", "optimizer=sgd",
      "--set",
      "learning_rate=3e38", "--set", "weight_decay=1e10", "--set", "batch_size=1297", "--set", "epochs=1",
      "--set", "threads=1", "--quiet",
    ]
    let outcome = try CommandLine.run(arguments)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("epoch 0, step 0: the weight '"), "\(outcome.errors)")
    #expect(outcome.errors.contains("failed-batch.safetensors"))
    #expect(folder.exists("run/failed-batch.safetensors") && !folder.exists("run/model.safetensors"))
    #expect(Self.savedSteps(out) == 0)
  }

  @Test(
    "a recipe stands for a file of settings, --set wins under any name of a key, and an unknown one is told")
  func recipes() throws {
    let folder = try TemporaryFolder()
    let arguments = ["train", "--method", "dcca", "--data", Self.data, "--quiet"]
    let outcome = try CommandLine.run(
      arguments + [
        "--out", folder.path("run"), "--config", "digits-halves", "--set", "num_epochs=2", "--set",
        "layer_sizes=[8]",
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try String(contentsOfFile: folder.path("run/config.yaml"), encoding: .utf8)
    for line in ["  epochs: 2", "  hidden: [8]", "  r1: 0.1", "  scaling: center"] {
      #expect(record.contains(line + "\n"), "\(line)")
    }
    let unknown = try CommandLine.run(arguments + ["--out", folder.path("b"), "--config", "digit-halves"])
    #expect(unknown.status == 2)
    #expect(unknown.errors.contains("did you mean 'digits-halves'?"))
  }

  @Test(
    "what a kill leaves before the record is written stands in nobody's way",
    arguments: ["--quiet", "--resume"])
  func survivesEarlyKill(flag: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "run/.lock")
    try folder.write("method: dc", to: "run/config.yaml.0A1B2C3D.tmp")
    let outcome = try CommandLine.run(Self.arguments(folder.path("run"), flag, "--set", "steps=1"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(folder.exists("run/model.safetensors") && !folder.exists("run/config.yaml.0A1B2C3D.tmp"))
  }

  @Test("a training that cannot begin leaves no folder")
  func leavesNothing() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("run")
    #expect(try CommandLine.run(Self.arguments(out, "--set", "hiden=[3]")).status == 2)
    #expect(try CommandLine.run(Self.arguments(out, "--split", "lost")).status == 2)
    #expect(try CommandLine.run(Self.arguments(out, "--device", "gpu")).status == 2)
    #expect(try CommandLine.run(Self.arguments(out, "--set", ".=5")).status == 2)
    #expect(try CommandLine.run(Self.arguments(out, "--set", "epochs=9223372036854775807")).status == 2)
    #expect(try CommandLine.run(Self.arguments(out, "--set", "threads=100000")).status == 2)
    let typo = try CommandLine.run(
      Self.arguments(out, "--set", "validation=test", "--set", "select_by=total_corelation"))
    #expect(typo.status == 2 && typo.errors.contains("did you mean 'total_correlation'?"), "\(typo.errors)")
    #expect(!folder.exists("run"))
  }

  @Test("a run broken off before its first checkpoint begins with the weights that its settings name")
  func resumesFromTheVeryStart() throws {
    let folder = try TemporaryFolder()
    func train(_ name: String, _ more: String...) throws {
      let outcome = try CommandLine.run(
        [
          "train", "--method", "vsepp", "--data", Self.data, "--out", folder.path(name), "--set",
          "embed_size=8", "--set", "steps=1", "--set", "threads=1", "--quiet",
        ] + more)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    try train("first", "--set", "learning_rate=0.1")
    try train("whole", "--set", "start_from=\(folder.path("first/model.safetensors"))")
    try FileManager.default.createDirectory(atPath: folder.path("broken"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: folder.path("whole/config.yaml"), toPath: folder.path("broken/config.yaml"))
    let resumed = try CommandLine.run("train", "--out", folder.path("broken"), "--resume", "--quiet")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try Self.model(folder.path("broken")) == Self.model(folder.path("whole")))
  }

  @Test("a record of one changed bit is refused by its name")
  func refusesChangedRecord() throws {
    let folder = try TemporaryFolder()
    #expect(try CommandLine.run(Self.arguments(folder.path("run"), "--set", "steps=1")).status == 0)
    let file = folder.path("run/config.yaml")
    let sound = try #require(FileManager.default.contents(atPath: file))
    for place in stride(from: 0, to: sound.count, by: max(1, sound.count / 20)) {
      var changed = sound
      changed[place] ^= 1
      try changed.write(to: URL(fileURLWithPath: file))
      #expect(throws: RunError.self, "byte \(place)") { try Run.open(folder.path("run")) }
    }
  }

  @Test("--resume alone says where there is no run to resume")
  func nothingToResume() throws {
    let folder = try TemporaryFolder()
    let outcome = try CommandLine.run("train", "--out", folder.path("run"), "--resume")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("holds no run to resume"))
    #expect(!folder.exists("run"))
  }

  @Test("changed settings on resume are refused with the keys that differ")
  func refusesChanges() throws {
    let folder = try TemporaryFolder()
    let out = folder.url.path + "/run"
    #expect(try CommandLine.run(Self.arguments(out)).status == 0)
    let model = try Self.model(out)
    let changed = try CommandLine.run(
      Self.arguments(out, "--resume", "--set", "learning_rate=0.5", "--seed", "3"))
    #expect(changed.status == 1)
    #expect(changed.errors.contains("learning_rate was 0.001, now 0.5"))
    #expect(changed.errors.contains("seed was 0, now 3"))
    #expect(!changed.errors.contains("epochs"))
    let other = try CommandLine.run(
      "train", "--method", "clip", "--data", Self.data, "--out", out, "--resume", "--quiet")
    #expect(other.errors.hasSuffix("cannot be resumed: method was dcca, now clip\n"), "\(other.errors)")
    let again = try CommandLine.run("train", "--out", out, "--resume", "--json", "--quiet")
    #expect(again.status == 0, "\(again.errors)")
    #expect(try Self.model(out) == model)
    #expect(try CommandLine.run(Self.arguments(out)).errors.contains("--force"))
  }

  @Test("a second run into a folder that is being trained into is refused, also with --force")
  func refusesTwo() throws {
    let folder = try TemporaryFolder()
    let out = folder.url.path + "/run"
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    try Data("method: dcca\n".utf8).write(to: URL(fileURLWithPath: out + "/config.yaml"))
    let file = open(out + "/.lock", O_RDWR | O_CREAT, 0o644)
    defer { close(file) }
    #expect(flock(file, LOCK_EX | LOCK_NB) == 0)
    let second = try CommandLine.run(Self.arguments(out, "--force"))
    #expect(second.status == 1)
    #expect(second.errors.contains("another process is training into this folder"))
  }
}
