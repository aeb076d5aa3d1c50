import Foundation
import Testing

@testable import Torch

@Suite("Registry of unfinished files")
struct StagedFilesTests {
  @Test("what is removed as it is completed comes whole to its place, or not at all")
  func race() throws {
    let parent = try TemporaryFolder()
    for round in 0..<100 {
      let registry = StagedFiles()
      let (folder, target) = (
        parent.url.appending(path: "\(round).tmp"), parent.url.appending(path: "\(round)")
      )
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for file in 0..<5 { try Data("x".utf8).write(to: folder.appending(path: "\(file)")) }
      registry.insert(folder.path)
      let removal = DispatchGroup()
      DispatchQueue.global().async(group: removal) { registry.removeAll() }
      usleep(UInt32(round))
      do {
        try registry.complete(folder.path) { #expect(rename(folder.path, target.path) == 0) }
        removal.wait()
        #expect(try FileManager.default.contentsOfDirectory(atPath: target.path).count == 5)
      } catch let error as FileError {
        removal.wait()
        #expect(error.reason == "interrupted")
        #expect(!FileManager.default.fileExists(atPath: target.path))
      }
      #expect(try !parent.files.contains("\(round).tmp"))
    }
  }

  @Test("what cannot be completed is removed at the end")
  func failedMove() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("part.tmp")
    try Data("x".utf8).write(to: URL(fileURLWithPath: path))
    let registry = StagedFiles()
    registry.insert(path)
    #expect(throws: CancellationError.self) { try registry.complete(path) { throw CancellationError() } }
    registry.removeAll()
    #expect(try folder.files == [])
  }
}
