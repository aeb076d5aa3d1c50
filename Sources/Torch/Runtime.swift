import CTorch

/// libtorch as it runs in this process.
public enum Runtime {
  /// Version of libtorch, such as `2.13.0`.
  public static var version: String { String(cString: ct_version()) }

  /// How libtorch was built: compiler, BLAS, instruction set.
  public static var configuration: String { String(cString: ct_configuration()) }

  /// The version of CUDA that libtorch is built for, such as `13.0`; nil where it is built without.
  public static var cudaVersion: String? {
    let number = ct_cuda_version()
    return number == 0 ? nil : "\(number / 1000).\(number / 10 % 100)"
  }

  /// The version of NCCL, which joins the CUDA devices of several processes, such as `2.29.7`; nil without one.
  public static var ncclVersion: String? {
    let number = ct_nccl_version()
    return number == 0 ? nil : "\(number / 10000).\(number / 100 % 100).\(number % 100)"
  }

  /// Threads that an operation may use.
  public static var threads: Int { Int(ct_threads()) }

  /// Sets the threads that an operation may use.
  public static func setThreads(_ count: Int) throws(TorchError) {
    guard ct_set_threads(Int32(clamping: count)) else { throw lastError("threads") }
  }

  /// Lets the process keep memory that was freed, up to so many bytes, instead of giving it back to the system.
  ///
  /// The next step of a training needs the same memory again, and getting it anew costs up to a third of a
  /// step's time. For programs, at their start; a setting of the whole process, without effect where the C
  /// library has none like it.
  ///
  /// - Returns: whether it has an effect.
  @discardableResult
  public static func keepFreedMemory(_ bytes: Int = 512 << 20) -> Bool { ct_keep_freed_memory(Int64(bytes)) }

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
