import Foundation
import Testing

@testable import Torch

@Suite("Processes that train together")
struct DistributedGroupTests {
  private func place(_ environment: [String: String]) throws -> DistributedGroup.Place? {
    try DistributedGroup.Place(environment)
  }

  private static let torchrun = [
    "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "gpu7",
    "MASTER_PORT": "29500", "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2",
  ]

  @Test("torchrun's variables say who is who, and that its agent serves the store")
  func torchrun() throws {
    let place = try #require(try place(Self.torchrun))
    #expect(place.rank == 3 && place.size == 4 && place.localRank == 1)
    #expect(place.host == "gpu7" && place.port == 29500)
    #expect(place.isStoreServed && !place.isLocal && place.attempt == "2")
  }

  @Test("a program that holds the port in silence is waited for no longer than others")
  func silence() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = try withUnsafeMutablePointer(to: &address) {
      try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try #require(bind(listener, $0, length) == 0 && listen(listener, 8) == 0)
        try #require(getsockname(listener, $0, &length) == 0)
      }
      return UInt16(bigEndian: $0.pointee.sin_port)
    }
    let place = try #require(
      try place([
        "RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
      ]))
    let start = ContinuousClock.now
    let error = #expect(throws: TorchError.self) { try DistributedGroup(place, timeout: 1) }
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(error?.description.hasPrefix("joining 2 processes at 127.0.0.1:\(port): process 1: ") == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test("without variables, or with one process, there is no group")
  func single() throws {
    #expect(try place([:]) == nil)
    #expect(try place(["WORLD_SIZE": "1", "RANK": "0"]) == nil)
    // A batch script that does not use srun.
    #expect(try place(["SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"]) == nil)
  }

  @Test(
    "a variable that is missing or makes no sense is named",
    arguments: [
      ("RANK", nil), ("RANK", "4"), ("RANK", "first"), ("WORLD_SIZE", "many"), ("MASTER_PORT", "0"),
      ("MASTER_PORT", "70000"), ("MASTER_ADDR", nil), ("MASTER_ADDR", ""), ("LOCAL_WORLD_SIZE", "9"),
    ] as [(String, String?)])
  func refuses(name: String, value: String?) {
    var environment = Self.torchrun
    environment[name] = value
    let error = #expect(throws: TorchError.self) { try place(environment) }
    #expect(error?.message.contains(name) == true)
  }

  @Test("the first process of a Kubernetes operator is not alone on its machine, though it is told localhost")
  func kubernetes() throws {
    let given = ["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "23456"]
    #expect(try place(given)?.isLocal == true)
    #expect(try place(given.merging(["KUBERNETES_SERVICE_HOST": "10.0.0.1"]) { $1 })?.isLocal == false)
  }

  @Test("a step of Slurm is a group: tasks are ranks, the first machine of the list is the meeting place")
  func slurm() throws {
    let step = [
      "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_STEP_NUM_NODES": "2",
      "SLURM_STEP_NODELIST": "gpu[007-008]", "SLURM_JOB_ID": "1234567", "SLURM_STEP_ID": "0",
    ]
    let found = try #require(try place(step))
    #expect(found.rank == 5 && found.size == 8 && found.localRank == 1)
    #expect(found.host == "gpu007" && !found.isLocal && !found.isStoreServed)
    var other = step
    other["SLURM_PROCID"] = "0"
    #expect(try place(other)?.port == found.port)
    other["SLURM_STEP_ID"] = "1"
    #expect(try place(other)?.port != found.port)
    other["MASTER_ADDR"] = "10.1.2.3"
    other["MASTER_PORT"] = "4000"
    let set = try #require(try place(other))
    #expect(set.host == "10.1.2.3" && set.port == 4000)
    other["SLURM_STEP_NUM_NODES"] = "1"
    #expect(try place(other)?.isLocal == true)
    #expect(try place(step.merging(["WORLD_SIZE": "1"]) { $1 }) == nil)
  }

  @Test(
    "the first machine of a list of Slurm",
    arguments: [
      ("node1", "node1"), ("node1,node2", "node1"), ("gpu[03-07,12],cpu1", "gpu03"), ("a[5,9]-ib", "a5-ib"),
      ("login,gpu[1-2]", "login"),
    ])
  func firstHost(list: String, host: String) { #expect(SlurmStep.firstHost(list) == host) }

  @Test("of several CUDA devices each process takes the one that its local rank numbers")
  func devices() throws {
    let place = try #require(try place(Self.torchrun))
    #expect(try place.device(Device(kind: .cuda), of: 2) == Device(kind: .cuda, index: 1))
    // What names one device, or is one for all, stays.
    for same in [Device.cpu, Device(kind: .mps), Device(kind: .cuda, index: 0)] {
      #expect(try place.device(same, of: 1) == same)
    }
    let error = #expect(throws: TorchError.self) { try place.device(Device(kind: .cuda), of: 1) }
    #expect(error?.message.contains("LOCAL_RANK is 1, but cuda devices found: 1") == true)
  }

  @Test(
    "c10d's messages become sentences without places in its source",
    arguments: [
      (
        "[/a/gloo/pair.cc:5] Connection closed by peer [127.0.0.1]:80. This is advice",
        "Connection closed by peer [127.0.0.1]:80"
      ),
      (
        "[PG ID 0 PG GUID 0 Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2) ran for 9 ms",
        "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2) ran for 9 ms"
      ),
      (
        "NCCL error in: /a/NCCLUtils.hpp:5, invalid usage (advice), NCCL version 2.29.7\nncclInvalidUsage: advice.\n"
          + "Last error:\nDuplicate GPU detected : rank 1 and rank 0 both on CUDA device 5000",
        "NCCL error, invalid usage (advice), NCCL version 2.29.7: "
          + "Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 5000"
      ),
    ])
  func sentences(message: String, sentence: String) {
    #expect(DistributedGroup.sentence(message) == sentence)
  }

  /// The kinds of device that two processes of this machine can work on.
  private static let kinds = [Device.Kind.cpu] + (Device.count(of: .cuda) < 2 ? [] : [.cuda])

  /// Runs `body` as two processes would, each on a thread of its own and, of an accelerator, on its own device.
  private func together<Result: Sendable>(
    on kind: Device.Kind = .cpu, _ body: @escaping @Sendable (DistributedGroup) throws -> Result
  ) async throws -> [Result] {
    let port = try #require(freePort())
    return try await withThrowingTaskGroup(of: (Int, Result).self) { tasks in
      for rank in 0..<2 {
        tasks.addTask {
          try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
              continuation.resume(
                with: Swift.Result {
                  let place = try DistributedGroup.Place([
                    "RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": "\(port)",
                  ])
                  guard let place else { throw TorchError(operation: "test", message: "no place") }
                  let device = try place.device(Device(kind: kind))
                  return (rank, try body(DistributedGroup(place, device: device, timeout: 60)))
                })
            }
          }
        }
      }
      return try await tasks.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// A group of one process, which is enough to bring NCCL up.
  private func alone(at device: Device) throws -> DistributedGroup {
    let port = try #require(freePort())
    var place = try #require(
      try place([
        "RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
      ]))
    place.size = 1
    return try DistributedGroup(place, device: device, timeout: 60)
  }

  private func freePort() -> Int? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
  }

  @Test("sums, gathers of different sizes and broadcasts give every process the same", arguments: kinds)
  func collectives(kind: Device.Kind) async throws {
    let found = try await together(on: kind) { group -> [[Double]] in
      let device = Device(kind: kind, index: kind == .cpu ? nil : group.rank)
      let own = Double(group.rank + 1)
      let rows = try (Tensor.ones([group.rank + 1, 2 - group.rank], .float64) * own).to(device)
      let gathered = try group.gather(rows)
      try group.barrier()
      let sum = try group.sum(Tensor([own, 10 * own]).to(device))
      #expect(sum.device == rows.device && gathered.allSatisfy { $0.device == rows.device })
      return [
        try sum.values(), try group.broadcast(Tensor([own]).to(device), from: 1).values(),
        try gathered[0].flattened().values(), try gathered[1].flattened().values(),
      ]
    }
    #expect(found[0] == [[3, 30], [2], [1, 1], [2, 0, 2, 0]])
    #expect(found[1] == found[0])
  }

  @Test(
    "batch normalisation of parts is that of the joined batch, with its gradient",
    arguments: [[5, 3], [5, 3, 2, 4]])
  func batchNormalisation(shape: [Int]) async throws {
    @Sendable func numbers(of rows: Range<Int>, _ pass: (Generator) -> Pass) throws -> [[Double]] {
      let generator = try Generator(seed: 4)
      let (x, slopes) = (
        try Tensor.normal(shape, .float64, using: generator) * 3 + 7,
        try Tensor.normal(shape, .float64, using: generator)
      )
      let norm = try BatchNorm(3, .float64)
      for (entry, numbers) in zip(norm.parameters, [[0.5, 2, -1], [1.0, 0, 3]]) {
        entry.tensor = try Tensor(numbers)
      }
      let own = try x[rows].copied().requiringGradient()
      let result = try norm(own, pass(generator))
      try (result.squared() * slopes[rows]).sum().backward()
      let found = [
        own.gradient, result, norm.weight?.gradient, norm.bias?.gradient, norm.runningMean,
        norm.runningVariance,
      ]
      return try found.map { try ($0 ?? Tensor([0.0])).detached().flattened().values() }
    }
    let whole = try numbers(of: 0..<5) { .training($0) }
    // One row in one process, the rest in the other.
    let parts = try await together { group in
      try numbers(of: group.rank == 0 ? 0..<1 : 1..<5) { .training($0, in: group) }
    }
    for at in 0..<2 { #expect(isClose(parts[0][at] + parts[1][at], whole[at])) }
    for at in 2..<4 { #expect(isClose(zip(parts[0][at], parts[1][at]).map { $0 + $1 }, whole[at])) }
    for at in 4..<6 { #expect(parts.allSatisfy { isClose($0[at], whole[at]) }) }
  }

  private func isClose(_ x: [Double], _ y: [Double]) -> Bool {
    x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) }
  }

  @Test("a process that left ends the others in the gradient, too, with an error that says so")
  func lostInGradient() async throws {
    let found = try await together { group -> String in
      let sum = try group.sum(Tensor([1.0]).requiringGradient())
      guard group.rank == 0 else { return "" }
      do {
        try sum.sum().backward()
        return "no error"
      } catch let error as TorchError { return error.description }
    }
    #expect(found[0].contains("process 0 has lost one of the 2"), "\(found[0])")
    #expect(!found[0].contains("gloo/"))
  }

  @Test("a process that left ends the others' calls with an error that says so")
  func lost() async throws {
    let found = try await together { group -> String in
      guard group.rank == 0 else { return "" }
      do {
        _ = try group.sum(Tensor([1.0]))
        return "no error"
      } catch let error as TorchError { return error.description }
    }
    #expect(found[0].contains("process 0 has lost one of the 2"), "\(found[0])")
    #expect(!found[0].contains("gloo/"))
  }

  @Test(
    "a group for CUDA devices says what NCCL says where there is none",
    .enabled(if: Device.count(of: .cuda) == 0))
  func noDevice() throws {
    let error = #expect(throws: TorchError.self) { try alone(at: Device(kind: .cuda, index: 0)) }
    #expect(error?.operation == "joining the CUDA devices of 1 processes by NCCL")
    let reason = Runtime.ncclVersion == nil ? "libtorch has no NCCL" : "no GPUs found"
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
  }

  @Test(
    "on one CUDA device NCCL gives a single process its own",
    .enabled(if: Device.count(of: .cuda) > 0, "no CUDA device"))
  func oneDevice() throws {
    let device = Device(kind: .cuda, index: 0)
    let group = try alone(at: device)
    let own = try Tensor([1.0, 2]).to(device)
    #expect(try group.sum(own).values(as: Double.self) == [1, 2])
    #expect(try group.gather(own)[0].values(as: Double.self) == [1, 2])
    #expect(try group.broadcast(own, from: 0).device == device)
    try group.barrier()
  }
}
