import Foundation
import Testing
import Torch

@testable import CrossModal

/// Videos in which two of six things happen for a while, and sentences that say which.
struct TimedToy {
  let data: DataSet
  private static let things = [
    "a bell rings", "a dog barks", "some water flows", "one door slams", "two birds sing", "the wind blows",
  ]
  static let rate = 2.0

  /// - Parameters:
  ///   - folder: where the files go.
  ///   - rate: rows a second; nil for data that do not say.
  ///   - hasMoments: whether the data say when.
  init(
    in folder: TemporaryFolder, rate: Double? = Self.rate, hasMoments: Bool = true, width: Int = 8
  ) throws {
    let (videos, length) = (40, 12)
    let generator = try Generator(seed: 11)
    var rows = try Tensor.normal([videos * length, width], using: generator).values(as: Float.self).map {
      $0 * 0.3
    }
    var (sentences, pairs, moments) = ([String](), [Int](), [Float]())
    for video in 0..<videos {
      let first = video % 6
      for (half, thing) in [first, (first + 1 + video / 6 % 5) % 6].enumerated() {
        let start = half * 6 + (video / 3 + half) % 3
        for row in start..<start + 3 { rows[(video * length + row) * width + thing] += 3 }
        pairs += [video, sentences.count]
        sentences.append(Self.things[thing])
        moments += [Float(start) / Float(Self.rate), Float(start + 3) / Float(Self.rate)]
      }
    }
    try folder.write(Tensor(rows, shape: [videos, length, width]), to: "video.npy")
    try folder.write(sentences.joined(separator: "\n") + "\n", to: "text.txt")
    try folder.write(Tensor(pairs, shape: [sentences.count, 2]), to: "pairs.npy")
    try folder.write(Tensor(moments, shape: [sentences.count, 2]), to: "moments.npy")
    try folder.write(
      """
      name: timed
      modalities:
        video: { file: video.npy, kind: sequence\(rate.map { ", rate: \($0)" } ?? "") }
        text: { file: text.txt, kind: text }
      pairs: pairs.npy
      \(hasMoments ? "moments: moments.npy" : "")
      splits: { train: "0:28", val: "28:34", test: "34:40" }
      """, to: "dataset.yaml")
    data = try DataSet(at: folder.path)
  }

  /// Settings for a few seconds.
  static func settings(_ more: JSON = [:]) throws -> RunSettings {
    var all: JSON = [
      "epochs": 40, "batch_size": 28, "hidden": 24, "embed_size": 16, "word_dim": 12, "words": "bag",
      "temperature": 0.1, "top_k": 2, "max_shift": 2, "learning_rate": 0.01, "conv_layers": 0,
      "evaluate_every": 40,
    ]
    for member in more.members ?? [] { all[member.key] = member.value }
    return try RunSettings(all, keys: LocVTP.allKeys)
  }

  func run(_ more: JSON = [:], in folder: TemporaryFolder) throws -> Run {
    try Run.train(LocVTP.self, settings: Self.settings(more), data: data, into: folder.file("run")).run
  }
}

@Suite("LocVTP")
struct LocVTPTests {
  private func metrics(_ run: Run, _ data: DataSet) throws -> GroundingMetrics {
    try #require(try run.evaluate(on: data.split("test")).result as? GroundingMetrics)
  }

