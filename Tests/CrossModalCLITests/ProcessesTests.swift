import CrossModal
import Foundation
import Testing
import Torch

@testable import CrossModalCLI

@Suite("train in several processes")
struct ProcessesTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data/digits-halves").path

  private static func arguments(_ out: String, _ more: [String] = []) -> [String] {
    let common = ["train", "--data", data, "--out", out, "--set", "threads=1", "--quiet"] + more
    guard !more.contains("--method") else { return common }
    return common + [
      "--method", "dcca", "--set", "hidden=[16]", "--set", "outputs=5", "--set", "optimizer=adam", "--set",
      "batch_size=400",
    ]
  }

  /// A step as long as the gradient, so that equal weights are equal gradients.
  private static let oneStep = [
    "--set", "optimizer=sgd", "--set", "learning_rate=1", "--set", "steps=1", "--set", "precision=float64",
    "--set", "weight_decay=0",
  ]

  /// The devices that two processes of this machine can train on.
  private static let devices = ["cpu"] + (Device.count(of: .cuda) < 2 ? [] : ["cuda"])

  /// What a launcher tells one of two processes.
  private static func place(_ rank: Int, _ port: Int) -> [String: String] {
    [
      "RANK": "\(rank)", "WORLD_SIZE": "2", "LOCAL_RANK": "\(rank)", "MASTER_ADDR": "127.0.0.1",
      "MASTER_PORT": "\(port)",
    ]
  }

  private func expectSameWeights(_ one: String, _ two: String) throws {
    let weights = try [one, two].map { try SafeTensors.read($0 + "/model.safetensors") }
    for (name, tensor) in weights[0].tensors where name.hasPrefix("model") {
      let other = try #require(weights[1][name])
      #expect(try tensor.isClose(to: other, absolute: 1e-6), "\(name)")
    }
  }

  /// Methods with and without layers that normalize by the batch.
  private static let methods = [
    [], ["--set", "encoder=mlp-bn"],
    [
      "--method", "structure-preserving", "--set", "dim_embed=16", "--set", "metric_dim=5", "--set",
      "dropout=0",
      "--set", "batch_size=101", "--set", "sample_size=1",
    ],
  ]

  @Test("two processes take the step that one takes on the joined batch", arguments: devices, methods)
  func sharesGradients(device: String, method: [String]) throws {
    let folder = try TemporaryFolder()
    let (one, two) = (folder.url.path + "/one", folder.url.path + "/two")
    let alone = try CommandLine.run(Self.arguments(one, method) + Self.oneStep)
    #expect(alone.status == 0, "\(alone.errors)")
    let port = try CommandLine.freePort()
    let processes = try (0..<2).map {
      try CommandLine.start(
        Self.arguments(two, method + ["--device", device]) + Self.oneStep, environment: Self.place($0, port))
    }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    try expectSameWeights(one, two)
  }

  @Test(
    "torchrun starts two processes, which take the step that one takes on the joined batch",
    .enabled(if: PythonTools.has("torch"), "missing part: PyTorch, whose torchrun starts processes"))
  func torchrun() throws {
    let folder = try TemporaryFolder()
    let (one, two) = (folder.path("one"), folder.path("two"))
    #expect(try CommandLine.run(Self.arguments(one) + Self.oneStep).status == 0)
    let launched = try CommandLine.run(
      [
        "--no-python", "--nproc-per-node", "2", "--master-port", "\(CommandLine.freePort())",
        CommandLine.program.path,
      ] + Self.arguments(two) + Self.oneStep, program: PythonTools.folder.appendingPathComponent("torchrun"))
    #expect(launched.status == 0, "\(launched.errors)")
    try expectSameWeights(one, two)
    // The first process alone speaks and writes.
    #expect(launched.output.components(separatedBy: "dcca on digits-halves").count == 2)
  }

  @Test(
    "the others end with an error when a process is killed, or is late beyond the timeout",
    arguments: [SIGKILL, SIGSTOP], devices)
  func lost(signal: Int32, device: String) throws {
    let folder = try TemporaryFolder()
    let out = folder.path("run")
    let errors = folder.url.appendingPathComponent("errors")
    let port = try CommandLine.freePort()
    let processes = try (0..<2).map { rank in
      try CommandLine.start(
        // Gloo notices at once that a process is gone, NCCL not always before its time.
        Self.arguments(
          out,
          [
            "--set", "epochs=1000000", "--device", device, "--timeout",
            signal == SIGKILL && device == "cpu" ? "300" : "15",
          ]),
        environment: Self.place(rank, port), errors: rank == 0 ? errors : nil)
    }
    defer { for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) } }
    // Both are at work once there is a step to read of.
    let log = out + "/metrics.jsonl"
    while processes[0].isRunning, (FileManager.default.contents(atPath: log)?.count ?? 0) == 0 {
      usleep(10_000)
    }
    kill(processes[1].processIdentifier, signal)
    processes[0].waitUntilExit()
    #expect(processes[0].terminationReason == .exit && processes[0].terminationStatus == 1)
    let text = try String(contentsOf: errors, encoding: .utf8)
    #expect(text.contains("process 0 has lost one of the 2 that work together"), "\(text)")
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("error:") }.count == 1)
  }

  @Test("a signal to one of two processes ends both as interrupted, and the run goes on", arguments: [0, 1])
  func interrupted(rank: Int) throws {
    let folder = try TemporaryFolder()
    let log = folder.path("run/metrics.jsonl")
    for more in [[], ["--resume"]] {
      let port = try CommandLine.freePort()
      let before = FileManager.default.contents(atPath: log)?.count ?? 0
      let errors = (0..<2).map { folder.url.appendingPathComponent("errors-\($0)") }
      let processes = try (0..<2).map { place in
        try CommandLine.start(
          // Most of the time goes into measuring, where one works and the other waits.
          Self.arguments(
            folder.path("run"),
            more + ["epochs=1000000", "batch_size=1297", "validation=test"].flatMap { ["--set", $0] }),
          environment: Self.place(place, port), errors: errors[place])
      }
      defer { for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) } }
      while processes[0].isRunning, (FileManager.default.contents(atPath: log)?.count ?? 0) < before + 500 {
        usleep(10_000)
      }
      kill(processes[rank].processIdentifier, SIGTERM)
      for (place, process) in processes.enumerated() {
        process.waitUntilExit()
        let said = try String(contentsOf: errors[place], encoding: .utf8)
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + SIGTERM, "\(said)")
        #expect(said.contains("--resume continues \(folder.path("run"))"), "\(said)")
      }
    }
  }

  @Test("a process that finds no others says where it looked")
  func alone() throws {
    let port = try CommandLine.freePort()
    try expectError(1, "joining 2 processes at 127.0.0.1:\(port)", port: port, "--timeout", "1")
  }

  @Test("a device that is not there is refused before a process waits for another")
  func noDevice() throws {
    try expectError(
      2, "no device 'cuda:99' can be used here", port: CommandLine.freePort(), "--device", "cuda:99")
  }

  /// The first of two processes ends with a status and an error that contains `text`, and leaves no folder.
  private func expectError(_ status: Int32, _ text: String, port: Int, _ option: String, _ value: String)
    throws
  {
    let folder = try TemporaryFolder()
    let errors = folder.url.appendingPathComponent("errors")
    let process = try CommandLine.start(
      Self.arguments(folder.path("run"), [option, value]), environment: Self.place(0, port), errors: errors)
    process.waitUntilExit()
    #expect(process.terminationStatus == status)
    let found = try String(contentsOf: errors, encoding: .utf8)
    #expect(found.contains(text), "\(found)")
    #expect(!folder.exists("run"))
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

  /// Starts the command and leaves it running; what it says is thrown away, or its errors go to a file.
  static func start(
    _ arguments: [String], environment: [String: String] = [:], errors: URL? = nil, program: URL = program
  ) throws -> Process {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    if let errors { try Data().write(to: errors) }
    process.standardError = try errors.map { try FileHandle(forWritingTo: $0) } ?? FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }
}
