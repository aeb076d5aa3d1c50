import CTorch
import Foundation

/// Processes joined by c10d, as PyTorch joins them: launched by torchrun, Slurm or a Kubernetes operator, which say
/// by environment variables who is who.
///
/// Tensors on the cpu travel by Gloo over TCP. Those on CUDA devices travel by NCCL from device to device, where
/// every process has one of its own; those on other accelerators through main memory.
public final class DistributedGroup: ProcessGroup {
  public let rank: Int
  public let size: Int
  private let group: ct_group

  /// Where the others are, as the environment says.
  public struct Place: Sendable, Equatable {
    public var rank: Int
    public var size: Int
    public var localRank: Int
    public var host: String
    public var port: UInt16
    /// Whether somebody else, such as torchrun's agent, serves the store already.
    public var isStoreServed: Bool
    public var isLocal: Bool
    public var interface: String
    /// Different for each restart by an elastic launcher.
    public var attempt: String

    /// From `RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `LOCAL_WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`,
    /// `TORCHELASTIC_USE_AGENT_STORE`, `TORCHELASTIC_RESTART_COUNT` and `GLOO_SOCKET_IFNAME`, as torchrun and the
    /// operators of Kubernetes set them; else from the variables of a step of Slurm (`srun`); nil for a single
    /// process.
    ///
    /// - Throws: ``TorchError`` that names the variable at fault.
    public init?(_ environment: [String: String]) throws(TorchError) {
      let environment = SlurmStep(environment)?.environment ?? environment
      func number(_ name: String, _ range: ClosedRange<Int>, or fallback: Int? = nil) throws(TorchError)
        -> Int
      {
        guard let text = environment[name] ?? fallback.map(String.init) else {
          throw TorchError(operation: "process group", message: "WORLD_SIZE is set, but \(name) is not")
        }
        guard let value = Int(text), range.contains(value) else {
          throw TorchError(
            operation: "process group",
            message:
              "\(name) is '\(text)', expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
      }
      guard environment["WORLD_SIZE"] != nil else { return nil }
      size = try number("WORLD_SIZE", 1...100_000)
      guard size > 1 else { return nil }
      rank = try number("RANK", 0...(size - 1))
      localRank = try number("LOCAL_RANK", 0...(size - 1), or: rank)
      port = UInt16(try number("MASTER_PORT", 1...65_535))
      guard let host = environment["MASTER_ADDR"], !host.isEmpty else {
        throw TorchError(operation: "process group", message: "WORLD_SIZE is set, but MASTER_ADDR is not")
      }
      self.host = host
      isStoreServed = environment["TORCHELASTIC_USE_AGENT_STORE"]?.lowercased() == "true"
      let here = try number("LOCAL_WORLD_SIZE", 1...size, or: 1)
      // Operators of Kubernetes tell the first process that it is at localhost, though the others are not.
      let isNear =
        ["localhost", "127.0.0.1", "::1"].contains(host) && environment["KUBERNETES_SERVICE_HOST"] == nil
      isLocal = here == size || isNear
      interface = environment["GLOO_SOCKET_IFNAME"] ?? ""
      attempt = environment["TORCHELASTIC_RESTART_COUNT"] ?? "0"
    }

    /// The device that this process works on: of `cuda` the one that ``localRank`` numbers; what names one device
    /// stays as it is.
    ///
    /// - Throws: ``TorchError`` when there are too few.
    public func device(_ wanted: Device) throws(TorchError) -> Device {
      try device(wanted, of: Device.count(of: wanted.kind))
    }

    func device(_ wanted: Device, of count: Int) throws(TorchError) -> Device {
      guard wanted.kind == .cuda, wanted.index == nil else { return wanted }
      guard localRank < count else {
        throw TorchError(
          operation: "device",
          message:
            "LOCAL_RANK is \(localRank), but cuda devices found: \(count); start at most that many processes "
            + "a machine, or name cuda:0 where each process sees only its own")
      }
      return Device(kind: .cuda, index: localRank)
    }
  }

  /// Joins the others.
  ///
  /// - Parameters:
  ///   - device: where this process works, of the same kind in all: ``Place/device(_:)``.
  ///   - timeout: seconds that a process may be late, here and in every later call.
  /// - Throws: ``TorchError`` when they do not come in time, or NCCL cannot join their devices.
  public init(_ place: Place, device: Device = .cpu, timeout: Double = 1800) throws(TorchError) {
    rank = place.rank
    size = place.size
    let joining = Joining()
    Thread.detachNewThread {
      let made = ct_group_new(
        place.host, place.port, Int32(place.rank), Int32(place.size), place.rank == 0 && !place.isStoreServed,
        "crossmodal/\(place.attempt)", place.interface, place.isLocal, Int64(timeout * 1000))
      joining.finish(made, made == nil ? Self.reason : "")
    }
    let outcome = joining.wait(seconds: timeout + Self.grace)
    guard let made = outcome?.group else {
      let silence =
        "whoever has the port does not answer as a process group does; give all processes another MASTER_PORT"
      throw TorchError(
        operation: "joining \(place.size) processes at \(place.host):\(place.port)",
        message: "process \(place.rank): \(outcome?.reason ?? silence)")
    }
    group = made
    if device.kind == .cuda { try joinDevices(device) }
  }

  /// Seconds for c10d to find out by itself that time is over, which it says better.
  private static let grace = 3.0

  /// Waits for c10d, which has no end of its own to waiting for a program that holds the port in silence.
  ///
  /// `@unchecked Sendable`: the outcome is written before the semaphore is raised and read after.
  private final class Joining: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var outcome: (group: ct_group?, reason: String)?

    func finish(_ group: ct_group?, _ reason: String) {
      outcome = (group, reason)
      done.signal()
    }

    /// Nil when time is over.
    func wait(seconds: Double) -> (group: ct_group?, reason: String)? {
      done.wait(timeout: .now() + seconds) == .success ? outcome : nil
    }
  }