  @Test("finds moments that nothing told it, better than guesses do")
  func zeroShot() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let toy = try TimedToy(in: folder)
    let found = try metrics(toy.run(in: runs), toy.data)
    #expect(found.recalls(at: 0)[2] > 0.7, "\(found.values)")
    #expect(found.priors.map(\.name) == ["center", "best fixed window"])
    for prior in found.priors {
      #expect((prior.measures.last?.value ?? 1) < (found.measures.last?.value ?? 0), "\(prior)")
    }
  }

  @Test(
    "windows and the map learn where moments end",
    arguments: [
      ["terms": "coarse,fine,windows"],
      [
        "terms": "coarse,fine,map", "epochs": 80,
        "map": [
          "clips": 12, "counts": [3], "hidden": 32, "kernel": 3, "layers": 1, "min_iou": 0.5, "max_iou": 1,
        ],
      ],
    ] as [JSON])
  func fromTrueMoments(more: JSON) throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let toy = try TimedToy(in: folder)
    let found = try metrics(toy.run(more, in: runs), toy.data)
    #expect(found.recalls(at: 0)[2] > 0.8, "\(found.values)")
  }

  @Test("the losses of the released program go down, joined captions or not", arguments: [true, false])
  func released(joins: Bool) throws {
    let folder = try TemporaryFolder()
    let toy = try TimedToy(in: folder)
    let more: JSON = [
      "form": "official", "segments": 6, "projector": "head", "fine_weight": 10, "temporal_weight": 10,
      "join_captions": .bool(joins), "epochs": 10,
    ]
    let start = try Beginning(
      Learning(LocVTP.self, settings: TimedToy.settings(more), data: toy.data, split: "train", seed: 0) { _ in
      })
    let before = try start.loss(of: start.places, isTraining: false)
    #expect(before.parts.map(\.name) == ["coarse", "fine", "temporal", "shift"])
    let run = try toy.run(more, in: TemporaryFolder())
    let method = try #require(run.method as? LocVTP)
    let after = try method.loss(start.data.batch(at: start.places), Step(isTraining: false))
    #expect(try after.total.item(as: Double.self) < before.total.item())
  }

  @Test("the same run is measured as retrieval of whole videos where that is asked for")
  func retrieval() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let toy = try TimedToy(in: folder)
    let run = try toy.run(["epochs": 2], in: runs)
    let result = try run.evaluate(on: toy.data.split("test"), EvaluationOptions(searched: .full)).result
    #expect((result as? RetrievalResult)?.measures.contains { $0.name == "video_to_text.R@1" } == true)
    // Without moments there is nothing else to measure.
    let bare = try TimedToy(in: TemporaryFolder(), rate: nil, hasMoments: false)
    let other = try bare.run(["epochs": 1], in: TemporaryFolder())
    #expect(try other.evaluate(on: bare.data.split("test")).result is RetrievalResult)
  }

  @Test("terms are learned alone or together; only what they need is made")
  func terms() throws {
    let folder = try TemporaryFolder()
    let toy = try TimedToy(in: folder)
    for (terms, names) in [
      ("coarse", ["coarse"]), ("temporal, fine", ["fine", "temporal"]), ("windows", ["windows"]),
      ("coarse,fine,temporal", ["coarse", "fine", "temporal"]),
    ] {
      let learning = try Learning(
        LocVTP.self, settings: TimedToy.settings(["terms": .string(terms)]), data: toy.data, split: "train",
        seed: 0
      ) { _ in }
      let start = try Beginning(learning)
      #expect(try start.loss(of: start.places, isTraining: false).parts.map(\.name) == names)
      let method = try #require(start.method as? LocVTP)
      #expect((method.warp != nil) == terms.contains("temporal"))
      #expect((method.windows != nil) == (terms == "windows"))
    }
  }

  @Test("sentences about one video come together, each pair once an epoch")
  func batches() throws {
    let items = [3, 1, 3, 0, 1, 3, 2]
    let sampler = WholeItemSampler(items: items, batchSize: 4)
    let batches = try sampler.batches(epoch: 1, seed: 2)
    #expect(batches.count == sampler.batchesPerEpoch && batches.joined().sorted() == Array(items.indices))
    for batch in batches {
      for place in batch {
        #expect(items.indices.filter { items[$0] == items[place] }.allSatisfy(batch.contains))
      }
    }
    #expect(try WholeItemSampler(items: items, batchSize: 1).batches(epoch: 0, seed: 0).count == 4)
  }

  @Test("a word that most sentences have says nothing, unless a sentence has no other")
  func commonWords() throws {
    let folder = try TemporaryFolder()
    let toy = try TimedToy(in: folder)
    // "a" stands in a third of the sentences, every other word in fewer.
    let learning = try Learning(
      LocVTP.self, settings: TimedToy.settings(["common_share": 0.25]), data: toy.data, split: "train",
      seed: 0
    ) { _ in }
    let start = try Beginning(learning)
    let method = try #require(start.method as? LocVTP)
    let items = try start.data.items(side: 1, rows: 0..<2)
    // "a bell rings", then "a dog barks".
    let said = try method.said(items)
    #expect(said.words.lengths == [2, 2] && said.places == [1, 2, 1, 2])
    #expect(try method.said(items, keepsAll: true).words.lengths == [3, 3])
    guard case .tokens(let rows, _) = items else { return }
    let common = try rows.narrowed(to: 0..<1, along: 1)
    #expect(try method.said(.tokens(common, lengths: [1, 1])).words.lengths == [1, 1])
  }

  @Test("frames go through the convolutional encoder")
  func frames() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let toy = try TimedToy(in: folder, width: 64)
    let run = try toy.run(["frames": [8, 8, 1], "epochs": 1], in: runs)
    #expect(run.method.parameters.contains { $0.name == "videoEncoder.frames.conv1.weight" })
    #expect(try !run.evaluate(on: toy.data.split("test")).result.measures.isEmpty)
    #expect(
      try #require(message { _ = try toy.run(["frames": [8, 8, 3]], in: TemporaryFolder()) }).contains("64"))
  }

  @Test("what data or settings lack is told in a sentence before a run is begun")
  func refused() throws {
    let silent = try TimedToy(in: TemporaryFolder(), rate: nil)
    #expect(try #require(message { _ = try silent.run(in: TemporaryFolder()) }).contains("rate"))
    let untimed = try TimedToy(in: TemporaryFolder(), hasMoments: false)
    #expect(
      try #require(message { _ = try untimed.run(["terms": "coarse,windows"], in: TemporaryFolder()) })
        .contains("true moments"))
    for (settings, said) in [
      (["terms": "coarse,finer"], "terms"), (["frames": [8, 8]], "frames"), (["top_k": 0], "top_k"),
      (["stale_index_quirk": true], "stale_index_quirk"), (["map": ["kernel": 4]], "map.kernel"),
      (["map": ["min_iou": 0.9]], "map.min_iou"), (["map": ["clip": 4]], "map.clips"),
    ] as [(JSON, String)] {
      let told = message { _ = try LocVTP.Configuration(overrides: settings) }
      #expect(told?.contains(said) == true, "\(settings): \(told ?? "nothing")")
    }
  }

  @Test("moments of another rate than was learned are refused")
  func otherRate() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let toy = try TimedToy(in: folder)
    let run = try toy.run(["epochs": 1], in: runs)
    let other = try TimedToy(in: TemporaryFolder(), rate: 5)
    #expect(throws: EvaluationError.self) { try run.evaluate(on: other.data.split("test")) }
  }
}

@Suite("Moments in a curve")
struct MomentWindowsTests {
  @Test("the stretch that stands out is found, then what stands out of the rest")
  func zeroShot() {
    let curve = [0, 0, 0.9, 1, 0.8, 0, 0, 0.3, 0.35, 0]
    let found = MomentWindows.zeroShot(curve, count: 3)
    #expect(found.map(\.clips).prefix(2) == [2..<5, 7..<9])
    #expect(found.count == 3 && found.map(\.score) == found.map(\.score).sorted(by: >))
    // No two of them overlap.
    #expect(Set(found.flatMap(\.clips)).count == found.map(\.clips.count).reduce(0, +))
  }

  @Test("as many as there is room for, of any curve", arguments: [[], [1], [2, 2, 2]] as [[Double]])
  func small(curve: [Double]) {
    let found = MomentWindows.zeroShot(curve, count: 5)
    #expect(found.isEmpty == curve.isEmpty)
    #expect(MomentWindows.learned(curve.map { $0 - 3 }, count: 5).count == curve.count)
  }
}
