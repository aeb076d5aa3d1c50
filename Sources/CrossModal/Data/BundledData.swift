import Foundation

/// The small data sets, and the reference cases, that come with CrossModal, in the folder `Data` of its repository.
///
/// They are read from where they lie, so the demo works from the release binary, from tests and from an installed
/// copy alike; `Data/README.md` says what each holds and on what terms.
public enum BundledData {
  /// The environment variable that names the folder, for installations that keep it elsewhere.
  public static let environmentVariable = "CROSSMODAL_BUNDLED_DATA"

  /// The folder of one bundled data set.
  ///
  /// - Parameter name: the name of the folder, such as `wikipedia` or `emoji`.
  /// - Returns: a folder with a `dataset.yaml`.
  /// - Throws: ``BundledDataError`` when there is no such folder.
  public static func folder(_ name: String) throws -> URL { try folder(name, holding: dataSet) }

  /// The folder of reference cases, one or more of each component, which `crossmodal verify` recomputes; the data sets
  /// that they name lie beside it.
  ///
  /// - Throws: ``BundledDataError`` when there is no such folder.
  public static func referenceCases() throws -> URL {
    try folder("reference-cases", holding: "README.md")
  }

  /// The file by which a data set is known.
  private static let dataSet = "dataset.yaml"

  private static func folder(_ name: String, holding file: String) throws -> URL {
    let environment = ProcessInfo.processInfo.environment[environmentVariable]
    return try folder(
      name, holding: file, environment: environment, program: Bundle.main.executableURL,
      source: URL(filePath: #filePath))
  }

  /// The search itself: the environment's folder if there is one; else `Data`, or `share/crossmodal` as an
  /// installation has it, in a folder that holds the program; else the repository this file was compiled from.
  static func folder(
    _ name: String, holding file: String = dataSet, environment: String?, program: URL?, source: URL
  ) throws -> URL {
    func isOne(_ folder: URL) -> Bool {
      FileManager.default.fileExists(atPath: folder.appending(path: file).path)
    }
    if let environment {
      let candidate = URL(filePath: environment).appending(path: name)
      guard isOne(candidate) else {
        throw BundledDataError.notInEnvironmentFolder(name: "\(name)/\(file)", folder: environment)
      }
      return candidate
    }
    let starts = [program?.resolvingSymlinksInPath(), source]
    for start in starts.compactMap({ $0 }) {
      var parent = start.deletingLastPathComponent()
      while true {
        for place in ["Data", "share/crossmodal"] {
          let candidate = parent.appending(path: place).appending(path: name)
          if isOne(candidate) { return candidate }
        }
        let above = parent.deletingLastPathComponent().standardizedFileURL
        if above.path == parent.path || parent.path == "/" { break }
        parent = above
      }
    }
    throw BundledDataError.notFound(name: name)
  }
}

/// Why bundled data were not found.
public enum BundledDataError: LocalizedError, Equatable {
  /// Neither beside nor above the program.
  case notFound(name: String)
  /// The folder that the environment names does not hold the file of a data set or of the reference cases.
  case notInEnvironmentFolder(name: String, folder: String)

  /// One sentence that says where the data were looked for.
  public var errorDescription: String? {
    switch self {
    case .notFound(let name):
      "the bundled folder '\(name)' was not found in a folder Data beside or above the program; "
        + "set \(BundledData.environmentVariable) to the folder Data of the CrossModal repository"
    case .notInEnvironmentFolder(let name, let folder):
      "\(folder): no \(name) here, though \(BundledData.environmentVariable) names this folder"
    }
  }
}
