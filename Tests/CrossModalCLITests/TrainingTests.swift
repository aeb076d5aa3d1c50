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

  @Test("a run killed at any moment and resumed ends with the bytes of an undisturbed one")
  func survivesKills() throws {
    let folder = try TemporaryFolder()
    let (whole, broken) = (folder.url.path + "/whole", folder.url.path + "/broken")
    #expect(try CommandLine.run(Self.arguments(whole)).status == 0)
    // Later kills come later, from before the first file to after the last step.
    for delay in [20, 60, 120, 200, 300] {
      let exists = FileManager.default.fileExists(atPath: broken + "/config.yaml")
      let process = try CommandLine.start(Self.arguments(broken, exists ? "--resume" : "--quiet"))
      usleep(UInt32(delay) * 1000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let exists = FileManager.default.fileExists(atPath: broken + "/config.yaml")
    let last = try CommandLine.run(Self.arguments(broken, exists ? "--resume" : "--quiet"))
    #expect(last.status == 0, "\(last.errors)")
    #expect(try Self.model(broken) == Self.model(whole))
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
    #expect(try CommandLine.run(Self.arguments(out, "--split", "lost")).status == 1)
    #expect(!folder.exists("run"))
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
    let again = try CommandLine.run("train", "--out", out, "--resume", "--quiet")
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

  @Test("two processes take the step that one takes on the joined batch")
  func sharesGradients() throws {
    let folder = try TemporaryFolder()
    let (one, two) = (folder.url.path + "/one", folder.url.path + "/two")
    let step = [
      "--set", "optimizer=sgd", "--set", "learning_rate=1", "--set", "steps=1", "--set", "precision=float64",
      "--set", "weight_decay=0",
    ]
    #expect(try CommandLine.run(Self.arguments(one) + step).status == 0)
    let port = try CommandLine.freePort()
    let processes = try (0..<2).map { rank in
      try CommandLine.start(
        Self.arguments(two) + step,
        environment: [
          "RANK": "\(rank)", "WORLD_SIZE": "2", "LOCAL_RANK": "\(rank)", "MASTER_ADDR": "127.0.0.1",
          "MASTER_PORT": "\(port)",
        ])
    }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let weights = try [one, two].map { try SafeTensors.read($0 + "/model.safetensors") }
    for (name, tensor) in weights[0].tensors where name.hasPrefix("model") {
      let other = try #require(weights[1][name])
      #expect(try tensor.isClose(to: other, absolute: 1e-6), "\(name)")
    }
  }
}

extension CommandLine {
  /// A port of this machine that nobody listens at.
  static func freePort() throws -> Int {
    #if os(Linux)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    let probe = socket(AF_INET, stream, 0)
    defer { close(probe) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let found = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(probe, $0, size) == 0 && getsockname(probe, $0, &size) == 0
      }
    }
    try #require(found, "no free port")
    return Int(UInt16(bigEndian: address.sin_port))
  }

  /// Starts the command and leaves it running; what it says is thrown away.
  static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Process {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }
}
