import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Data in memory")
struct MemoryDataTests {
  /// Six rows of three numbers, and six texts.
  private static let rows = (0..<18).map(Float.init)
  private static let texts = ["red heart", "blue heart", "red car", "blue car", "a red sun", "blue sun"]

  private func vectors() throws -> Items { .vectors(try Tensor(Self.rows, shape: [6, 3])) }

  private func plain(_ splits: KeyValuePairs<String, any Sequence<Int>> = [:]) throws -> DataSet {
    try DataSet(
      name: "mine", [.init("thing", vectors()), .init("text", .texts(Self.texts))], splits: splits)
  }

  @Test("splits are ranges or lists of rows; without any, everything is train")
  func splits() throws {
    let whole = try plain()
    #expect(whole.splitNames == ["train"] && whole.path == nil)
    #expect(try whole.split("train").count == 6)
    let data = try plain(["train": 0..<4, "test": [5, 4]])
    #expect(data.splitNames == ["train", "test"] && data.warnings.isEmpty)
    #expect(data.description.modalities.map(\.size) == [3, nil])
    let test = try data.split("test")
    guard case .texts(let texts) = try test.items(side: 1) else { return }
    #expect(texts == ["blue sun", "a red sun"])
    #expect(try test.items(side: 0).tensor?.values(as: Float.self) == [15, 16, 17, 12, 13, 14])
    #expect(try test.card(side: 1, row: 0).text == "blue sun")
    #expect(try plain(["train": 0..<4, "test": 3..<6]).warnings.count == 1)
    #expect(
      message { _ = try data.split("trian") }
        == "mine: has no split 'trian', only 'train', 'test'; did you mean 'train'?")
  }

  @Test("a split knows its data set, and through it the other splits")
  func source() throws {
    let train = try plain(["train": 0..<4, "val": 4..<6]).split("train")
    #expect(train.source.splitNames == ["train", "val"] && train.source.path == nil)
    #expect(try train.source.split("val").count == 2)
    #expect(try train.narrowed(to: [1]).source.split("train").count == 4)
  }

  @Test("every kind of items comes back as it went in")
  func kinds() throws {
    let generator = try Generator(seed: 1)
    let steps = try Tensor.normal([3, 4, 2], using: generator)
    let pixels = try Tensor.integers(in: 0..<256, [3, 5, 6, 3], using: generator).to(.uint8)
    let tokens = try Tensor([1, 2, 0, 3, 0, 0, 4, 5, 6], shape: [3, 3])
    let data = try DataSet(
      name: "kinds",
      [
        .init("vector", .vectors(try steps.flattened(from: 1))),
        .init("set", .sets(steps, lengths: [4, 1, 2])),
        .init("sequence", .sequences(steps, lengths: [4, 4, 4])),
        .init("tokens", .tokens(tokens, lengths: [2, 1, 3])),
        .init("text", .texts(["a", "b", "c"])),
        .init("images", .images(pixels)),
        .init("pictures", .pictures(try (0..<3).map { Picture(.pixels(try pixels[$0])) })),
      ])
    let split = try data.split("train")
    #expect(
      data.description.modalities.map(\.kind) == [.vector, .set, .sequence, .tokens, .text, .images, .images])
    #expect(
      data.description.modalities[3].vocabulary == 7 && data.description.modalities[5].shape == [5, 6, 3])
    let batch = try split.batch(at: [2, 1])
    #expect(try batch.items[0].tensor?.bytes() == steps.rows(at: [2, 1]).bytes())
    #expect(batch.items[1].lengths == [2, 1] && batch.items[1].tensor?.shape == [2, 2, 2])
    #expect(batch.items[2].lengths == [4, 4])
    #expect(try batch.items[3].tensor?.values(as: Int.self) == [4, 5, 6, 3, 0, 0])
    #expect(try batch.items[5].tensor?.bytes() == pixels.rows(at: [2, 1]).bytes())
    guard case .texts(["c", "b"]) = batch.items[4], case .pictures(let pictures) = batch.items[6] else {
      Issue.record("texts or pictures became something else")
      return
    }
    #expect(try pictures[0].decoded().bytes() == pixels[2].bytes())
    #expect(
      (0..<7).map { split.lengths(side: $0) } == [nil, [4, 1, 2], [4, 4, 4], [2, 1, 3], nil, nil, nil])
  }

  @Test("captions, pairs, classes, answers and moments mean what they mean in a file")
  func relations() throws {
    let folder = try TemporaryFolder()
    try folder.write(try Tensor(Self.rows, shape: [6, 3]), to: "x.npy")
    try folder.write((Self.texts + Self.texts).joined(separator: "\n"), to: "texts.txt")
    try folder.write("b\na\nb\na\nb\na", to: "labels.txt")
    try folder.write(
      try Tensor((0..<12).flatMap { [Double($0), Double($0) + 0.5] }, shape: [12, 2]), to: "m.npy")
    try folder.write((0..<12).map { "[\"\($0)\", \"x\"]" }.joined(separator: "\n"), to: "a.jsonl")
    try folder.write(
      """
      name: mine
      modalities: { thing: { file: x.npy, kind: vector, scale: 0.5 }, text: { file: texts.txt, kind: text } }
      captions_per_item: 2
      labels: labels.txt
      answers: a.jsonl
      moments: m.npy
      splits: { train: "0:4", test: [5, 2] }
      """, to: "dataset.yaml")
    let stored = try DataSet(at: folder.path)
    var thing = DataSet.Modality("thing", try vectors())
    thing.scale = 0.5
    let made = try DataSet(
      name: "mine", [thing, .init("text", .texts(Self.texts + Self.texts))],
      labels: .names(["b", "a", "b", "a", "b", "a"]), captionsPerItem: 2,
      answers: (0..<12).map { ["\($0)", "x"] }, moments: (0..<12).map { Double($0)...Double($0) + 0.5 },
      splits: ["train": 0..<4, "test": [5, 2]])
    #expect(made.description == stored.description && made.classNames == stored.classNames)
    let splits = try [stored, made].map { try $0.split("test") }
    let batches = try splits.map { try $0.batch(at: [3, 0]) }
    #expect(batches[0].rows == batches[1].rows && batches[0].labels == batches[1].labels)
    #expect(batches[0].answers == batches[1].answers && batches[0].moments == batches[1].moments)
    #expect(try batches[0].items[0].tensor?.bytes() == batches[1].items[0].tensor?.bytes())
    #expect(splits[0].captionsPerItem == 2 && splits[1].captionsPerItem == 2)

    let paired = try DataSet(
      name: "mine", [.init("thing", vectors()), .init("text", .texts(["a", "b"]))],
      pairs: [[0, 1], [0, 0], [3, 1]], splits: ["train": [0, 3]])
    #expect(try paired.split("train").pairs?.map { [$0.x, $0.y] } == [[0, 1], [0, 0], [1, 1]])
  }

  @Test("what is known of items beside them: groups, cards, masks, boxes, rates, classes of their own")
  func companions() throws {
    var thing = DataSet.Modality("thing", .sets(try Tensor.zeros([2, 3, 4]), lengths: [3, 2]))
    thing.rate = 2.5
    thing.group = [7, 7]
    thing.cards = [["id": "a", "title": "one", "colour": "red"], ["id": "b"]]
    thing.boxes = try Tensor.zeros([2, 3, 4])
    var picture = DataSet.Modality("picture", .images(try Tensor.zeros([2, 2, 2], .uint8)))
    picture.masks = try (0..<2).map { Picture(.pixels(try Tensor.full([2, 2], Double($0), .uint8))) }
    picture.ignoredClass = 1
    picture.labels = .numbers([5, 3])
    let split = try DataSet(name: "mine", [thing, picture]).split("train")
    #expect(split.rate(side: 0) == 2.5 && split.rate(side: 1) == nil && split.group(side: 0) == [7, 7])
    let card = try split.card(side: 0, row: 0)
    #expect(card.id == "a" && card.label == "one" && card.attributes["colour"] == "red")
    #expect(try split.boxes(side: 0, row: 1)?.shape == [3, 4])
    #expect(split.hasMasks(side: 1) && !split.hasMasks(side: 0))
    let mask = try #require(try split.mask(side: 1, row: 1))
    #expect(try mask.classes.values(as: Int.self) == [1, 1, 1, 1] && mask.ignore == 1)
    #expect(split.labels(side: 1) == [1, 0])
  }

  @Test("what does not fit is told in one sentence, as for files")
  func misfits() throws {
    let vectors = try vectors()
    func failure(
      _ modalities: [DataSet.Modality], pairs: [[Int]]? = nil, labels: DataSet.Labels? = nil,
      captions: Int? = nil, answers: [[String]]? = nil, moments: [ClosedRange<Double>]? = nil,
      splits: KeyValuePairs<String, any Sequence<Int>> = [:]
    ) -> String? {
      message {
        let data = try DataSet(
          name: "mine", modalities, pairs: pairs, labels: labels, captionsPerItem: captions, answers: answers,
          moments: moments, splits: splits)
        _ = try data.split(data.splitNames[0])
      }
    }
    let thing = DataSet.Modality("thing", vectors)
    let two = DataSet.Modality("text", .texts(["a", "b"]))
    #expect(failure([]) == "mine: 'modalities' is empty: it names the kinds of items")
    #expect(failure([thing, thing]) == "mine: 'modalities' names 'thing' twice")
    #expect(failure([thing, two]) == "text of mine: has 2 rows, but thing of mine has 6")
    #expect(
      failure([thing, two], captions: 2)
        == "text of mine: has 2 rows, but thing of mine has 6 and captions_per_item is 2, so it needs 12")
    #expect(failure([.init("thing", .texts([]))]) == "thing of mine: holds no rows")
    #expect(
      failure([.init("thing", .vectors(try Tensor.zeros([2, 3, 4])))])
        == "thing of mine: has shape [2, 3, 4], expected [n, d] for kind vector")
    #expect(
      failure([.init("thing", .sets(try Tensor.zeros([2, 3, 4]), lengths: [3, 0]))])
        == "lengths of thing of mine: row 1: is 0, expected 1 to 3")
    #expect(
      failure([.init("thing", .vectors(try Tensor([1, 2, 3, .nan], shape: [2, 2])))])
        == "thing of mine: row 1, column 1 is NaN; every number must be finite")
    #expect(
      failure([thing, two], pairs: [[0, 0], [1, 2]])
        == "pairs of mine: row 1, column 1 names row 2, but rows are 0 to 1")
    #expect(
      failure([thing, two], pairs: [[0, 0], [1]]) == "pairs of mine: row 1: has 1 numbers, but row 0 has 2")
    #expect(
      failure([thing], labels: .numbers([1, 2]))
        == "labels of thing of mine: has 2 rows, but thing of mine has 6")
    #expect(
      failure([thing], answers: [["a"]]) == "answers of mine: has 1 rows, but the number of pairs is 6")
    #expect(
      failure([thing], moments: (0..<6).map { Double($0 - 1)...Double($0) })
        == "moments of mine: row 0: goes from -1.0 to 0.0 seconds")
    #expect(
      failure([thing], splits: ["test": [2, 6]])
        == "mine: 'splits.test' names row 6, but rows are 0 to 5")
    #expect(failure([thing], splits: ["test": [2, 2]]) == "mine: 'splits.test' names row 2 twice")
    #expect(failure([thing], splits: ["test": 2..<2]) == "mine: 'splits.test' names no rows")
    var scaled = two
    scaled.scale = 2
    #expect(
      failure([scaled])
        == "mine: 'text.scale' means nothing for kind text, only for vector, set, sequence, images")
  }

  @Test("the fingerprint is of the contents")
  func fingerprint() throws {
    let first = try plain(["train": 0..<6]).fingerprint()
    #expect(first.count == 16)
    #expect(try plain(["train": [0, 1, 2, 3, 4, 5]]).fingerprint() == first)
    #expect(try plain(["train": 0..<5]).fingerprint() != first)
    var texts = Self.texts
    texts[5] += "s"
    let other = try DataSet(
      name: "mine", [.init("thing", vectors()), .init("text", .texts(texts))], splits: ["train": 0..<6])
    #expect(try other.fingerprint() != first)
    let labeled = try DataSet(
      name: "mine", [.init("thing", vectors()), .init("text", .texts(Self.texts))],
      labels: .numbers([0, 1, 2, 3, 4, 5]), splits: ["train": 0..<6])
    #expect(try labeled.fingerprint() != first)
  }

  @Test(
    "a run learns from data in memory, opens, is measured on other data, and says that its own are in no file"
  )
  func run() throws {
    let generator = try Generator(seed: 1)
    let x = try Tensor.normal([40, 3], .float64, using: generator)
    let data = try DataSet(
      name: "mine", [.init("x", .vectors(x)), .init("y", .vectors(try x * 2))],
      splits: ["train": 0..<30, "test": 30..<40])
    let folder = try TemporaryFolder()
    try Run.fit(CCA.self, settings: RunSettings(.null), data: data).save(to: folder.file("run"))
    let run = try Run.open(folder.file("run").path)
    #expect(try run.record.dataPath == "" && run.record.fingerprint == data.fingerprint())
    let other = try DataSet(
      name: "other", [.init("x", .vectors(try -x)), .init("y", .vectors(try x * -2))])
    #expect(try run.evaluate(on: other.split("train")).retrieval?.rsum ?? 0 > 500)
    #expect(
      message { _ = try run.record.dataSet() }
        == "the run was trained on mine, which was in memory and is in no file; name a data set (--data)")
  }

  @Test("a look into data in memory finds what is to be found")
  func inspection() throws {
    let data = try DataSet(
      name: "mine", [.init("x", .vectors(try Tensor([1, 2, 3, .nan], shape: [2, 2])))], checksNumbers: false)
    let inspection = try DataInspection(data)
    #expect(inspection.hasProblems && inspection.file == "mine")
  }
}
