import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Views of pictures")
struct ViewTransformTests {
  private static func transform(colors: Bool = false) -> ViewTransform {
    var settings = ViewSettings()
    settings.size = 16
    if !colors { (settings.jitterShare, settings.grayShare, settings.blurShare) = (0, 0, 0) }
    return settings.transform([48, 64, 3], usual: 64)
  }

  private static func choices(_ count: Int, seed: UInt64) throws -> [[Double]] {
    let numbers = try Tensor.uniform(
      [count, ViewTransform.choices], .float64, using: Generator(seed: seed)
    ).values(as: Double.self)
    return (0..<count).map { Array(numbers[$0 * ViewTransform.choices..<($0 + 1) * ViewTransform.choices]) }
  }

  @Test("a view is the part of the picture that it says it is")
  func places() throws {
    // Red tells the row, green the column.
    let rows = try Tensor.range(0..<48).to(.float32).reshaped(48, 1, 1).expanded(to: [48, 64, 1]) / 64
    let columns = try Tensor.range(0..<64).to(.float32).reshaped(1, 64, 1).expanded(to: [48, 64, 1]) / 64
    let picture = try Tensor.concatenated([rows, columns, columns.zerosLike()], along: 2)
    let items = Items.images(try Tensor.stacked([picture, picture, picture, picture]))
    let views = try Self.transform()(items, [Self.choices(4, seed: 1), Self.choices(4, seed: 2)])
    #expect(views.map { $0.pictures.shape } == [[4, 16, 16, 3], [4, 16, 16, 3]])
    #expect(Set(views.flatMap { $0.parts.map(\.isMirrored) }).count == 2)
    let whole = PicturePart(top: 0, left: 0, height: 48, width: 64)
    let (grid, all) = (
      PictureGrid(height: 16, width: 16, channels: 1), PictureGrid(height: 48, width: 64, channels: 1)
    )
    for view in views {
      for (number, part) in view.parts.enumerated() {
        let middles = part.middles(of: grid, on: whole, all)
        let colors = try view.pictures[number].reshaped(256, 3).values(as: Double.self)
        // Cells at the edge are averaged over fewer pixels.
        for cell in 0..<256 where (1...14).contains(cell / 16) && (1...14).contains(cell % 16) {
          #expect(abs(colors[3 * cell] * 64 + 0.5 - middles[cell].row) < 0.75)
          #expect(abs(colors[3 * cell + 1] * 64 + 0.5 - middles[cell].column) < 0.75)
        }
      }
    }
  }

  @Test("cells of two views that show the same place are found, and those that the other lacks are not")
  func correspondence() {
    let grid = PictureGrid(height: 4, width: 4, channels: 1)
    let whole = PicturePart(top: 0, left: 0, height: 8, width: 8)
    let quarter = PicturePart(top: 0, left: 4, height: 4, width: 4, isMirrored: true)
    #expect(whole.cells(of: grid, on: whole, grid) == Array(0..<16))
    let found = whole.cells(of: grid, on: quarter, grid)
    // A cell of two pixels has its middle on the corner of four cells of one.
    #expect(found.enumerated().filter { $0.element != nil }.map(\.offset) == [2, 3, 6, 7])
    let mirrored = PicturePart(top: 0, left: 0, height: 8, width: 8, isMirrored: true)
    #expect(whole.cells(of: grid, on: mirrored, grid).prefix(4) == [3, 2, 1, 0])
  }

  @Test("views are a function of picture and numbers, in 0...1, with colors that vary where asked")
  func colors() throws {
    let pictures = try Tensor.integers(in: 0..<256, [6, 48, 64, 3], using: Generator(seed: 3)).to(.uint8)
    let numbers = try Self.choices(6, seed: 4)
    let vivid = try Self.transform(colors: true)(.images(pictures), [numbers, numbers])
    #expect(try vivid[0].pictures.bytes() == vivid[1].pictures.bytes())
    #expect(try vivid[0].pictures.min().item() >= 0.0 && vivid[0].pictures.max().item() <= 1.0001)
    let plain = try Self.transform(colors: true)(.images(pictures), [numbers], colors: false)
    #expect(vivid[0].parts == plain[0].parts)
    #expect(try vivid[0].pictures.bytes() != plain[0].pictures.bytes())
    #expect(
      try plain[0].pictures.bytes() == Self.transform()(.images(pictures), [numbers])[0].pictures.bytes())
  }

  @Test("the blur is a Gaussian whose edge goes on, and keeps flat colors")
  func blur() throws {
    let flat = try Tensor.full([9, 9, 3], 0.25)
    #expect(try flat.blurred(by: 1.3).isClose(to: flat, absolute: 1e-6))
    var point = [Double](repeating: 0, count: 21 * 21)
    point[10 * 21 + 10] = 1
    let spread = try Tensor(point).reshaped(21, 21, 1).blurred(by: 1.5).squeezed(at: 2)
    let (middle, beside): (Double, Double) = (try spread[10][10].item(), try spread[10][13].item())
    #expect(abs(beside / middle - exp(-9 / (2 * 1.5 * 1.5))) < 1e-6)
    #expect(abs(try spread.sum().item() - 1.0) < 1e-6)
  }

  @Test("every order of changes has its share")
  func orders() {
    let found = Set((0..<24).map { ColorJitter.order((Double($0) + 0.5) / 24) })
    #expect(found.count == 24 && found.allSatisfy { Set($0).count == 4 })
  }

  @Test("whole pictures keep their form")
  func whole() throws {
    var transform = Self.transform()
    transform.whole = 24
    let found = try transform.wholePictures(.images(Tensor.zeros([2, 48, 64, 3], .uint8)))
    #expect(found.map(\.shape) == [[24, 32, 3], [24, 32, 3]])
    let strip = try transform.wholePictures(.images(Tensor.zeros([1, 2, 900, 3], .uint8)))
    #expect(strip[0].shape == [24, 192, 3])
  }
}
