import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Kinds of modalities")
struct DataSetKindsTests {
  private let folder: TemporaryFolder

  /// Four rows of everything.
  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a\nb\nc\nd\n", to: "t.txt")
    try folder.write(Tensor((0..<24).map(Float.init), shape: [4, 3, 2]), to: "parts.npy")
    try folder.write(Tensor([3, 1, 2, 3]), to: "lengths.npy")
    try folder.write(Tensor((0..<12).map { $0 }, shape: [4, 3]), to: "words.npy")
    try folder.write(Tensor((0..<6).map { $0 }), to: "stream.npy")
    try folder.write(Tensor([0, 1, 3, 4, 6]), to: "offsets.npy")
    for row in 0..<4 {
      try folder.write(
        Picture.png(Tensor.full([2, 3, 3], Double(row), .uint8)), to: "pictures/\(row).png")
    }
    try folder.write("0.png\n1.png\n2.png\n3.png\n", to: "list.txt")
  }

  private func opened(_ yaml: String) throws -> Split {
    try folder.write(yaml + "\nsplits: { all: \"0:4\", some: [3, 1] }\n", to: "dataset.yaml")
    return try DataSet(at: folder.path).split("some")
  }

  @Test("pictures without any pixel are refused when the data set is opened")
  func emptyPictures() throws {
    try folder.write(Tensor.zeros([4, 0, 16, 3], .uint8), to: "empty.npy")
    let error = #expect(throws: DataError.self) {
      try opened("modalities: { x: { file: empty.npy, kind: images } }")
    }
    #expect(error?.errorDescription?.contains("with no picture empty") == true)
  }

  @Test("sets and sequences come with their lengths, without the padding that no row needs, scaled")
  func fragments() throws {
    for kind in ["set", "sequence"] {
      let split = try opened(
        "modalities: { x: { file: parts.npy, kind: \(kind), lengths: lengths.npy, scale: 0.5, rate: 25 } }")
      let items = try split.items(side: 0, at: [1])
      #expect(items.kind.rawValue == kind)
      switch items {
      case .sets(let rows, let lengths), .sequences(let rows, let lengths):
        #expect(lengths == [1])
        #expect(try rows.values(as: Float.self) == [3, 3.5])
      default: Issue.record("\(items)")
      }
      #expect(split.rate(side: 0) == 25)
      #expect(split.description.modalities[0].size == 2)
    }
  }

  @Test("tokens are whole numbers with lengths, padded or end to end")
  func tokens() throws {
    let padded = try opened("modalities: { x: { file: words.npy, kind: tokens, lengths: lengths.npy } }")
    guard case .tokens(let words, let lengths) = try padded.items(side: 0) else {
      throw DataError.missing(file: "tokens")
    }
    #expect(lengths == [3, 1])
    #expect(try words.values(as: Int.self) == [9, 10, 11, 3, 4, 5])
    let ragged = try opened("modalities: { x: { file: stream.npy, kind: tokens, offsets: offsets.npy } }")
    guard case .tokens(let cut, let own) = try ragged.items(side: 0) else {
      throw DataError.missing(file: "tokens")
    }
    #expect(own == [2, 2])
    #expect(try cut.values(as: Int.self) == [4, 5, 1, 2])
    #expect(
      message { _ = try opened("modalities: { x: { file: parts.npy, kind: tokens } }") }?
        .contains("[n, l] for kind tokens") == true)
    try folder.write(Tensor([1, 2, 3, 4, Int.max, 5, 6, 7], shape: [4, 2]), to: "large.npy")
    #expect(
      message { _ = try opened("modalities: { x: { file: large.npy, kind: tokens } }") }?
        .contains("row 2: holds 9223372036854775807, but tokens are numbers from 0 to 99999999") == true)
  }

  @Test(
    "pictures come from a folder by a list, or from an array with or without channels, scaled only where asked"
  )
  func images() throws {
    let listed = try opened("modalities: { x: { file: pictures, list: list.txt, kind: images } }")
    guard case .pictures(let pictures) = try listed.items(side: 0) else {
      throw DataError.missing(file: "pictures")
    }
    #expect(try pictures.map { try $0.decoded().values(as: UInt8.self)[0] } == [3, 1])
    try folder.write(Tensor((0..<24).map { UInt8($0 * 10) }, shape: [4, 2, 3]), to: "grey.npy")
    let grey = try opened("modalities: { x: { file: grey.npy, kind: images } }")
    guard case .images(let stored) = try grey.items(side: 0) else { throw DataError.missing(file: "images") }
    #expect(stored.dtype == .uint8 && stored.shape == [2, 2, 3, 1])
    #expect(try stored.values(as: UInt8.self).prefix(2) == [180, 190])
    let scaled = try opened("modalities: { x: { file: grey.npy, kind: images, scale: 0.1 } }")
    guard case .images(let numbers) = try scaled.items(side: 0) else {
      throw DataError.missing(file: "images")
    }
    #expect(try numbers.values(as: Float.self).prefix(2).map { $0.rounded() } == [18, 19])
  }

  @Test("texts come from lines or from a field of .jsonl; without the field the line is named")
  func texts() throws {
    try folder.write(
      (0..<4).map { "{\"id\": \($0), \"said\": \"s\($0)\"}" }.joined(separator: "\n"), to: "t.jsonl")
    guard
      case .texts(let said) = try opened("modalities: { x: { file: t.jsonl, kind: text, field: said } }")
        .items(side: 0)
    else { throw DataError.missing(file: "texts") }
    #expect(said == ["s3", "s1"])
    let wrong = message { _ = try opened("modalities: { x: { file: t.jsonl, kind: text, field: sad } }") }
    #expect(wrong?.contains("line 1:") == true, "\(wrong ?? "nothing")")
  }

  @Test("boxes, pictures, items, groups and masks stand beside the rows they belong to")
  func companions() throws {
    try folder.write(Tensor((0..<48).map(Float.init), shape: [4, 3, 4]), to: "boxes.npy")
    try folder.write(Tensor([7, 7, 8, 8]), to: "group.npy")
    try folder.write(
      (0..<4).map { "{\"id\": \"i\($0)\", \"title\": \"T\($0)\", \"colour\": \"red\"}" }.joined(
        separator: "\n"),
      to: "items.jsonl")
    for row in 0..<4 {
      try folder.write(Picture.png(Tensor.full([2, 3, 1], Double(row), .uint8)), to: "masks/\(row).png")
    }
    let regions = try opened(
      """
      modalities:
        x:
          { file: parts.npy, kind: set, boxes: boxes.npy, group: group.npy, items: items.jsonl,
            pictures: { folder: pictures, list: list.txt } }
      """)
    #expect(try regions.boxes(side: 0, row: 1)?.values(as: Float.self) == (12..<24).map(Float.init))
    #expect(regions.group(side: 0) == [8, 7])
    let card = try regions.card(side: 0, row: 0)
    #expect(card.id == "i3" && card.title == "T3" && card.attributes["colour"] == "red")
    #expect(try card.picture?.decoded().values(as: UInt8.self)[0] == 3)
    let masked = try opened(
      """
      modalities:
        x:
          { file: pictures, list: list.txt, kind: images,
            masks: { folder: masks, list: list.txt, ignore: 255 } }
      """)
    let mask = try #require(try masked.mask(side: 0, row: 1))
    #expect(try mask.classes.values(as: UInt8.self) == [UInt8](repeating: 1, count: 6))
    #expect(mask.ignore == 255)
  }

  @Test("metadata name pictures in their own folder and in none outside it")
  func picturesOfMetadata() throws {
    let paths = ["pictures/0.png", "../secret.png", "/secret.png", "pictures/../pictures/3.png"]
    try folder.write(paths.map { "{\"picture\": \"\($0)\"}" }.joined(separator: "\n"), to: "items.jsonl")
    try folder.write(
      "modalities: { x: { file: parts.npy, kind: set, items: items.jsonl } }\nsplits: { all: \"0:4\" }\n",
      to: "dataset.yaml")
    let split = try DataSet(at: folder.path).split("all")
    for row in [0, 3] {
      let picture = try #require(try split.card(side: 0, row: row).picture)
      #expect(try picture.decoded().values(as: UInt8.self)[0] == UInt8(row))
    }
    for row in [1, 2] {
      let said = message { _ = try split.card(side: 0, row: row) } ?? "nothing"
      #expect(
        said.hasSuffix(
          "line \(row + 1): names the picture '\(paths[row])', which is outside the folder of the metadata"))
    }
  }

  @Test("a picture without metadata has the path of its list for a name; metadata say it otherwise")
  func namesOfPictures() throws {
    try folder.write("{}\n{}\n{}\n{\"title\": \"the last\"}\n", to: "titles.jsonl")
    try folder.write("pictures/0.png\npictures/1.png\npictures/2.png\npictures/3.png\n", to: "paths.txt")
    let plain = try opened("modalities: { x: { file: ., list: paths.txt, kind: images } }")
    #expect(try plain.card(side: 0, row: 1).label == "pictures/1.png")
    let titled = try opened(
      "modalities: { x: { file: pictures, list: list.txt, kind: images, items: titles.jsonl } }")
    #expect(try (0..<2).map { try titled.card(side: 0, row: $0).label } == ["the last", "1.png"])
  }

  @Test("pictures of an array are shown in reports, also where their numbers are shares")
  func shownPictures() throws {
    try folder.write(Tensor.full([4, 2, 2], 200, .uint8), to: "grey.npy")
    try folder.write(Tensor.full([4, 2, 2], 0.5), to: "shares.npy")
    for file in ["grey.npy", "shares.npy"] {
      let card = try opened("modalities: { x: { file: \(file), kind: images } }").card(side: 0, row: 0)
      guard case .picture(let shown) = card.content else {
        Issue.record("\(file) is shown as words")
        continue
      }
      let level = try Picture(.bytes(shown.data, name: file)).decoded().values(as: UInt8.self)[0]
      #expect(level == (file == "grey.npy" ? 200 : 127))
      #expect(shown.summary == card.label)
    }
  }

  @Test("classes are numbers or names, of the first modality or of each, in one file or in several")
  func labels() throws {
    try folder.write(Tensor([5, 5, 9, 7]), to: "l.npy")
    try folder.write(Tensor([5, 9]), to: "half.npy")
    try folder.write("dog\ncat\ndog\ncat\n", to: "names.txt")
    let two = "modalities: { x: { file: parts.npy, kind: set }, y: { file: t.txt, kind: text } }\n"
    let first = try opened(two + "labels: l.npy")
    #expect(first.labels(side: 0) == [1, 0] && first.labels(side: 1) == [1, 0])
    let each = try opened(two + "labels: { x: l.npy, y: [half.npy, half.npy] }")
    #expect(each.labels(side: 0) == [1, 0] && each.labels(side: 1) == [2, 2])
    let named = try opened(two + "labels: names.txt")
    #expect(named.labels(side: 0) == [0, 0])
    #expect(try DataSet(at: folder.path).classNames == ["cat", "dog"])
  }

  @Test("columns of a table are named or counted")
  func tables() throws {
    try folder.write("a,b,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11\n", to: "t.csv")
    for (columns, expected) in [
      ("t.csv:b", [10.0, 4]), ("t.csv:1:3", [10, 11, 4, 5]), ("t.csv:0,2", [9, 11, 3, 5]),
    ] {
      guard
        case .vectors(let rows) = try opened("modalities: { x: { file: \"\(columns)\", kind: vector } }")
          .items(side: 0)
      else { throw DataError.missing(file: columns) }
      #expect(try rows.values() == expected, "\(columns)")
    }
  }

  @Test("a data set may be one of several in a folder, and name files anywhere")
  func names() throws {
    let elsewhere = try TemporaryFolder()
    let file = try elsewhere.write(
      """
      modalities: { x: { file: \(folder.path)/parts.npy, kind: set } }
      splits: { all: "0:4", last: \(folder.path)/last.txt }
      """, to: "regions.dataset.yaml")
    try folder.write("2\n3\n", to: "last.txt")
    let data = try DataSet(at: file.path)
    #expect(try data.split("all").count == 4)
    #expect(try data.split("last").count == 2)
  }
}
