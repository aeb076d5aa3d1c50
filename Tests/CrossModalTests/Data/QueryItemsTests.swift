import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Queries from files")
struct QueryItemsTests {
  /// Twelve pictures of two classes in an array, `[12, 16, 16]` or with channels, each also as a file `NUMBER.png`.
  private static func data(_ channels: Int, scale: Double?) throws -> (TemporaryFolder, DataSet) {
    let folder = try TemporaryFolder()
    let noise = try Tensor.uniform([12, 16, 16, max(1, channels)], in: 0..<100, using: Generator(seed: 3))
    let bright = try Tensor((0..<12).map { Float($0 % 2 * 150) }, shape: [12, 1, 1, 1])
    let pictures = try (noise + bright).to(.uint8)
    try folder.write(channels == 0 ? pictures.squeezed(at: 3) : pictures, to: "pictures.npy")
    try folder.write(try Tensor((0..<12).map { $0 % 2 }), to: "labels.npy")
    for row in 0..<12 {
      let colors = try pictures[row].expanded(to: [16, 16, 3]).contiguous()
      try folder.write(try Picture.png(colors), to: "\(row).png")
    }
    try folder.write(
      """
      modalities:
        picture: { file: pictures.npy, kind: images\(scale.map { ", scale: \($0)" } ?? "") }
      labels: labels.npy
      splits: { train: "0:12", test: "0:12" }
      """, to: "dataset.yaml")
    return (folder, try DataSet(at: folder.path))
  }

  @Test(
    "a picture file that is a row of an array becomes that row, and finds itself in a run from its folder",
    arguments: [
      (0, nil), (0, 0.00392156862745098), (1, 0.5), (3, nil), (3, 0.00392156862745098),
    ] as [(Int, Double?)])
  func findsItself(channels: Int, scale: Double?) throws {
    let (folder, data) = try Self.data(channels, scale: scale)
    let settings: JSON = [
      "epochs": 1, "batch_size": 6, "hidden": 8, "embed_size": 4, "normalize": false, "threads": 1,
    ]
    _ = try Run.train(
      Contrastive.self, settings: RunSettings(settings), data: data, into: folder.file("run"))
    let run = try Run.open(folder.file("run").path)
    let modality = run.record.data.modalities[0]
    let split = try data.split("test")
    let gallery = try run.features(of: split, side: 0)
    for row in [0, 7] {
      let query = try Items(file: folder.file("\(row).png").path, as: modality)
      let stored = try #require(try split.items(side: 0, rows: row..<row + 1).tensor)
      #expect(try query.tensor?.dtype == stored.dtype && query.tensor?.bytes() == stored.bytes())
      let found = try run.ranked(run.encode(query, side: 0), from: 0, in: gallery, top: 1)[0]
      #expect(found[0].row == row && abs(found[0].score) < 1e-5)
    }
  }

