#if os(Linux)
  import Foundation
  import Testing

  /// A command line that is run again and again, and whose n-th operation on files goes wrong.
  ///
  /// The program is loaded once; `Tests/Fixtures/faults.c` says how.
  final class FaultyCommand {
    /// What becomes of the operation with a number, from 1, and of those after it.
    enum Fault: Int32, CaseIterable, CustomStringConvertible {
      /// It fails, and those after it do not.
      case fails
      /// The process is killed before it.
      case kills
      /// The disk has no more room.
      case full
      /// The disk can only be read.
      case readOnly

      /// The operations at which it is worth a look: every one, or where the disk is so from the start or comes to be so.
      func moments(of operations: Int) -> [Int] {
        switch self {
        case .fails, .kills: Array(1...operations)
        case .full, .readOnly: [1, operations / 2 + 1]
        }
      }

      var description: String {
        switch self {
        case .fails: "fails"
        case .kills: "kills"
        case .full: "full disk"
        case .readOnly: "read-only disk"
        }
      }
    }

    private static let compiler = "/usr/bin/cc"

    /// Whether operations can be made to fail here.
    static let isPossible = FileManager.default.isExecutableFile(atPath: compiler)
    static let comment: Comment = "missing part: a C compiler at /usr/bin/cc"

    /// The library that is loaded before the command, and the folder that it is in.
    private static let library: (file: String, folder: TemporaryFolder)? = {
      guard let folder = try? TemporaryFolder() else { return nil }
      let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/faults.c").path
      let process = Process()
      process.executableURL = URL(fileURLWithPath: compiler)
      process.arguments = ["-shared", "-fPIC", "-o", folder.path("faults.so"), source, "-ldl"]
      guard (try? process.run()) != nil else { return nil }
      process.waitUntilExit()
      return process.terminationStatus == 0 ? (folder.path("faults.so"), folder) : nil
    }()

    private let process = Process()
    private let (requests, answers) = (Pipe(), Pipe())
    private let streams: TemporaryFolder

    init(_ arguments: [String]) throws {
      let library = try #require(Self.library, "faults.c could not be compiled")
      streams = try TemporaryFolder()
      for name in ["out", "err"] { try streams.write("", to: name) }
      process.executableURL = CommandLine.program
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["LD_PRELOAD": library.file, "FAULT_STREAMS": streams.url.path]) { $1 }
      process.standardInput = requests
      process.standardOutput = answers
      try process.run()
    }

    /// Runs the command once.
    ///
    /// - Parameter fault: what goes wrong at which operation; nil for nothing.
    /// - Returns: also how many operations there were.
    func run(_ fault: (kind: Fault, at: Int)? = nil) throws -> (outcome: CommandLine.Outcome, operations: Int)
    {
      let numbers = [Int32(fault?.at ?? 0), fault?.kind.rawValue ?? 0]
      try requests.fileHandleForWriting.write(contentsOf: numbers.withUnsafeBytes { Data($0) })
      let answer = try answers.fileHandleForReading.read(upToCount: 8) ?? Data()
      try #require(answer.count == 8, "the process that serves the command is gone")
      let (status, operations) = answer.withUnsafeBytes {
        (
          $0.loadUnaligned(fromByteOffset: 0, as: Int32.self),
          $0.loadUnaligned(fromByteOffset: 4, as: Int32.self)
        )
      }
      let texts = try ["out", "err"].map {
        String(decoding: try Data(contentsOf: streams.url.appendingPathComponent($0)), as: UTF8.self)
      }
      return (CommandLine.Outcome(status: status, output: texts[0], errors: texts[1]), Int(operations))
    }

    deinit {
      // Other signals may be blocked there, as they are in the threads of tests.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }
#endif
