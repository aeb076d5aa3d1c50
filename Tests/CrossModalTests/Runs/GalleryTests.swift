import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("galleries")
struct GalleryTests {
  /// 40 pairs of numbers whose directions agree, in a folder; rows 20 to 24 are in two splits.
  private static func data(in folder: TemporaryFolder) throws -> DataSet {
    let x = try Tensor.normal([40, 3], using: Generator(seed: 4))
    try folder.write(x, to: "x.npy")
    try folder.write(x.matmul(Tensor.normal([3, 4], using: Generator(seed: 5))), to: "y.npy")
    try folder.write(
      """
      name: pairs
      modalities: { x: { file: x.npy, kind: vector }, y: { file: y.npy, kind: vector } }
      splits: { train: "0:25", test: "20:40" }
      """, to: "dataset.yaml")
    return try DataSet(at: folder.path)
  }

  private static func fitted(_ folder: TemporaryFolder) throws -> (
    run: Run, data: DataSet, kept: KeptFeatures
  ) {
    let data = try data(in: folder)
    let run = try Run.learn(CCA.self, from: data.split("train"))
    try run.save(to: folder.file("run"))
    return (run, data, KeptFeatures(in: folder.file("run")))
  }

  /// How many items were encoded for a gallery of both splits.
  private static func encoded(_ run: Run, _ data: DataSet, _ kept: KeptFeatures) throws -> Int {
    var count = 0
    _ = try Gallery(run, of: data.splitNames.map(data.split), side: 1, kept: kept) { count = $0 }
    return count
  }

  @Test("an item of several splits is found once")
  func once() throws {
    let (run, data, _) = try Self.fitted(TemporaryFolder())
    let gallery = try Gallery(run, of: data.splitNames.map(data.split), side: 1)
    #expect(gallery.count == 40)
    let hits = try gallery.search(data.split("test").items(side: 0, at: [2]), from: 0, top: 40)[0]
    #expect(hits.first?.split == "train" && hits.first?.row == 22, "its pair")
    #expect(gallery.place(split: "test", row: 2) == 22 && gallery.place(split: "test", row: 19) == 39)
    #expect(gallery.place(split: "val", row: 0) == nil)
  }

  @Test("features are kept, and made anew when the data or the run change or the file is damaged")
  func kept() throws {
    let folder = try TemporaryFolder()
    let (run, data, kept) = try Self.fitted(folder)
    let query = try data.split("test").items(side: 0, at: [7])
    let fresh = try Gallery(run, of: data.splitNames.map(data.split), side: 1)
    #expect(try Self.encoded(run, data, kept) == 45)
    #expect(try Self.encoded(run, data, kept) == 0)
    let again = try Gallery(run, of: data.splitNames.map(data.split), side: 1, kept: kept)
    #expect(try again.features.values.values(as: Double.self) == fresh.features.values.values())
    #expect(try again.search(query, from: 0)[0].map(\.row) == fresh.search(query, from: 0)[0].map(\.row))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run/features")
    #expect(files.count == 2, "one a split")
    var bytes = try Data(contentsOf: folder.file("run/features/" + files[0]))
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: folder.file("run/features/" + files[0]))
    #expect([25, 45].contains(try Self.encoded(run, data, kept)))
    let other = try Run.learn(CCA.self, from: data.split("test"))
    try other.write(to: folder.file("run"))
    #expect(try Self.encoded(other, data, kept) == 45)
    try folder.write(Tensor.normal([40, 4], using: Generator(seed: 9)), to: "y.npy")
    #expect(try Self.encoded(other, DataSet(at: folder.path), kept) == 45)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run/features").count == 2)
  }

  @Test("pictures that cannot be read stay left out, and said, in a kept gallery")
  func damaged() throws {
    let folder = try TemporaryFolder()
    for row in 0..<6 {
      let pixels = try Tensor.uniform([8, 8, 3], using: Generator(seed: UInt64(row))) * 255
      try folder.write(Picture.png(pixels.to(.uint8)), to: "pictures/\(row).png")
    }
    try folder.write("not a picture", to: "pictures/3.png")
    try folder.write((0..<6).map { "\($0).png" }.joined(separator: "\n"), to: "list.txt")
    try folder.write("a\nb\nc\nd\ne\nf\n", to: "texts.txt")
    try folder.write(
      """
      modalities:
        image: { file: pictures, list: list.txt, kind: images }
        text: { file: texts.txt, kind: text }
      splits: { train: "0:3", test: "2:6" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    let run = try Run.learn(CCA.self, from: data.split("train"))
    try run.save(to: folder.file("run"))
    for _ in 0..<2 {
      let gallery = try Gallery(
        run, of: [data.split("test")], side: 0, kept: KeptFeatures(in: folder.file("run")))
      #expect(gallery.count == 3)
      #expect(gallery.damaged.first?.count == 1 && gallery.damaged[0][0].reason.contains("3.png"))
      #expect(try gallery.splits[0].card(side: 0, row: 2).title == "5.png")
    }
  }

  @Test("a folder that cannot be written to is no error")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let (run, data, kept) = try Self.fitted(folder)
    try folder.write("in the way", to: "run/features")
    #expect(try Self.encoded(run, data, kept) == 45)
    #expect(try Self.encoded(run, data, kept) == 45)
  }

  @Test("items of one modality find each other where the method has vectors, and only there")
  func within() throws {
    let (run, data, _) = try Self.fitted(TemporaryFolder())
    let test = try data.split("test")
    let gallery = try Gallery(run, of: [test], side: 1)
    let hits = try gallery.search(test.items(side: 1, at: [4]), from: 1, top: 3)[0]
    #expect(hits[0].row == 4 && abs(hits[0].score - 1) < 1e-9)
    let scan = RunError.comparesAcross(method: "scan", modality: "image")
    #expect(scan.localizedDescription.hasPrefix("scan compares image with other modalities only"))
  }
}
