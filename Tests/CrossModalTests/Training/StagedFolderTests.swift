import CrossModal
import Foundation
import Testing

@Suite("Staged folder")
struct StagedFolderTests {
  private let parent = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  private var target: URL { parent.appendingPathComponent("run") }

  private func fill(_ text: String, replacing: Bool = false, commit: Bool = true) throws {
    let staged = try StagedFolder(for: target, replacing: replacing)
    try Data(text.utf8).write(to: staged.folder.appendingPathComponent("config.yaml"))
    if commit { try staged.commit() }
  }

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
    #expect(try String(contentsOf: target.appendingPathComponent("config.yaml"), encoding: .utf8) == "second")
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
