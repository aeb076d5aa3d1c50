import Testing
import Torch

@testable import CrossModal

@Suite("Representations")
struct RepresentationMetricsTests {
  @Test("a linear probe finds the classes that a line tells apart, whatever the scale of the features")
  func probe() throws {
    let generator = try Generator(seed: 1)
    let classes = (0..<90).map { $0 % 3 }
    let centers = try Tensor([4.0, 0, 0, 4, -4, -4]).reshaped(3, 2)
    let rows = try centers.rows(at: classes) + Tensor.normal([90, 2], .float64, using: generator)
    for scale in [1.0, 1e-4] {
      let probe = try LinearProbe(rows * scale + 7, classes: classes)
      let given = try probe.scores(rows * scale + 7).argmax(along: 1).values(as: Int.self)
      #expect(zip(given, classes).count { $0 == $1 } >= 88)
    }
    // Shares are learned as shares: a row that is half of each class scores both alike.
    let mixed = try LinearProbe(Tensor.zeros([4, 2]), shares: Tensor.full([4, 2], 0.5))
    let scores = try mixed.scores(Tensor.ones([1, 2])).values(as: Double.self)
    #expect(abs(scores[0] - scores[1]) < 1e-6)
    #expect(throws: EvaluationError.self) { try LinearProbe(rows, shares: Tensor.zeros([90, 3])) }
  }

  @Test("mean IoU and accuracy come from one count over all pictures, without what is ignored")
  func segmentation() throws {
    var counts = SegmentationCounts()
    func scores(_ classes: [Int]) throws -> Tensor {
      try Tensor(classes).oneHot(classes: 3).to(.float32).reshaped(1, 4, 3).permuted(2, 0, 1)
    }
    try counts.add(
      scores: scores([0, 0, 1, 1]), mask: Tensor([0, 1, 1, 9]).reshaped(1, 4).to(.uint8), ignore: 9)
    try counts.add(
      scores: scores([0, 0, 0, 0]), mask: Tensor([0, 0, 0, 1]).reshaped(1, 4).to(.uint8), ignore: 9)
    // Class 0: 4 right of 4 that are, 6 called so; class 1: 1 right of 3, 1 called so; class 2 nowhere.
    #expect(counts.classIoU == [4.0 / 6, 1.0 / 3, nil])
    #expect(abs(counts.measures.mean - 50) < 1e-9)
    #expect(abs(counts.measures.accuracy - 100 * 5 / 7.0) < 1e-9)
    let test = try counts.test(["a", "b"])
    #expect(test.values(weights: [1, 1]) == [counts.measures.mean, counts.measures.accuracy])
    #expect(test.units.count == 2)
  }

  @Test("a cell is of the classes of its pixels, as far as they count")
  func shares() throws {
    let mask = try Tensor([0, 0, 1, 1, 0, 5, 1, 5]).reshaped(2, 4).to(.uint8)
    let found = try CellFeatures.shares(mask, ignore: 5, classes: 2, rows: 1, columns: 2)
    #expect(try found.values(as: Double.self) == [0.75, 0, 0, 0.75])
    let cells = CellFeatures(
      features: try Tensor([1.0, 0, 0, 1]).reshaped(2, 2), shares: try found.to(.float32))
    let scores = try CellNeighbors(cells, neighbors: 1).scores(Tensor([0.9, 0.1, 0.2, 0.8]).reshaped(2, 2))
    #expect(try scores.argmax(along: 1).values(as: Int.self) == [0, 1])
  }

  @Test("items are measured among those that were learned from, where these are others")
  func neighbors() throws {
    let bank = try Tensor([1.0, 0, 0, 1]).reshaped(2, 2)
    let found = try NeighborMetrics(
      Tensor([0.9, 0.1, 0.8, 0.3, 0.1, 1]).reshaped(3, 2), labels: [0, 1, 1], neighbors: 1,
      among: (bank, [0, 1]))
    #expect(found.correct == [1, 0, 1] && found.isAmongLearned)
    #expect(throws: EvaluationError.self) {
      try NeighborMetrics(bank, labels: [0, 1], among: (bank, [0]))
    }
  }

  @Test(
    "pictures with labels and pixel classes are measured in every way, beside random weights, with intervals")
  func everything() throws {
    let folder = try TemporaryFolder()
    let (pictures, masks, labels) = try Self.scenes(24)
    var modality = DataSet.Modality("image", .pictures(pictures))
    modality.masks = masks
    let data = try DataSet(
      name: "scenes", [modality], labels: .numbers(labels),
      splits: ["train": 0..<16, "test": 16..<24])
    let settings: JSON = [
      "hidden": 8, "embed_size": 8, "batch_size": 8, "epochs": 1, "threads": 1,
      "pictures": ["size": 32, "whole": 32, "blur_share": 0],
    ]
    let run = try Run.train(
      DenseCL.self, settings: RunSettings(settings, keys: DenseCL.allKeys), data: data,
      into: folder.file("run")
    ).run
    let found = try run.evaluate(on: data.split("test"))
    let names = [
      "kNN accuracy", "linear probe accuracy", "probe mIoU", "probe pixel accuracy", "kNN mIoU",
      "kNN pixel accuracy", "match@1cell",
    ]
    #expect(found.result.measures.map(\.name) == names)
    #expect(found.result.measures.allSatisfy { (0...100).contains($0.value) })
    let random = try #require(found.result.priors.first { $0.name == "random initialization" })
    #expect(random.measures.map(\.name) == names)
    #expect(found.result.priors.map(\.name).contains("most frequent class"))
    let intervals = Resampling(samples: 20).intervals(of: found.result)
    #expect(intervals.map(\.name) == names)
    #expect(found.json["class_iou"]?.array?.isEmpty == false)
    #expect(found.result.selection.map(\.name) == ["kNN accuracy"])
    // A color is a class here: what tells colors apart tells pixels apart.
    let accuracy = try #require(found.result.measures.first { $0.name == "probe pixel accuracy" })
    let common = try #require(found.result.priors.first { $0.name == "most frequent class" })
    #expect(accuracy.value > (common.measures.first { $0.name == accuracy.name }?.value ?? 100))
  }

  /// Pictures of a bright square on a dark ground, left or right, with the class of each pixel.
  private static func scenes(_ count: Int) throws -> ([Picture], [Picture], [Int]) {
    var (pictures, masks, labels): ([Picture], [Picture], [Int]) = ([], [], [])
    for number in 0..<count {
      let column = number % 2 == 0 ? 4 : 20
      let row = 4 + number * 5 % 16
      var (pixels, classes) = (
        [UInt8](repeating: 30, count: 32 * 40 * 3), [UInt8](repeating: 0, count: 32 * 40)
      )
      for y in row..<row + 12 {
        for x in column..<column + 14 {
          classes[y * 40 + x] = 1
          pixels[(y * 40 + x) * 3] = UInt8(200 + number)
          pixels[(y * 40 + x) * 3 + 1] = 180
        }
      }
      pictures.append(Picture(.pixels(try Tensor(pixels, shape: [32, 40, 3]))))
      masks.append(Picture(.pixels(try Tensor(classes, shape: [32, 40, 1]))))
      labels.append(number % 2)
    }
    return (pictures, masks, labels)
  }
}
