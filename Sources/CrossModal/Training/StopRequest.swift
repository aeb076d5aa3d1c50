import Foundation

/// A wish from outside, such as Ctrl-C, that training should stop after a checkpoint.
///
/// `@unchecked Sendable`: what is stored is read and written under its lock.
public final class StopRequest: @unchecked Sendable {
  public static let shared = StopRequest()
  private let lock = NSLock()
  private var listeners = 0
  private var received: Int32?

  /// The signal that asked for a stop; nil when none did.
  public var signal: Int32? { lock.withLock { received } }

  /// Passes a signal on to a training in progress.
  ///
  /// - Returns: whether it will stop by itself; false when no training listens or one was asked before, so
  ///   that the process may as well end at once.
  public func request(_ signal: Int32) -> Bool {
    lock.withLock {
      guard listeners > 0, received == nil else { return false }
      received = signal
      return true
    }
  }

  /// Runs `body`, which looks at ``signal`` now and then.
  func heard<Result>(by body: () throws -> Result) rethrows -> Result {
    lock.withLock { listeners += 1 }
    defer { lock.withLock { listeners -= 1 } }
    return try body()
  }

  /// Forgets a request, for what comes after a training that was stopped in the same process.
  public func clear() { lock.withLock { received = nil } }
}
