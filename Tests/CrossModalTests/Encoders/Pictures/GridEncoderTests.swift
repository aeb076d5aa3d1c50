import Testing
import Torch

@testable import CrossModal

@Suite("Grids of pictures")
struct GridEncoderTests {
  private static func encoder(
    _ kind: GridKind, _ modality: DataDescription.Modality, size: Int? = nil
  ) throws -> GridEncoder {
    var pictures = PictureSettings()
    pictures.size = size
    pictures.finetune = true
    return try GridEncoder(
      for: modality, kind, hidden: 8, pictures: pictures, standardize: false, using: Generator(seed: 1))
  }

  private static let small = DataDescription.Modality(name: "image", kind: .images, shape: [4, 6, 1])

  @Test("patches are squares of pixels from the top, each from left to right")
  func patches() throws {
    let encoder = try Self.encoder(.patches(2), Self.small)
    #expect(encoder.grid == PictureGrid(height: 2, width: 3, channels: 4) && encoder.width == 4)
    let pixels = try Tensor((0..<24).map(Float.init), shape: [1, 4, 6, 1])
    let (cells, lengths) = try encoder(.images(pixels), .evaluation)
    #expect(lengths == nil && cells.shape == [1, 6, 4])
    #expect(
      try cells.values(as: Int.self) == [
        0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, 12, 13, 18, 19, 14, 15, 20, 21, 16, 17, 22, 23,
      ])
  }

  @Test("colors of a patch stay with their pixel")
  func colors() throws {
    let encoder = try Self.encoder(.patches(2), .init(name: "image", kind: .images, shape: [2, 2, 3]))
    let pixels = try Tensor((0..<12).map(Float.init), shape: [1, 2, 2, 3])
    #expect(try encoder(.images(pixels), .evaluation).cells.values(as: Int.self) == Array(0..<12))
  }

  @Test(
    "every network gives the cells of its grid", arguments: [GridKind.patches(16), .conv, .cnn(.resnet18)])
  func grids(kind: GridKind) throws {
    let encoder = try Self.encoder(kind, .init(name: "image", kind: .images), size: 64)
    let picture = try Tensor.uniform([1, 50, 40, 3], using: Generator(seed: 2))
    let grid = try #require(encoder.grid)
    let (cells, _) = try withoutGradient { try encoder(.images(picture), .evaluation) }
    #expect(cells.shape == [1, grid.cells, grid.channels] && grid.channels == encoder.width)
    #expect(try cells.isFinite().all())
    #expect(GridKind(kind.text) == kind)
  }

  @Test("given features stay as they are, and of another width are refused")
  func features() throws {
    let encoder = try Self.encoder(.conv, .init(name: "image", kind: .set, size: 3))
    let rows = try Tensor.uniform([2, 4, 3], using: Generator(seed: 2))
    let (cells, lengths) = try encoder(.sets(rows, lengths: [4, 2]), .evaluation)
    #expect(try cells.bytes() == rows.bytes())
    #expect(lengths == [4, 2] && encoder.grid == nil)
    #expect(throws: ConfigurationError.self) {
      try encoder(.sets(Tensor.zeros([1, 4, 5]), lengths: [4]), .evaluation)
    }
  }

  @Test(
    "squares that do not divide the pictures, and pictures that are too small, are refused by what they are")
  func unfit() {
    for (kind, said) in [
      (GridKind.patches(4), "divides pictures of 4 by 6"), (.conv, "8 by 8 or more"),
      (.cnn(.resnet18), "with 1 or 3 channels"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try Self.encoder(kind, Self.small) }
      #expect(error?.errorDescription?.contains(said) == true, "\(error?.errorDescription ?? "")")
    }
    #expect(GridKind("patches(x)") == nil && GridKind("resnet19") == nil)
  }
}
