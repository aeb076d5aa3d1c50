import Foundation

/// Python packages that `scripts/python-tools` has put into `.venv`, for tests that compare with other programs.
enum PythonTools {
  /// Programs of the environment.
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".venv/bin")

  /// Whether a package is there.
  static func has(_ package: String) -> Bool {
    let libraries = folder.deletingLastPathComponent().appendingPathComponent("lib")
    let pythons = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
    return pythons.contains {
      FileManager.default.fileExists(atPath: libraries.path + "/\($0)/site-packages/\(package)/__init__.py")
    }
  }

  /// Runs a program of Python's.
  static func run(_ program: String, _ arguments: String...) throws -> CommandLine.Outcome {
    try CommandLine.run(["-c", program] + arguments, program: folder.appendingPathComponent("python"))
  }
}
