import CrossModal
import Foundation
import Torch

/// Processes that train together, as threads of this one.
final class ThreadGroup: ProcessGroup {
  /// Where the threads meet.
  private final class Table: @unchecked Sendable {
    let size: Int
    private let condition = NSCondition()
    private var places: [Tensor?]
    private var arrived = 0
    private var round = 0
    private var result: [Tensor] = []

    init(size: Int) {
      self.size = size
      places = Array(repeating: nil, count: size)
    }

    /// Puts down a tensor and takes those of all once everyone has come.
    func exchange(_ tensor: Tensor, rank: Int) -> [Tensor] {
      condition.lock()
      defer { condition.unlock() }
      let own = round
      places[rank] = tensor
      arrived += 1
      if arrived == size {
        result = places.compactMap { $0 }
        arrived = 0
        round += 1
        condition.broadcast()
      }
      while round == own { condition.wait() }
      return result
    }
  }

  let rank: Int
  var size: Int { table.size }
  private let table: Table

  private init(rank: Int, table: Table) {
    self.rank = rank
    self.table = table
  }

  /// Runs `body` once for each rank, each on a thread of its own, and returns what they gave.
  static func run<Result>(_ size: Int, _ body: @escaping (ThreadGroup) throws -> Result) throws -> [Result] {
    let box = ThreadResults(size, body)
    let table = Table(size: size)
    let lock = NSLock()
    let threads = DispatchGroup()
    for rank in 0..<size {
      threads.enter()
      let thread = Thread {
        let result = Swift.Result { try box.body(ThreadGroup(rank: rank, table: table)) }
        lock.withLock { box.results[rank] = result }
        threads.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    threads.wait()
    return try box.results.compactMap { try $0?.get() }
  }

  func gather(_ tensor: Tensor) throws(TorchError) -> [Tensor] { table.exchange(tensor, rank: rank) }

  func sum(_ tensor: Tensor) throws(TorchError) -> Tensor {
    let all = table.exchange(tensor, rank: rank)
    var sum = all[0]
    for other in all.dropFirst() { sum = try sum + other }
    return sum
  }

  func broadcast(_ tensor: Tensor, from rank: Int) throws(TorchError) -> Tensor {
    table.exchange(tensor, rank: self.rank)[rank]
  }

  func barrier() throws(TorchError) { _ = table.exchange(try Tensor(0), rank: rank) }
}

/// What the threads of a group gave.
private final class ThreadResults<Result>: @unchecked Sendable {
  var results: [Swift.Result<Result, any Error>?]
  let body: (ThreadGroup) throws -> Result

  init(_ size: Int, _ body: @escaping (ThreadGroup) throws -> Result) {
    results = Array(repeating: nil, count: size)
    self.body = body
  }
}
