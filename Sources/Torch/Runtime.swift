import CTorch

/// libtorch as it runs in this process.
public enum Runtime {
  /// Version of libtorch, such as `2.13.0`.
  public static var version: String { String(cString: ct_version()) }

  /// How libtorch was built: compiler, BLAS, instruction set.
  public static var configuration: String { String(cString: ct_configuration()) }

  /// Threads that an operation may use.
  public static var threads: Int { Int(ct_threads()) }

  /// Sets the threads that an operation may use.
  public static func setThreads(_ count: Int) throws(TorchError) {
    guard ct_set_threads(Int32(clamping: count)) else { throw lastError("threads") }
  }

  /// Runs `body` with another number of threads, then puts the old one back.
  ///
  /// For many small operations one thread is fastest: on a busy machine several wait for each other.
  public static func withThreads<Result>(_ count: Int, _ body: () throws -> Result) throws -> Result {
    let before = threads
    guard count != before else { return try body() }
    try setThreads(count)
    let result = Swift.Result { try body() }
    try setThreads(before)
    return try result.get()
  }
}
