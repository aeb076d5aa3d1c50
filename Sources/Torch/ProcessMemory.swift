import Foundation

/// Main memory that this process holds, in bytes, as the system counts it.
public struct ProcessMemory: Sendable, Equatable {
  /// All of it, pages of mapped files and of libraries included, which the system takes back as it likes.
  public let resident: Int
  /// What no file is behind: what the process has allocated and written to. Equal to `resident` where the system
  /// does not tell them apart.
  public let anonymous: Int
  /// The most that `resident` was since the start, or since ``resetPeak()``.
  public let peak: Int

  /// As it is now; zeros where the system does not say.
  public static var now: ProcessMemory {
    #if os(Linux)
      // Not getrusage: its peak begins with that of the process that started this one.
      let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let lines = text.split(separator: "\n")
      let kilobytes = { (name: String) in
        lines.first { $0.hasPrefix(name + ":") }?.split(whereSeparator: { !$0.isNumber }).first
          .flatMap { Int($0) } ?? 0
      }
      return ProcessMemory(
        resident: kilobytes("VmRSS") << 10, anonymous: kilobytes("RssAnon") << 10,
        peak: kilobytes("VmHWM") << 10)
    #else
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      var info = mach_task_basic_info()
      var count = mach_msg_type_number_t(
        MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
      let done = withUnsafeMutablePointer(to: &info) {
        $0.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
          task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
        }
      }
      let resident = done == KERN_SUCCESS ? Int(info.resident_size) : 0
      return ProcessMemory(resident: resident, anonymous: resident, peak: Int(usage.ru_maxrss))
    #endif
  }

  /// Lets ``peak`` begin anew with what is resident now.
  ///
  /// - Returns: whether the system does so; otherwise the peak stays that of the whole process.
  @discardableResult
  public static func resetPeak() -> Bool {
    #if os(Linux)
      let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
      guard file >= 0 else { return false }
      defer { close(file) }
      return write(file, "5", 1) == 1
    #else
      return false
    #endif
  }
}
