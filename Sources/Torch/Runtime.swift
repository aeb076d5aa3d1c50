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
}
