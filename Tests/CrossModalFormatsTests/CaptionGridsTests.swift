import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalFormats

/// Karpathy's captions with what programs for captions keep in HDF5 files beside them.
@Suite("Captions over HDF5")
struct CaptionGridsTests {
  private let folder: URL

  init() throws {
    Formats.register()
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("captions-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let images = ["test", "train", "train", "restval", "val"].enumerated().map { row, split in
      #"{"filename": "\#(row).jpg", "split": "\#(split)", "sentences": "#
        + #"[{"raw": "A red dog \#(row)."}, {"raw": "a dog"}]}"#
    }
    try Data(#"{"dataset": "coco", "images": [\#(images.joined(separator: ", "))]}"#.utf8)
      .write(to: folder.appendingPathComponent("dataset_coco.json"))
  }

  private func imported(_ name: String) throws -> DataSet {
    let request = ImportRequest(
      source: folder,
      options: ["features": Fixtures.folder.appendingPathComponent("grids.h5").path + ":" + name])
    let out = folder.appendingPathComponent(name)
    try Importers.run("karpathy", request, into: out)
    return try DataSet(at: out.path)
  }

  @Test(
    "cells, grids of them and maps of networks are the same cells, in the order of the splits",
    arguments: ["cells", "grid", "maps"])
  func cells(name: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let set = try imported(name)
    let expected = try Fixtures.array("grids.h5:cells").rows(at: [1, 2, 3]).values(as: Float.self)
    guard case .sets(let rows, let lengths) = try set.split("train").items(side: 0) else {
      throw ImportError.empty("train")
    }
    #expect(lengths == [4, 4, 4])
    #expect(try rows.values(as: Float.self) == expected)
    #expect(try set.split("test").count(side: 0) == 1)
  }

  @Test("other shapes are refused by name")
  func odd() {
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: ImportError.self) { try imported("odd") }
    #expect(error?.errorDescription?.contains("[5, 1, 2, 2, 6]") == true)
  }

  @Test("a captioner learns from maps and from pixels of a file, and writes", arguments: ["maps", "pixels"])
  func training(name: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let set = try imported(name)
    let settings = try RunSettings([
      "word_dim": 4, "lstm_size": 6, "attention_dim": 4, "longest": 4, "epochs": 2, "batch_size": 3,
      "encoder": "patches(4)", "pictures": ["size": 8], "targets": ["captions": ["threshold": 1]],
    ])
    let (run, _) = try Run.train(
      ShowAttendTell.self, settings: settings, data: set, into: folder.appendingPathComponent("run")
    ) { _ in }
    let test = try set.split("test")
    let written = try run.captions(of: test.items(side: 0))
    #expect(written.count == 1 && written[0].count == 1)
    #expect(try run.evaluate(on: test).result.counts.first?.count == 1)
  }
}
