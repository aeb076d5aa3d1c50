import CrossModal
import Foundation
import Testing
import Torch

@Suite("Staged folder")
struct StagedFolderTests {
  private let parent = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  private var target: URL { parent.appendingPathComponent("run") }

  private func fill(_ text: String, replacing: Bool = false, commit: Bool = true) throws {
    let staged = try StagedFolder(for: target, kind: .run, replacing: replacing)
    try Data((text + Self.mark).utf8).write(to: staged.folder.appendingPathComponent("config.yaml"))
    if commit { try staged.commit() }
  }

  /// What tells the record of a run from another program's file of that name.
  private static let mark = "\n# crc32 of the above: 00000000\n"

  private var found: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
  }

  @Test("nothing is there before the commit, everything after it, and nothing else ever")
  func commit() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try fill("first", commit: false)
    #expect(found == [])
    try fill("first")
    #expect(found == ["run"])
    #expect(throws: FolderError.exists(target.path, .run)) { try fill("second") }
    try fill("second", replacing: true)
    #expect(found == ["run"])
    #expect(
      try String(contentsOf: target.appendingPathComponent("config.yaml"), encoding: .utf8) == "second"
        + Self.mark)
  }

  @Test("what a training that was killed as it began left there makes room")
  func leftOvers() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    for name in [".lock", "config.yaml.0A1B2C3D.tmp"] {
      try Data().write(to: target.appendingPathComponent(name))
    }
    try fill("run")
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.path) == ["config.yaml"])
    #expect(found == ["run"])
  }

  @Test("a file on the way to the folder is named")
  func fileOnTheWay() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try fill("run")
    let below = target.appendingPathComponent("config.yaml/deeper/run")
    let error = #expect(throws: FileError.self) {
      try StagedFolder.check(below, kind: .run, replacing: false)
    }
    #expect(error?.reason.hasSuffix("config.yaml is not a folder") == true)
  }

  @Test(
    "a link to a folder leads there and stays; one that leads nowhere is named", arguments: [false, true])
  func link(replacing: Bool) throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    let real = parent.appendingPathComponent("real")
    try FileManager.default.createDirectory(at: real, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: target.path, withDestinationPath: "real")
    try fill("run", replacing: replacing)
    #expect(try FileManager.default.contentsOfDirectory(atPath: real.path) == ["config.yaml"])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: target.path) == "real")
    #expect(Set(found) == ["run", "real"])
    try FileManager.default.removeItem(at: real)
    let error = #expect(throws: FileError.self) {
      try StagedFolder.check(target, kind: .run, replacing: replacing)
    }
    #expect(error?.reason == "it is a link to real, which is not there")
  }

  @Test("of two that come to fill one place, the second is told, and nothing of the first is lost")
  func race() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    let late = try StagedFolder(for: target, kind: .run, replacing: false)
    try fill("first")
    #expect(throws: FolderError.exists(target.path, .run)) { try late.commit() }
    #expect(
      try String(contentsOf: target.appendingPathComponent("config.yaml"), encoding: .utf8).hasPrefix("first")
    )
  }

  @Test("another program's config.yaml makes no run of its folder")
  func foreignRecord() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    try Data("port: 80\n".utf8).write(to: target.appendingPathComponent("config.yaml"))
    #expect(throws: FolderError.notEmpty(target.path, .run)) { try fill("run", replacing: true) }
  }

  @Test("a folder that holds something else is never replaced")
  func foreignFolder() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    try Data().write(to: target.appendingPathComponent("thesis.tex"))
    #expect(throws: FolderError.notEmpty(target.path, .run)) { try fill("run", replacing: true) }
    #expect(found == ["run"])
  }
}
