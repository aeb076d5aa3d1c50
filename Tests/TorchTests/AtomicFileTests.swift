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
}
