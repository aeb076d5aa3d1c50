import Foundation

/// What a folder holds that appears as a whole, such as a run: how one is told from other folders.
public struct FolderKind: Sendable, Equatable {
  /// What messages call it.
  public let name: String
  /// What messages add where one stands in the way; empty for nothing.
  let advice: String
  /// Whether a folder holds one.
  let isOne: @Sendable (URL) -> Bool
  /// Whether a file of this name may be left of work that was killed as it began.
  let isLeftOver: @Sendable (String) -> Bool
  /// Throws while another process works in the folder.
  let checkFree: @Sendable (URL) throws -> Void

  public init(
    _ name: String, advice: String = "", isOne: @escaping @Sendable (URL) -> Bool,
    isLeftOver: @escaping @Sendable (String) -> Bool = { _ in false },
    checkFree: @escaping @Sendable (URL) throws -> Void = { _ in }
  ) {
    self.name = name
    self.advice = advice
    self.isOne = isOne
    self.isLeftOver = isLeftOver
    self.checkFree = checkFree
  }

  /// A kind whose folders may be in use.
  public init(_ kind: FolderKind, checkFree: @escaping @Sendable (URL) throws -> Void) {
    self.init(
      kind.name, advice: kind.advice, isOne: kind.isOne, isLeftOver: kind.isLeftOver, checkFree: checkFree)
  }

  public static func == (a: FolderKind, b: FolderKind) -> Bool { a.name == b.name }

  /// A folder with a `dataset.yaml`.
  public static let dataSet = FolderKind(
    "data set",
    isOne: { FileManager.default.fileExists(atPath: $0.appendingPathComponent("dataset.yaml").path) })
}

/// A place where a folder cannot be put.
public enum FolderError: LocalizedError, Equatable {
  /// One of the kind stands there already.
  case exists(String, FolderKind)
  /// Something else stands there.
  case notEmpty(String, FolderKind)

  public var errorDescription: String? {
    switch self {
    case .exists(let path, let kind):
      "\(path): holds a \(kind.name) already; give another --out\(kind.advice)"
    case .notEmpty(let path, let kind):
      "\(path): is not an empty folder and no \(kind.name); give another --out"
    }
  }
}
