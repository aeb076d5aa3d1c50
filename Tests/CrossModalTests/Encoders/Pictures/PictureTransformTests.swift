import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Pictures as squares")
struct PictureTransformTests {
  private func picture(_ name: String) -> Picture {
    Picture(.file(RecordedPictures.fixtures.appendingPathComponent(name)))
  }

  private func bytes(_ items: Items) throws -> [UInt8] {
    try #require(items.tensor).values(as: UInt8.self)
  }

  private func distance(_ found: Tensor, _ recorded: Tensor) throws -> Double {
    #expect(found.shape == recorded.shape)
    return try (found.to(.float64) - recorded.to(.float64)).magnitude().max().item()
  }

  @Test(
    "the middle of a resized picture is Pillow's within a grey level", arguments: ["noise.png", "colour.jpg"])
  func middle(file: String) throws {
    let recorded = try RecordedPictures("transforms")
    for (name, size, resize) in [("middle", 16, 18), ("larger", 32, 37)] {
      let transform = PictureTransform(size: size, resize: resize)
      let found = try #require(transform(.pictures([picture(file)]), .evaluation).tensor)
      #expect(found.dtype == .uint8)
      #expect(try distance(found[0], recorded["\(file)/\(name)"]) <= 1)
    }
  }

  @Test("of a long strip only what may be seen is resized")
  func strips() throws {
    let transform = PictureTransform(size: 8, resize: 10)
    let strip = try Tensor.integers(in: 0..<255, [2, 400, 3], using: Generator(seed: 1)).to(.uint8)
    let middle = try strip.narrowed(to: 192..<208, along: 1)
    let both = try [strip, middle].map { try bytes(transform(.images($0.unsqueezed(at: 0)), .evaluation)) }
    #expect(both[0] == both[1])
    // Resized whole it would hold eight thousand million numbers.
    let longest = try Tensor.zeros([1, 1, 40_000, 3], .uint8)
    #expect(try PictureTransform(size: 224)(.images(longest), .evaluation).tensor?.shape == [1, 224, 224, 3])
  }

  @Test(
    "a random part is cut out before it is resized, as Pillow does it",
    arguments: ["noise.png", "colour.jpg"])
  func part(file: String) throws {
    let pixels = try picture(file).decoded()
    let part = try Picture.resized(
      pixels.narrowed(to: 3..<18, along: 0).narrowed(to: 7..<26, along: 1), height: 12, width: 12)
    #expect(try distance(part, RecordedPictures("transforms")["\(file)/part"]) <= 1)
  }

  @Test("parts lie within the picture, with the area and form that the choices say")
  func parts() throws {
    let transform = PictureTransform(size: 8)
    let generator = try Generator(seed: 6)
    for _ in 0..<300 {
      let choices = try Tensor.uniform([27], using: generator).values(as: Double.self)
      let (rows, columns) = transform.part(of: 240, 320, choices)
      #expect(
        rows.lowerBound >= 0 && rows.upperBound <= 240 && columns.lowerBound >= 0 && columns.upperBound <= 320
      )
      let (share, form) = (
        Double(rows.count * columns.count) / 76_800, Double(columns.count) / Double(rows.count)
      )
      #expect(share > 0.075 && share <= 1 && form > 0.73 && form < 1.36)
    }
    // Nothing of that form fits into a thin strip: its middle is taken.
    let strip = transform.part(of: 4, 4000, Array(repeating: 0.99, count: 27))
    #expect(strip.rows == 0..<4 && strip.columns.count == 5 && strip.columns.lowerBound == 1997)
  }

  @Test("the same generator gives the same squares, another gives others, evaluation always the same")
  func reproducible() throws {
    let items = Items.pictures([picture("noise.png"), picture("colour.jpg"), picture("grey.png")])
    let transform = PictureTransform(
      size: 16, jitter: ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1))
    let first = try bytes(transform(items, .training(Generator(seed: 1))))
    #expect(try first == bytes(transform(items, .training(Generator(seed: 1)))))
    #expect(try first != bytes(transform(items, .training(Generator(seed: 2)))))
    #expect(try bytes(transform(items, .evaluation)) == bytes(transform(items, .evaluation)))
    // A picture's choices do not depend on what the other pictures are.
    let alone = try bytes(transform(items.rows(at: [0, 0, 0]), .training(Generator(seed: 1))))
    #expect(alone[..<768] == first[..<768])
  }

  @Test("half of the pictures are mirrored, and nothing else happens to them")
  func mirror() throws {
    let row = try Tensor([UInt8](0..<48), shape: [1, 4, 4, 3])
    let items = Items.images(try row.expanded(to: [200, 4, 4, 3]).contiguous())
    var transform = PictureTransform(size: 4, crops: false)
    let out = try #require(transform(items, .training(Generator(seed: 1))).tensor)
    let mirrored = try row[0].reversed(along: 1).bytes()
    let plain = try row[0].bytes()
    let all = try (0..<200).map { try out[$0].contiguous().bytes() }
    #expect(all.allSatisfy { $0 == plain || $0 == mirrored })
    let share = Double(all.filter { $0 == mirrored }.count) / 200
    #expect(share > 0.4 && share < 0.6)
    transform.flips = false
    #expect(
      try bytes(transform(items, .training(Generator(seed: 1)))) == row.expanded(to: [200, 4, 4, 3]).bytes())
  }

  @Test(
    "colours change as torchvision changes them",
    arguments: [("brightness", 0, 0.3), ("contrast", 1, 0.3), ("saturation", 2, 0.4), ("hue", 3, 0.15)])
  func colors(name: String, place: Int, strength: Double) throws {
    let pixels = try picture("colour.jpg").decoded().to(.float32) / 255
    var jitter = ColorJitter()
    // The largest or smallest factor, which a choice of almost 1 or of 0 gives.
    var choices = [0.5, 0.5, 0.5, 0.5]
    choices[place] = name == "contrast" ? 0 : 1
    switch name {
    case "brightness": jitter.brightness = strength
    case "contrast": jitter.contrast = strength
    case "saturation": jitter.saturation = strength
    default: jitter.hue = strength
    }
    let found = try jitter.applied(to: pixels.unsqueezed(at: 0), [choices])
    #expect(try distance(found[0], RecordedPictures("transforms")["colour.jpg/\(name)"]) < 2e-3)
  }

  @Test("a damaged picture is named, and other items are refused")
  func damaged() throws {
    let transform = PictureTransform(size: 8)
    let bad = Picture(.bytes(Data([0xFF, 0xD8, 0xFF, 0]), name: "photos/17.jpg"))
    let error = #expect(throws: DataError.self) {
      try transform(.pictures([picture("noise.png"), bad]), .evaluation)
    }
    #expect(error?.errorDescription?.contains("photos/17.jpg") == true)
    #expect(throws: ConfigurationError.self) { try transform(.texts(["a"]), .evaluation) }
  }
}

@Suite("Work of several threads")
struct ConcurrentMapTests {
  @Test("results keep the order, and the first failure is the one that is thrown", arguments: [1, 3, 50])
  func order(threads: Int) throws {
    struct Bad: Error, Equatable { let number: Int }
    let numbers = Array(0..<100)
    #expect(try numbers.concurrentMap(threads: threads) { $0 * $0 } == numbers.map { $0 * $0 })
    #expect(throws: Bad(number: 7)) {
      try numbers.concurrentMap(threads: threads) { number in
        if number % 10 == 7 { throw Bad(number: number) }
        return number
      }
    }
    #expect(try [Int]().concurrentMap(threads: threads) { $0 } == [])
  }
}
