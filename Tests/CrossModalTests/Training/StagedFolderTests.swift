import CrossModal
import Foundation
import Testing

@Suite("Staged folder")
struct StagedFolderTests {
  private let parent = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  private var target: URL { parent.appendingPathComponent("run") }

  private func fill(_ text: String, replacing: Bool = false, commit: Bool = true) throws {
    let staged = try StagedFolder(for: target, replacing: replacing)
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
    #expect(throws: RunError.exists(target.path)) { try fill("second") }
    try fill("second", replacing: true)
    #expect(found == ["run"])
    #expect(
      try String(contentsOf: target.appendingPathComponent("config.yaml"), encoding: .utf8) == "second"
        + Self.mark)
  }

  @Test("of two that come to fill one place, the second is told, and nothing of the first is lost")
  func race() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    let late = try StagedFolder(for: target, replacing: false)
    try fill("first")
    #expect(throws: RunError.exists(target.path)) { try late.commit() }
    #expect(
      try String(contentsOf: target.appendingPathComponent("config.yaml"), encoding: .utf8).hasPrefix("first")
    )
  }

  @Test("another program's config.yaml makes no run of its folder")
  func foreignRecord() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    try Data("port: 80\n".utf8).write(to: target.appendingPathComponent("config.yaml"))
    #expect(throws: RunError.notEmpty(target.path)) { try fill("run", replacing: true) }
  }

  @Test("a folder that holds something else is never replaced")
  func foreignFolder() throws {
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    try Data().write(to: target.appendingPathComponent("thesis.tex"))
    #expect(throws: RunError.notEmpty(target.path)) { try fill("run", replacing: true) }
    #expect(found == ["run"])
  }
}
