import Foundation
import Testing

@testable import CrossModal

@Suite("BundledData")
struct BundledDataTests {
  @Test(
    "every bundled data set is found from the program", arguments: ["wikipedia", "emoji", "digits-halves"])
  func found(name: String) throws {
    let folder = try BundledData.folder(name)
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "dataset.yaml").path))
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "README.md").path))
  }

  @Test(
    "the data are found above the real place of a linked program, and in share/crossmodal of an installation")
  func aboveProgram() throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "bundled-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    let files = FileManager.default
    for data in ["repository/Data/one", "installed/share/crossmodal/two"] {
      try files.createDirectory(at: root.appending(path: data), withIntermediateDirectories: true)
      try Data().write(to: root.appending(path: data + "/dataset.yaml"))
    }
    for program in ["repository/.build/x/release", "installed/bin", "elsewhere"] {
      try files.createDirectory(at: root.appending(path: program), withIntermediateDirectories: true)
    }
    let built = root.appending(path: "repository/.build/x/release/crossmodal")
    try Data().write(to: built)
    let link = root.appending(path: "elsewhere/crossmodal")
    try files.createSymbolicLink(at: link, withDestinationURL: built)
    let nowhere = URL(filePath: "/nowhere/File.swift")
    let one = try BundledData.folder("one", environment: nil, program: link, source: nowhere)
    #expect(one.path.hasSuffix("repository/Data/one"))
    let two = try BundledData.folder(
      "two", environment: nil, program: root.appending(path: "installed/bin/crossmodal"), source: nowhere)
    #expect(two.path.hasSuffix("installed/share/crossmodal/two"))
    #expect(throws: BundledDataError.notFound(name: "two")) {
      try BundledData.folder("two", environment: nil, program: built, source: nowhere)
    }
  }

  @Test("the environment's folder is the only one looked at when it is set")
  func environment() throws {
    let folder = try BundledData.folder("emoji").deletingLastPathComponent()
    let source = URL(filePath: #filePath)
    let found = try BundledData.folder("emoji", environment: folder.path, program: nil, source: source)
    #expect(found.lastPathComponent == "emoji")
    let error = BundledDataError.notInEnvironmentFolder(name: "emoji/dataset.yaml", folder: "/nowhere")
    #expect(throws: error) {
      try BundledData.folder("emoji", environment: "/nowhere", program: nil, source: source)
    }
    #expect(error.localizedDescription.contains("/nowhere: no emoji/dataset.yaml"))
  }

  @Test("one line of text and one picture for each item of the emoji")
  func emojiCounts() throws {
    let folder = try BundledData.folder("emoji")
    func lines(_ name: String) throws -> [Substring] {
      try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n")
    }
    let pictures = try lines("pictures.txt")
    #expect(pictures.count == 2225)
    #expect(try lines("texts.txt").count == 2225)
    #expect(try lines("captions.txt").count == 5 * 2225)
    #expect(try lines("items.jsonl").count == 2225)
    for picture in pictures {
      #expect(FileManager.default.fileExists(atPath: folder.appending(path: "images/\(picture)").path))
    }
  }
}
