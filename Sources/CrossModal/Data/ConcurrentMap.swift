import Dispatch
import Foundation

extension Array where Element: Sendable {
  /// What a function gives for each element, in order, computed by several threads.
  ///
  /// - Parameter threads: at most so many at a time; 1 stays on the calling thread.
  /// - Throws: what the function threw for the first element (in order) that it threw for.
  func concurrentMap<Value: Sendable>(
    threads: Int, _ transform: @Sendable (Element) throws -> Value
  ) throws -> [Value] {
    guard threads > 1, count > 1 else { return try map(transform) }
    let found = Results<Value>(count: count)
    let workers = Swift.min(threads, count)
    // Each worker takes every so-manieth element, so no more than `threads` run at a time.
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      for place in stride(from: worker, to: count, by: workers) {
        let element = self[place]
        found.put(Result { try transform(element) }, at: place)
      }
    }
    return try found.all()
  }
}

/// Results that several threads write.
private final class Results<Value: Sendable>: @unchecked Sendable {
  // Every access is under the lock.
  private var values: [Result<Value, any Error>?]
  private let lock = NSLock()

  init(count: Int) { values = Array(repeating: nil, count: count) }

  func put(_ value: Result<Value, any Error>, at place: Int) {
    lock.withLock { values[place] = value }
  }

  func all() throws -> [Value] { try lock.withLock { try values.compactMap { try $0?.get() } } }
}
