import CrossModal
import Foundation

/// Where recorded reference cases are: `CROSSMODAL_GOLDEN`, else `../shared/golden` beside the repository.
enum GoldenFolder {
  /// Nil when there are none.
  static let path: String? = {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    let folder =
      ProcessInfo.processInfo.environment["CROSSMODAL_GOLDEN"].map { URL(filePath: $0) }
      ?? repository.appending(path: "../shared/golden")
    let path = folder.standardizedFileURL.path(percentEncoded: false)
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// Why the case at `name` below the folder does not verify; nil when it does.
  static func failure(of name: String) -> String? {
    let outcome = Verification().outcome(of: (path ?? "") + "/" + name)
    return outcome.passed ? nil : outcome.reason ?? "not passed"
  }
}
