import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalFormats

/// The corpus that `Tests/Fixtures/make_damaged.py` writes.
struct Corpus {
  static let folder = Fixtures.folder.appendingPathComponent("damaged")

  /// A damaged file, and what a reader says of it.
  struct Refusal {
    let file: String
    /// What was said; nil where the file was taken as it is.
    let said: String?

    /// What is wrong with it; nil where it is one short sentence that names the file.
    func complaint(of error: (any Error)?) -> String? {
      guard let said else { return "\(file) is taken as it is" }
      let name = URL(fileURLWithPath: file).lastPathComponent
      let isPlain = said.contains(name) && !said.contains("\n") && said.utf8.count < 1000
      return isPlain && error is any LocalizedError ? nil : "\(file): \(said.prefix(1000))"
    }
  }

  /// Every file below some folders.
  static func files(where isIn: (String) -> Bool) throws -> [URL] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    return paths.filter(isIn).map { folder.appendingPathComponent($0) }.filter { !$0.hasDirectoryPath }
      .filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && !isFolder.boolValue
      }
  }

  /// The complaint about what happens to a damaged file.
  static func complaint(_ file: URL, _ read: (URL) throws -> Void) -> String? {
    do {
      try read(file)
      return Refusal(file: file.path, said: nil).complaint(of: nil)
    } catch {
      return Refusal(file: file.path, said: error.localizedDescription).complaint(of: error)
    }
  }

  /// Variables of the sound containers, by the beginning of the name.
  private static let variables = [
    "arrays.h5": "chunked", "v4.mat": "f8", "v5.mat": "cube", "v7.mat": "f8", "v73.mat": "f8",
    "arrays.safetensors": "x", "deflated.npz": "y",
  ]

  /// Reads a file as what its name says, to the last byte.
  static func read(_ file: URL) throws {
    let name = file.lastPathComponent
    let ending = file.pathExtension
    switch ending {
    case "yaml": _ = try DataSet(at: file.path).splitNames
    case "png", "jpg", "webp": _ = try Picture(.file(file)).decoded()
    case "pt": _ = try TorchCheckpoint(file.path).weights
    case "txt", "jsonl":
      _ = try FileReference(name, in: file.deletingLastPathComponent())
        .texts(field: ending == "jsonl" ? "text" : nil, limits: .standard).all()
    case "gz" where name.hasSuffix(".txt.gz"): _ = try TextLines(file, limits: .standard).all()
    default:
      let variable = variables[name] ?? (["npz", "safetensors"].contains(ending) ? "x" : nil)
      let reference = FileReference(file.path + (variable.map { ":" + $0 } ?? ""), in: file)
      _ = try reference.array(limits: .standard).all()
    }
  }

  /// Reads a sound run in which one file was damaged, with its checkpoints.
  static func readRun(_ folder: URL) throws {
    _ = try Run.open(folder.path)
    let checkpoints = Checkpoints(run: folder)
    if let manifest = try checkpoints.manifest() {
      _ = try checkpoints.last(manifest)
      _ = try checkpoints.best(manifest)
    }
  }

  /// Complaints about all files that are handed to readers, and about those of runs.
  static func complaints() throws -> [String] {
    let readers = try files { !$0.hasPrefix("run") }.compactMap { complaint($0, read) }
    return try readers + runComplaints()
  }

  private static func runComplaints() throws -> [String] {
    let files = FileManager.default
    let copy = files.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
    defer { try? files.removeItem(at: copy) }
    let whole = folder.appendingPathComponent("run")
    return try Self.files { $0.hasPrefix("run-") }.compactMap { damaged in
      try? files.removeItem(at: copy)
      try files.copyItem(at: whole, to: copy)
      let path = damaged.pathComponents.dropFirst(folder.pathComponents.count + 1).joined(separator: "/")
      let place = copy.appendingPathComponent(path)
      try files.removeItem(at: place)
      try files.copyItem(at: damaged, to: place)
      return complaint(place) { _ in try readRun(copy) }.map { "\(damaged.path): \($0)" }
    }
  }
}

@Suite("The corpus of damaged files")
struct CorpusTests {
  @Test("every file is refused in one sentence that names it, in bounded memory and time")
  func refused() async {
    // A process of its own: its memory is its own, and a trap ends it alone.
    await #expect(processExitsWith: .success) {
      Formats.register()
      // What is loaded once comes in with the first round; the second counts.
      _ = try Corpus.complaints()
      ProcessMemory.resetPeak()
      let before = ProcessMemory.now.resident
      let began = clock()
      let complaints = try Corpus.complaints()
      let seconds = Double(clock() - began) / Double(CLOCKS_PER_SEC)
      #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
      #expect(before > 0 && ProcessMemory.now.peak - before < 64 << 20)
      // Of computing, not of waiting: whatever else the machine does.
      #expect(seconds < 60)
    }
  }

  @Test("the run that the damaged ones are copies of is sound, and the corpus is small")
  func sound() throws {
    try Corpus.readRun(Corpus.folder.appendingPathComponent("run"))
    let sizes = try Corpus.files { _ in true }.map { try Data(contentsOf: $0).count }
    #expect(sizes.count > 150 && sizes.reduce(0, +) < 1_000_000)
  }
}
