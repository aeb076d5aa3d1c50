import Foundation
import Testing
import Torch

@Suite("Atomic files")
struct AtomicFileTests {
  struct Interruption: Error {}

  @Test("a write that fails leaves the old file and nothing else")
  func failure() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("old".utf8), to: folder.path("file"))
    #expect(throws: Interruption.self) {
      try AtomicFile.write(to: folder.path("file")) { append in
        try append(Data("new".utf8))
        throw Interruption()
      }
    }
    #expect(try String(contentsOfFile: folder.path("file"), encoding: .utf8) == "old")
    #expect(try folder.files == ["file"])
  }

  @Test("pieces follow one another, and the new file takes the old one's place")
  func pieces() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("old".utf8), to: folder.path("file"))
    try AtomicFile.write(to: folder.path("file")) { append in
      for piece in ["a", "", "bc"] { try append(Data(piece.utf8)) }
    }
    #expect(try String(contentsOfFile: folder.path("file"), encoding: .utf8) == "abc")
    #expect(try folder.files == ["file"])
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write(Data(), to: folder.path("missing/file"))
    }
    #expect(error?.localizedDescription.contains("missing/file") == true)
  }

  @Test("what Foundation says of a file is told with its path and the system's reason")
  func foundation() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("text".utf8), to: folder.path("file"))
    let below = folder.path("file/below")
    func said(_ body: () throws -> Void) -> FileError? {
      do {
        try body()
        return nil
      } catch { return FileError(error) }
    }
    let written = said { try Data("a".utf8).write(to: URL(fileURLWithPath: below)) }
    #expect(written == FileError(path: below, action: "write", reason: String(cString: strerror(ENOTDIR))))
    let missing = said { _ = try Data(contentsOf: URL(fileURLWithPath: folder.path("none"))) }
    #expect(
      missing
        == FileError(path: folder.path("none"), action: "read", reason: String(cString: strerror(ENOENT))))
    #expect(FileError(Interruption()) == nil)
  }
}