  @Test("a picture of another size is brought to that of the rows; colours become grey as Pillow has them")
  func resized() throws {
    let folder = try TemporaryFolder()
    let colors = try Tensor(
      [255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 100, 50].map(Float.init), shape: [2, 2, 3]
    ).to(.uint8)
    try folder.write(try Picture.png(colors), to: "colours.png")
    let grey = DataDescription.Modality(name: "digit", kind: .images, shape: [2, 2, 1])
    let file = folder.file("colours.png").path
    let levels = try #require(try Items(file: file, as: grey).tensor)
    #expect(levels.shape == [1, 2, 2, 1])
    #expect(try levels.values(as: Int.self) == [76, 150, 29, 124])
    let larger = DataDescription.Modality(name: "digit", kind: .images, shape: [5, 4, 3], scale: 0.5)
    let scaled = try #require(try Items(file: file, as: larger).tensor)
    #expect(scaled.shape == [1, 5, 4, 3] && scaled.dtype == .float32)
    #expect(try scaled.max().item() <= 127.5)
    let alpha = DataDescription.Modality(name: "icon", kind: .images, shape: [2, 2, 4])
    #expect(
      message { _ = try Items(file: file, as: alpha) }?.hasSuffix(
        "a picture, of which red, green and blue are read, expected rows of 4 channels from a data set (--data)"
      )
        == true)
  }

  @Test("an empty line is an item; what is not UTF-8 or not finite is named by its place")
  func checked() throws {
    let folder = try TemporaryFolder()
    let text = DataDescription.Modality(name: "text", kind: .text)
    let file = folder.file("t.txt").path
    try folder.write("one\n\nthree\r\n", to: "t.txt")
    guard case .texts(let lines) = try Items(file: file, as: text) else { return }
    #expect(lines == ["one", "", "three"])
    try folder.write(Data([0x61, 0x0A, 0x63, 0xE9, 0x0A]), to: "t.txt")
    #expect(
      message { _ = try Items(file: file, as: text) }?.hasSuffix("t.txt: line 2: is not valid UTF-8") == true)
    try folder.write("\n\n", to: "t.txt")
    #expect(message { _ = try Items(file: file, as: text) }?.contains("no text") == true)
    try folder.write(Tensor([0, 1, 2, .nan, 4, 5] as [Float], shape: [2, 3]), to: "v.npy")
    let said = message {
      _ = try Items(
        file: folder.file("v.npy").path, as: DataDescription.Modality(name: "v", kind: .vector, size: 3))
    }
    #expect(said?.hasSuffix("v.npy: row 1, column 0 is NaN; every number must be finite") == true)
    // A run may bring vectors to size; sets are taken as they are.
    try folder.write(Tensor([0, 1, 2, 1e300, 4, 5] as [Double], shape: [1, 2, 3]), to: "s.npy")
    let large = message {
      _ = try Items(
        file: folder.file("s.npy").path, as: DataDescription.Modality(name: "s", kind: .set, size: 3))
    }
    #expect(large?.contains("s.npy: row 0, column 1,0 is 1e+300, too large to compute with") == true)
  }

  @Test("a .npy of one sequence or set, or of several, is a query; sizes that do not fit are told")
  func sequences() throws {
    let folder = try TemporaryFolder()
    let steps = try Tensor.normal([3, 5, 2], using: Generator(seed: 1))
    try folder.write(steps, to: "all.npy")
    try folder.write(steps[1], to: "one.npy")
    var video = DataDescription.Modality(name: "video", kind: .sequence, size: 2, scale: 0.5)
    guard case .sequences(let one, let lengths) = try Items(file: folder.file("one.npy").path, as: video)
    else {
      Issue.record("no sequence")
      return
    }
    #expect(try lengths == [5] && one.bytes() == (steps[1..<2] * 0.5).bytes())
    video.kind = .set
    guard case .sets(let all, [5, 5, 5]) = try Items(file: folder.file("all.npy").path, as: video) else {
      Issue.record("no sets")
      return
    }
    #expect(all.shape == [3, 5, 2])
    video.size = 4
    #expect(
      message { _ = try Items(file: folder.file("one.npy").path, as: video) }?.hasSuffix(
        "one.npy: shape [1, 5, 2], expected sets [n, l, d] or one set [l, d] of 4 numbers") == true)
    try folder.write(try Tensor([1, .nan], shape: [1, 2]), to: "nan.npy")
    video.size = 2
    #expect(
      message { _ = try Items(file: folder.file("nan.npy").path, as: video) }?.contains("is NaN") == true)
  }

  @Test("pictures of a folder and vectors of a file are multiplied as the rows are")
  func scaled() throws {
    let folder = try TemporaryFolder()
    try folder.write(try Picture.png(Tensor.full([3, 3, 3], 100).to(.uint8)), to: "a.png")
    try folder.write("a.png", to: "list.txt")
    try folder.write(try Tensor([2, 4, 6], shape: [1, 3]).to(.int32), to: "v.npy")
    try folder.write(
      """
      modalities:
        picture: { file: ., list: list.txt, kind: images, scale: 0.01 }
        vector: { file: v.npy, kind: vector, scale: 0.5 }
      splits: { train: "0:1" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    let modalities = data.description.modalities
    #expect(modalities.map(\.scale) == [0.01, 0.5])
    guard case .pictures(let pictures) = try Items(file: folder.file("a.png").path, as: modalities[0])
    else {
      Issue.record("no picture")
      return
    }
    #expect(try pictures[0].decoded().max().item() == Double(Float(100) * Float(0.01)))
    let vector = try #require(try Items(file: folder.file("v.npy").path, as: modalities[1]).tensor)
    let row = try #require(try data.split("train").items(side: 1).tensor)
    #expect(try vector.bytes() == row.bytes() && vector.values(as: Double.self) == [1, 2, 3])
  }
}