  /// Brings NCCL up, so that what is wrong with the devices is said before work starts.
  private func joinDevices(_ device: Device) throws(TorchError) {
    do {
      guard ct_group_join_nccl(group) else { throw lastError("join") }
      _ = try summed(Tensor.ones([1]).to(device))
    } catch {
      throw TorchError(
        operation: "joining the CUDA devices of \(size) processes by NCCL",
        message: "process \(rank) at \(device): \(Self.reason)")
    }
  }

  private func summed(_ tensor: Tensor) throws(TorchError) -> Tensor {
    Tensor(try Handle.made("sum over processes", [tensor]) { ct_group_sum(group, $0[0]) })
  }

  deinit { ct_group_free(group) }

  /// What went wrong, without the places in c10d's own source that its messages carry and without advice.
  private static var reason: String { sentence(String(cString: ct_last_error())) }

  static func sentence(_ message: String) -> String {
    var message = message
    if message.hasPrefix("["), let end = message.firstIndex(of: "]") {
      message = String(message[message.index(after: end)...]).trimmingCharacters(in: .whitespaces)
    }
    let lines = message.split(separator: "\n").map(String.init)
    message = lines.first ?? message
    // NCCL: "NCCL error in: FILE:LINE, what", some lines of advice, "Last error:", what it was.
    if message.hasPrefix("NCCL error in: "), let end = message.range(of: ", ") {
      message = "NCCL error, " + message[end.upperBound...]
      if let last = lines.firstIndex(of: "Last error:"), last + 1 < lines.count {
        message += ": " + lines[last + 1].trimmingCharacters(in: .whitespaces)
      }
    }
    return message.range(of: ". ").map { String(message[..<$0.lowerBound]) } ?? message
  }

  /// Tensors of their own where the group carries them, which the calls below may change.
  private func own(_ tensor: Tensor) throws(TorchError) -> Tensor {
    let device = tensor.device
    let source = try tensor.detached()
    return try (ct_group_carries(group, device.kind.rawValue) ? source : source.to(.cpu)).contiguous()
      .copied()
  }

  private func check(_ done: Bool, _ operation: String) throws(TorchError) {
    guard done else { throw lost(operation) }
  }

  private func lost(_ operation: String) -> TorchError {
    TorchError(
      operation: operation,
      message:
        "process \(rank) has lost one of the \(size) that work together, which ended or was too late: "
        + Self.reason)
  }

  public func sum(_ tensor: Tensor) throws(TorchError) -> Tensor {
    do { return try summed(tensor) } catch { throw lost(error.operation) }
  }

  public func broadcast(_ tensor: Tensor, from rank: Int) throws(TorchError) -> Tensor {
    let result = try own(tensor)
    try check(result.handle.withPointer { ct_group_broadcast(group, $0, Int32(rank)) }, "broadcast")
    return try result.to(tensor.device)
  }

  public func gather(_ tensor: Tensor) throws(TorchError) -> [Tensor] {
    let shapes = try gatherSame(Tensor(tensor.shape))
    var sizes: [[Int]] = []
    for shape in shapes { sizes.append(try shape.values(as: Int.self)) }
    // Every part is padded to the largest size along each dimension, then cut to its own rows.
    let largest = tensor.shape.indices.map { at in sizes.map { $0[at] }.max() ?? 0 }
    let padding = zip(largest, tensor.shape).reversed().flatMap { [0, $0 - $1] }
    let whole = padding.allSatisfy { $0 == 0 } ? tensor : try tensor.detached().padded(padding)
    let parts = try gatherSame(whole)
    var result: [Tensor] = []
    for (part, size) in zip(parts, sizes) {
      result.append(try size.isEmpty ? part : part[0..<size[0]])
    }
    return result
  }

  private func gatherSame(_ tensor: Tensor) throws(TorchError) -> [Tensor] {
    let source = try own(tensor)
    var parts: [Tensor] = []
    for _ in 0..<size { parts.append(try source.zerosLike()) }
    let done = source.handle.withPointer { pointer in
      Handle.withPointers(parts.map(\.handle)) { ct_group_gather(group, pointer, $0, Int32(size)) }
    }
    try check(done, "gather from processes")
    var moved: [Tensor] = []
    for part in parts { moved.append(try part.to(tensor.device)) }
    return moved
  }

  public func barrier() throws(TorchError) { try check(ct_group_barrier(group), "waiting for all processes") }
}
