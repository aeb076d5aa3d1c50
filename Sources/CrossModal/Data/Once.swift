import Foundation

/// A value that is computed when it is first asked for; safe for several threads.
final class Once<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var known: Value?

  func value(_ compute: () throws -> Value) rethrows -> Value {
    lock.lock()
    defer { lock.unlock() }
    if let known { return known }
    let computed = try compute()
    known = computed
    return computed
  }
}
