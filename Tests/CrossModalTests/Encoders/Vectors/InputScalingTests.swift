import CrossModal
import Testing
import Torch

/// Training pairs in memory.
struct MemorySet: TrainingSet {
  let description: DataDescription
  let items: [Items]
  var labels: [Int]?
  var rows: [[Int]]?
  var givenPairs: GivenPairs?
  /// Word numbers of items of kind tokens.
  static let vocabulary = 30

  init(_ items: [Items], labels: [Int]? = nil, rows: [[Int]]? = nil) {
    self.items = items
    self.labels = labels
    self.rows = rows
    let modalities = items.enumerated().map { side, items in
      let shape: [Int] =
        switch items {
        case .vectors(let rows), .images(let rows), .sets(let rows, _), .sequences(let rows, _):
          items.kind == .images ? Array(rows.shape.dropFirst()) : [rows.size(along: -1)]
        default: []
        }
      return DataDescription.Modality(
        name: ["x", "y"][side], kind: items.kind, size: shape.last, shape: shape.isEmpty ? nil : shape,
        vocabulary: items.kind == .tokens ? MemorySet.vocabulary : nil)
    }
    description = DataDescription(
      name: "memory", modalities: modalities, classes: labels.map { Set($0).count })
  }

  var count: Int { rows?[0].count ?? items[0].count }

  func batch(at places: [Int]) throws -> Batch {
    let rows = rows ?? items.map { Array(0..<$0.count) }
    let chosen = rows.map { row in places.map { row[$0] } }
    var batch = Batch(
      modalities: description.modalities.map(\.name),
      items: try zip(items, chosen).map { try $0.rows(at: $1) }, rows: chosen,
      labels: labels.map { labels in places.map { labels[$0] } })
    batch.givenPairs = givenPairs
    return batch
  }
}

@Suite("Input scaling")
struct InputScalingTests {
  @Test("columns of the training part get mean 0 and deviation 1; constant ones stay finite")
  func columns() throws {
    let rows = try Tensor([Float](arrayLiteral: 1, 5, 3, 5, 5, 5), shape: [3, 2])
    let data = MemorySet([.vectors(rows)])
    let scaling = try InputScaling(for: data.description.modalities[0])
    try scaling.fit(to: data, side: 0, epsilon: 1e-6)
    let out = try scaling(.vectors(rows)).values(as: Double.self)
    #expect(isClose(out[0], -1.224_744, 1e-5) && isClose(out[4], 1.224_744, 1e-5))
    #expect([out[1], out[3], out[5]] == [0, 0, 0])
    #expect(scaling.stateEntries.map(\.name) == ["mean", "scale"])
  }

  @Test("roots and logarithms come first; numbers they do not take are cut")
  func transforms() throws {
    let rows = try Tensor([Float](arrayLiteral: 4, -1), shape: [2, 1])
    let modality = MemorySet([.vectors(rows)]).description.modalities[0]
    #expect(
      try InputScaling(for: modality, transform: .sqrt)(.vectors(rows)).values(as: Float.self) == [2, 0])
    let logs = try InputScaling(for: modality, transform: .log)(.vectors(rows)).values(as: Float.self)
    #expect(isClose(Double(logs[0]), 1.386_294, 1e-5) && logs[1].isFinite)
  }

  @Test("pictures keep their form for convolutions and are rows for other networks; channels share a scale")
  func pictures() throws {
    let pixels = try Tensor([UInt8](0..<24), shape: [2, 2, 3, 2])
    let data = MemorySet([.images(pixels)])
    let modality = data.description.modalities[0]
    let kept = try InputScaling(for: modality, keepsPictures: true)
    try kept.fit(to: data, side: 0, epsilon: 0)
    let out = try kept(.images(pixels))
    #expect(out.shape == [2, 2, 2, 3])
    #expect(try out.mean().item().magnitude < 1e-6)
    #expect(try InputScaling(for: modality)(.images(pixels)).shape == [2, 12])
  }

  @Test("sets and sequences are the mean of what counts; padding has no influence")
  func sets() throws {
    let rows = try Tensor([Float](arrayLiteral: 1, 3, 100, 5, 100, 100), shape: [2, 3, 1])
    let modality = DataDescription.Modality(name: "x", kind: .set, size: 1, shape: [1])
    let out = try InputScaling(for: modality)(.sets(rows, lengths: [2, 1]))
    #expect(try out.values(as: Float.self) == [2, 5])
  }

  @Test("kept sets are scaled by what counts of them")
  func keptSets() throws {
    let rows = try Tensor([Float](arrayLiteral: 1, 3, 100, 5, 100, 100), shape: [2, 3, 1])
    let data = MemorySet([.sets(rows, lengths: [2, 1])])
    let scaling = try InputScaling(for: data.description.modalities[0], keepsFragments: true)
    try scaling.fit(to: data, side: 0, epsilon: 0)
    #expect(try isClose(scaling.mean.item(), 3, 1e-6))
    guard case .sets(let scaled, let lengths) = try scaling.scaled(data.items[0]) else {
      Issue.record("sets became something else")
      return
    }
    #expect(lengths == [2, 1] && scaled.shape == [2, 3, 1])
    let root = 1.5.squareRoot()
    let found = try scaled.values(as: Double.self)
    #expect(isClose(found[0], -root, 1e-5) && isClose(found[1], 0, 1e-5) && isClose(found[3], root, 1e-5))
  }

  @Test("items of another width or kind are refused by name")
  func misfits() throws {
    let scaling = try InputScaling(for: .init(name: "sound", kind: .vector, size: 3, shape: [3]))
    #expect(throws: ConfigurationError.self) { try scaling(.vectors(Tensor.zeros([1, 4]))) }
    let error = #expect(throws: ConfigurationError.self) { try scaling(.texts(["a"])) }
    #expect(error?.errorDescription?.contains("sound") == true)
  }
}
