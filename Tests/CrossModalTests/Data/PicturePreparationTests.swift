import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Pictures for published encoders")
struct PicturePreparationTests {
  private static func column(_ values: [UInt8]) throws -> Tensor {
    try Tensor(values, shape: [values.count, 1, 1])
  }

  @Test(
    "four bytes become what Pillow makes of them",
    arguments: [(2, [68, 127] as [UInt8]), (7, [0, 26, 92, 166, 196, 99, 38])])
  func worked(size: Int, expected: [UInt8]) throws {
    let bytes: [UInt8] = [0, 100, 200, 50]
    let down = try PictureResampling.bicubic.resized(Self.column(bytes), height: size, width: 1)
    #expect(try down.bytes() == expected)
    let across = try PictureResampling.bicubic.resized(
      Tensor(bytes, shape: [1, 4, 1]), height: 1, width: size)
    #expect(try across.bytes() == expected)
  }

  @Test("a part is the part of the whole", arguments: PictureResampling.allCases)
  func parts(kind: PictureResampling) throws {
    let picture = try Tensor.integers(in: 0..<256, [23, 31, 3], using: Generator(seed: 1)).to(.uint8)
    let whole = try kind.resized(picture, height: 17, width: 40)
    let part = try kind.resized(picture, height: 17, width: 40, rows: 3..<9, columns: 11..<30)
    #expect(
      try part.bytes()
        == whole.narrowed(to: 3..<9, along: 0).narrowed(to: 11..<30, along: 1).contiguous().bytes())
  }

  @Test("one color stays, and a picture of the right size is itself")
  func constant() throws {
    let one = try Tensor.full([9, 50, 3], 77, .uint8)
    for mode in PicturePreparation.ResizeMode.allCases where mode != .longest {
      let square = try PicturePreparation(size: 16, resizeMode: mode).square(one)
      #expect(square.shape == [16, 16, 3])
      #expect(Set(try square.bytes()) == [77])
    }
    let picture = try Tensor.integers(in: 0..<256, [16, 16, 3], using: Generator(seed: 2)).to(.uint8)
    #expect(try PicturePreparation(size: 16).square(picture).bytes() == picture.bytes())
  }

  @Test("half a pixel goes to the even side or up, and a short side lies in the middle of black")
  func crops() throws {
    let rows = try Tensor((0..<5).map { UInt8($0) }, shape: [5, 1, 1]).expanded(to: [5, 2, 3])
    func first(_ rounding: PicturePreparation.CropRounding) throws -> UInt8 {
      try PicturePreparation(size: 2, cropRounding: rounding).square(rows.contiguous()).bytes()[0]
    }
    #expect(try first(.halfEven) == 2)
    #expect(try first(.floor) == 1)
    let wide = try Tensor.full([2, 4, 3], 9, .uint8)
    let square = try PicturePreparation(size: 4, resizeMode: .longest).square(wide)
    #expect(
      try square.narrowed(to: 0..<1, along: 2).bytes() == [0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0])
  }

  @Test("a strip of pixels takes no more memory than what is seen of it")
  func strip() throws {
    let strip = try Tensor.full([1, 60_000, 3], 50, .uint8)
    #expect(try PicturePreparation(size: 224).square(strip).shape == [224, 224, 3])
  }

  @Test("numbers are brought to mean and deviation, in float32")
  func numbers() throws {
    let preparation = PicturePreparation.sigLIP(size: 2)
    let pixels = try preparation(Tensor([UInt8](repeating: 255, count: 12), shape: [2, 2, 3]))
    #expect(pixels.shape == [3, 2, 2] && pixels.dtype == .float32)
    #expect(try pixels.values(as: Float.self).allSatisfy { $0 == 1 })
    #expect(throws: DataError.self) { try preparation(.images(Tensor.zeros([1, 2, 2, 3]))) }
    #expect(throws: DataError.self) { try preparation(.texts(["no picture"])) }
  }

  @Test("the settings of published files are read")
  func files() throws {
    let folder = try TemporaryFolder()
    #expect(try PicturePreparation.load(from: folder.url) == nil)
    try folder.write(
      #"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "image_mean": [0.5, 0.5, 0.5], "resample": 3, "size": {"shortest_edge": 232}}"#,
      to: "preprocessor_config.json")
    var expected = PicturePreparation(size: 224, resize: 232, cropRounding: .floor)
    expected.mean = [0.5, 0.5, 0.5]
    #expect(try PicturePreparation.load(from: folder.url) == expected)
    #expect(try PicturePreparation(json: expected.json, from: "run") == expected)
    try folder.write(
      #"{"do_resize": true, "size": {"height": 64, "width": 64}, "resample": 2}"#,
      to: "preprocessor_config.json")
    #expect(
      try PicturePreparation.load(from: folder.url)
        == PicturePreparation(size: 64, resizeMode: .squash, interpolation: .bilinear, cropRounding: .floor))
    try folder.write(
      #"{"model_cfg": {"vision_cfg": {"image_size": 256}}, "preprocess_cfg": {"resize_mode": "squash"}}"#,
      to: "open_clip_config.json")
    try FileManager.default.removeItem(at: folder.file("preprocessor_config.json"))
    #expect(
      try PicturePreparation.load(from: folder.url) == PicturePreparation(size: 256, resizeMode: .squash))
  }

  @Test(
    "settings that mean nothing are named",
    arguments: [
      (#"{"size": {"height": 3, "width": 4}}"#, "'size' is"),
      (#"{"size": 9, "resample": 0}"#, "'resample' is 0"),
      (#"{"size": {"shortest_edge": 9}, "do_center_crop": false}"#, "'do_center_crop' is false"),
      (#"{"size": 9, "image_std": [1, 0, 1]}"#, "'image_std' is [1,0,1], expected three positive numbers"),
      ("[1]", "is no JSON object"),
    ])
  func mistakes(text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "preprocessor_config.json")
    let said = message { _ = try PicturePreparation.load(from: folder.url) }
    #expect(said?.contains(expected) == true, "\(said ?? "nothing")")
  }
}
