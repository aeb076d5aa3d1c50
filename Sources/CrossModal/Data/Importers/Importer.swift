import Foundation
import Torch

/// Brings a well-known layout of files into a dataset folder.
public protocol Importer: SendableMetatype {
  /// The name of `data import NAME`.
  static var name: String { get }
  /// The files it expects, in one sentence.
  static var about: String { get }
  /// The options that it takes.
  static var options: [String] { get }
  /// Reads `request.source` and writes modalities, pairs and splits.
  ///
  /// - Throws: ``ImportError`` or ``DataError`` that names the file and the place.
  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws
}

extension Importer {
  public static var options: [String] { [] }
}

/// What is to be imported.
public struct ImportRequest: Sendable {
  /// The folder or file that the user named.
  public let source: URL
  /// `key=value` options of the importer, such as `halves=true`.
  public let options: [String: String]

  public init(source: URL, options: [String: String] = [:]) {
    self.source = source
    self.options = options
  }

  /// A file below the source folder.
  public func file(_ path: String) -> URL { source.appendingPathComponent(path) }

  /// Whether a file or folder below the source exists.
  public func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: file(path).path) }

  /// The first of several files below the source that exists.
  ///
  /// - Throws: ``ImportError`` that names them all.
  public func first(of paths: [String]) throws -> URL {
    guard let found = paths.first(where: has) else {
      throw ImportError.missing(source.path, paths)
    }
    return file(found)
  }
}

/// Every importer by name.
public enum Importers {
  public static let all: [any Importer.Type] = [
    FeaturesImporter.self, CSVImporter.self, WikipediaImporter.self, IDXImporter.self,
    SCANPrecompImporter.self,
    CaptionedFolderImporter.self, KarpathyImporter.self, BottomUpImporter.self, VQAImporter.self,
    COCOQAImporter.self, EasyVQAImporter.self,
    ActivityNetImporter.self, CharadesImporter.self, WebDatasetImporter.self,
  ]

  /// Imports into `folder`, which appears when it is complete.
  ///
  /// - Returns: what a person should know of what was taken and left out, one sentence each.
  /// - Throws: ``ImportError`` for an unknown name, with the nearest; what the importer throws.
  @discardableResult
  public static func run(_ name: String, _ request: ImportRequest, into folder: URL) throws -> [String] {
    guard let importer = all.first(where: { $0.name == name }) else {
      throw ImportError.unknown(name, known: all.map { $0.name })
    }
    if let option = request.options.keys.sorted().first(where: { !importer.options.contains($0) }) {
      throw ImportError.unknownOption(option, importer: name, known: importer.options)
    }
    guard FileManager.default.fileExists(atPath: request.source.path) else {
      throw ImportError.missing(request.source.path, [])
    }
    let staged = try StagedFolder(for: folder, kind: .dataSet, replacing: false)
    let writer = DataSetWriter(folder: staged.folder, name: folder.lastPathComponent, source: request.source)
    do {
      try importer.run(request, into: writer)
      try writer.finish()
      // What was written is opened once, so that an import never leaves what cannot be read.
      _ = try DataSet(at: staged.folder.path)
    } catch {
      // The files that were being written go away with their folder, so they are named as parts of it.
      let sentence = (FileError(error) ?? error).localizedDescription
      let parts = [staged.folder.path, staged.folder.relativeName].reduce(sentence) {
        $0.replacingOccurrences(of: $1 + "/", with: "")
      }
      guard parts == sentence else { throw ImportError.unfit(folder.relativeName, reason: parts) }
      throw error
    }
    try staged.commit()
    return writer.notes
  }
}

/// A layout that is not what the importer expects.
public enum ImportError: LocalizedError, Equatable {
  case unknown(String, known: [String])
  case unknownOption(String, importer: String, known: [String])
  case missing(String, [String])
  case malformed(file: String, place: String, reason: String)
  case empty(String)
  case option(String, expected: String)
  /// What was brought in makes no data set.
  case unfit(String, reason: String)

