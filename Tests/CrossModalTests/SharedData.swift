import Foundation

/// Where larger data are that the repository does not hold: `CROSSMODAL_DATA`, else `../shared/data` beside
/// the repository; nil when neither exists.
enum SharedData {
  static let root: URL? = {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["CROSSMODAL_DATA"].map { URL(fileURLWithPath: $0) }
    let beside = repository.deletingLastPathComponent().appendingPathComponent("shared/data")
    return [named, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  static var exists: Bool { root != nil }

  /// A folder or file of the shared data; only called where ``exists``.
  static func path(_ name: String) -> String { root?.appendingPathComponent(name).path ?? name }

  /// All data sets, as paths below the root.
  static let dataSets: [String] = {
    guard let root, let walk = FileManager.default.enumerator(atPath: root.path) else { return [] }
    return walk.compactMap { $0 as? String }.filter { $0.hasSuffix("dataset.yaml") }.sorted()
  }()
}