  public var errorDescription: String? {
    switch self {
    case .unknown(let name, let known):
      let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ";"
      return "there is no importer '\(name)'\(hint) known: \(known.joined(separator: ", "))"
    case .unknownOption(let name, let importer, let known):
      guard !known.isEmpty else { return "--set \(name)=…: \(importer) takes no options" }
      let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ";"
      return "--set \(name)=…: \(importer) has no such option\(hint) known: \(known.joined(separator: ", "))"
    case .missing(let folder, let files):
      guard !folder.contains("\u{FFFD}") else { return DataError.missing(file: folder).description }
      return files.isEmpty
        ? "\(folder): no such file or folder" : "\(folder): holds none of \(files.joined(separator: ", "))"
    case .malformed(let file, let place, let reason): return "\(file): \(place) \(reason)"
    case .option(let name, let expected): return "--set \(name)=… must be \(expected)"
    case .empty(let file): return "\(file): holds nothing to import"
    case .unfit(let folder, let reason): return "\(folder): cannot become a data set: \(reason)"
    }
  }
}

extension ImportError: UserMistake {
  public var isUserMistake: Bool {
    switch self {
    case .unknown, .unknownOption, .option: true
    default: false
    }
  }
}

/// Writes a dataset folder piece by piece: files, then `dataset.yaml` over them.
public final class DataSetWriter {
  /// Where files are written.
  public let folder: URL
  /// Name of the data set.
  public var name: String
  /// Where the data come from, for the comment at the top of `dataset.yaml`.
  private let source: URL
  private var modalities: [JSON.Member] = []
  private var keys: [JSON.Member] = []
  private var splits: [JSON.Member] = []
  /// What a person should know of what was taken and left out.
  private(set) var notes: [String] = []

  init(folder: URL, name: String, source: URL) {
    self.folder = folder
    self.name = name
    self.source = source
  }

  /// Adds a modality as `dataset.yaml` describes it.
  public func modality(_ name: String, _ description: JSON) { modalities.append(.init(name, description)) }

  /// Sets a key beside the modalities, such as `pairs` or `captions_per_item`.
  public func set(_ key: String, _ value: JSON) { keys.append(.init(key, value)) }

  /// Adds a split; rows, files, or lists of them.
  public func split(_ name: String, _ rows: JSON) { splits.append(.init(name, rows)) }

  /// Says something to the person who imports.
  public func note(_ sentence: String) { notes.append(sentence) }

  /// Writes a list of pictures, paths below their folder.
  ///
  /// - Throws: ``ImportError`` for a path that leads out of it.
  public func pictures(_ paths: [String], to file: String) throws {
    if let path = paths.first(where: Self.leadsOut) {
      throw ImportError.malformed(
        file: source.lastPathComponent, place: "'\(path.shortened)'",
        reason: "leads out of the folder of pictures")
    }
    try lines(paths, to: file)
  }

  /// Whether a path that stands in somebody's data may lead out of the folder that it should be in.
  static func leadsOut(_ path: String) -> Bool {
    path.hasPrefix("/") || path.hasPrefix("~") || path.split(separator: "/").contains("..")
  }

  /// Writes one text a line; line breaks inside become spaces.
  public func lines(_ texts: [String], to file: String) throws {
    let clean = texts.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    try write(Data((clean.joined(separator: "\n") + "\n").utf8), to: file)
  }

  /// Writes one JSON value a line.
  public func lines(_ values: [JSON], to file: String) throws {
    try write(Data((values.map { $0.text() }.joined(separator: "\n") + "\n").utf8), to: file)
  }

  /// Writes an array.
  public func array(_ tensor: Tensor, to file: String) throws {
    try NPYWriter.write(tensor, to: try place(file).path)
  }

  /// Writes bytes.
  public func write(_ data: Data, to file: String) throws { try data.write(to: place(file)) }

  /// The place of a file, whose folder is made.
  public func place(_ file: String) throws -> URL {
    let url = folder.appendingPathComponent(file)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    return url
  }

  /// A path of the source as `dataset.yaml` names it, so that large files stay where they are: relative where the source
  /// lies beside the data set or below that, so that both may move together; absolute otherwise.
  public func path(_ url: URL) -> JSON {
    let path = url.standardizedFileURL.path
    let home = folder.standardizedFileURL.deletingLastPathComponent().path
    let beside = home.hasSuffix("/") ? home : home + "/"
    guard beside != "/", path.hasPrefix(beside) else { return .string(path) }
    return .string("../" + path.dropFirst(beside.count))
  }

  func finish() throws {
    var tree: JSON = ["name": .string(name), "modalities": .object(modalities)]
    for key in keys { tree[key.key] = key.value }
    tree["splits"] = .object(splits)
    let comment = "# Imported from \(source.lastPathComponent) by crossmodal \(CrossModalVersion.current).\n"
    try write(Data((comment + tree.yaml()).utf8), to: "dataset.yaml")
  }
}
