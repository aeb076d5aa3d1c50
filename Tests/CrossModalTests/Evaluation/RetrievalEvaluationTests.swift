import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Retrieval evaluation")
struct RetrievalEvaluationTests {
  /// Scores of few different values, so that ties abound; NaN here and there when wanted.
  static func scores(_ n: Int, _ m: Int, seed: UInt64, levels: Int = 5, withNaN: Bool = false) -> [[Double]] {
    var state = seed
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    return (0..<n).map { _ in
      (0..<m).map { _ in withNaN && next() % 9 == 0 ? .nan : Double(next() % levels) }
    }
  }

  static func tensor(_ scores: [[Double]]) throws -> Tensor {
    try Tensor(scores.flatMap { $0 }).reshaped(scores.count, scores.first?.count ?? 0)
  }

  /// What the rules say, by sorting and searching.
  struct Slow {
    var rank: Double?
    var averagePrecision: Double?
    var gain: Double?

    init(_ scores: [Double], paired: Set<Int>, relevant: Set<Int>, ties: TieRule) {
      func worth(_ item: Int) -> Double { scores[item].isNaN ? -.infinity : scores[item] }
      let others = scores.indices.filter { !paired.contains($0) }
      let possible = paired.map { item -> Double in
        if scores[item].isNaN { return Double(others.count + 1) }
        let better = others.count { scores[$0] > scores[item] }
        let equal = others.filter { scores[$0] == scores[item] }
        switch ties {
        case .optimistic: return Double(1 + better)
        case .pessimistic: return Double(1 + better + equal.count)
        case .mean: return 1 + Double(better) + Double(equal.count) / 2
        case .index: return Double(1 + better + equal.count { $0 < item })
        }
      }
      rank = possible.min()
      let order = scores.indices.sorted { a, b in
        if worth(a) != worth(b) { return worth(a) > worth(b) }
        if scores[a].isNaN != scores[b].isNaN { return scores[b].isNaN }
        if scores[a].isNaN, relevant.contains(a) != relevant.contains(b) { return relevant.contains(b) }
        return a < b
      }
      guard !relevant.isEmpty else { return }
      var hits = 0
      var precision = 0.0
      var found = 0.0
      var best = 0.0
      for (place, item) in order.enumerated() where relevant.contains(item) {
        hits += 1
        precision += Double(hits) / Double(place + 1)
        found += 1 / log2(Double(place) + 2)
        best += 1 / log2(Double(hits) + 1)
      }
      averagePrecision = precision / Double(hits)
      gain = found / best
    }
  }

  static func expectEqual(_ found: [QueryResult], _ expected: [Slow]) {
    #expect(found.count == expected.count)
    for (query, slow) in zip(found, expected) {
      #expect(query.rank == slow.rank)
      #expect((query.averagePrecision == nil) == (slow.averagePrecision == nil))
      #expect(abs((query.averagePrecision ?? 0) - (slow.averagePrecision ?? 0)) < 1e-12)
      #expect(abs((query.gain ?? 0) - (slow.gain ?? 0)) < 1e-12)
    }
  }

  @Test(
    "equals sorting and searching, for every tie rule, with captions, NaN and classes",
    arguments: TieRule.allCases, [false, true])
  func equalsTheSlowReference(ties: TieRule, labeled: Bool) throws {
    let (n, m) = (17, 70)
    let table = Self.scores(n, m, seed: 5, withNaN: true)
    let pairs = (0..<m).filter { $0 % 7 != 3 }.map { ($0 * 5 % n, $0) }
    let classes = ((0..<n).map { $0 % 3 }, (0..<m).map { $0 * $0 % 4 })
    let truth = try RetrievalTruth(
      first: n, second: m, pairs: pairs, labels: labeled ? (classes.0, classes.1) : (nil, nil))
    let metrics = try RetrievalEvaluation(ties: ties, blockSize: 3 * 4 * m).metrics(
      of: ScoreSource(Self.tensor(table)), truth: truth)
    Self.expectEqual(
      metrics.forward.queries,
      (0..<n).map { x in
        let paired = Set(pairs.filter { $0.0 == x }.map(\.1))
        let same = Set((0..<m).filter { classes.1[$0] == classes.0[x] })
        return Slow(table[x], paired: paired, relevant: labeled ? same : paired, ties: ties)
      })
    Self.expectEqual(
      metrics.backward.queries,
      (0..<m).map { y in
        let paired = Set(pairs.filter { $0.1 == y }.map(\.0))
        let same = Set((0..<n).filter { classes.0[$0] == classes.1[y] })
        return Slow(table.map { $0[y] }, paired: paired, relevant: labeled ? same : paired, ties: ties)
      })
  }

  @Test("summaries are the percentages, medians and means of the ranks")
  func summary() throws {
    // Ranks 1, 2, 3 and 4 of the first modality's items.
    let table: [[Double]] = [[9, 1, 1, 1], [9, 8, 1, 1], [9, 8, 7, 1], [9, 8, 7, 6]]
    let metrics = try RetrievalEvaluation().metrics(
      of: ScoreSource(Self.tensor(table)), truth: RetrievalTruth(first: 4, second: 4))
    #expect(metrics.forward.queries.map(\.rank) == [1, 2, 3, 4])
    let summary = metrics.forward.summary
    #expect(summary.recalls == [25, 100, 100])
    #expect(summary.medianRank == 2)
    #expect(summary.meanRank == 2.5)
    #expect(abs((summary.meanReciprocalRank ?? 0) - (1 + 0.5 + 1.0 / 3 + 0.25) / 4) < 1e-12)
    #expect(summary.meanAveragePrecision == summary.meanReciprocalRank)
    #expect(metrics.forward.worst(2).map(\.row) == [3, 2])
    #expect(metrics.forward.best(1).map(\.row) == [0])
    #expect(metrics.forward.queries.map(\.top) == [0, 0, 0, 0])
  }

  @Test("a perfect model has 600, a constant or broken one is the worst")
  func extremes() throws {
    let truth = try RetrievalTruth.consecutive(5, first: 12)
    let perfect = (0..<12).map { x in (0..<60).map { $0 / 5 == x ? 1.0 : 0 } }
    #expect(
      try RetrievalEvaluation().metrics(of: ScoreSource(Self.tensor(perfect)), truth: truth).rsum == 600)
    for value in [1.0, .nan, -.infinity] {
      let flat = [[Double]](repeating: [Double](repeating: value, count: 60), count: 12)
      let metrics = try RetrievalEvaluation().metrics(of: ScoreSource(Self.tensor(flat)), truth: truth)
      #expect(metrics.rsum == 0)
      #expect(metrics.forward.summary.medianRank == 56)
      #expect(metrics.backward.summary.meanRank == 12)
    }
    let broken = [[Double]](repeating: [Double](repeating: .nan, count: 60), count: 12)
    for ties in TieRule.allCases {
      let metrics = try RetrievalEvaluation(ties: ties).metrics(
        of: ScoreSource(Self.tensor(broken)), truth: truth)
      #expect(metrics.rsum == 0)
    }
  }

  @Test("folds are the mean of single evaluations, also when captions are out of order")
  func folds() throws {
    let (n, m, size) = (14, 42, 4)
    let table = Self.scores(n, m, seed: 3, levels: 50)
    let pairs = (0..<m).map { ($0 * 11 % n, $0) }
    let whole = try RetrievalEvaluation(protocol: .folds(size: size)).metrics(
      of: ScoreSource(Self.tensor(table)), truth: RetrievalTruth(first: n, second: m, pairs: pairs))
    var sum = 0.0
    for fold in 0..<3 {
      let rows = fold * size..<(fold + 1) * size
      let columns = (0..<m).filter { column in pairs.contains { $0.1 == column && rows.contains($0.0) } }
      let inside = columns.enumerated().map { place, column in (pairs[column].0 - rows.lowerBound, place) }
      let part = rows.map { row in columns.map { table[row][$0] } }
      sum +=
        try RetrievalEvaluation().metrics(
          of: ScoreSource(Self.tensor(part)),
          truth: RetrievalTruth(first: size, second: columns.count, pairs: inside)
        ).rsum ?? 0
    }
    #expect(abs((whole.rsum ?? 0) - sum / 3) < 1e-9)
    #expect(whole.protocol == "3 second items a first, mean of 3 folds of 4 (2 left out), ties pessimistic")
    #expect(whole.backward.queries.allSatisfy { pairs[$0.row].0 / size == $0.fold })
    #expect(throws: EvaluationError.tooSmallForFolds(rows: 14, size: 20)) {
      try RetrievalEvaluation(protocol: .folds(size: 20)).metrics(
        of: ScoreSource(Self.tensor(table)), truth: RetrievalTruth(first: n, second: m, pairs: pairs))
    }
  }

  @Test("a fold without pairs takes nothing from those that have some", arguments: [false, true])
  func emptyFold(keepsScores: Bool) throws {
    let scores = try ScoreSource(Self.tensor(Self.scores(24, 24, seed: 4)))
    var evaluation = RetrievalEvaluation(protocol: .folds(size: 12))
    evaluation.keepsScores = keepsScores
    let pairs = (12..<24).map { ($0, $0) }
    let folds = try evaluation.metrics(of: scores, truth: RetrievalTruth(first: 24, second: 24, pairs: pairs))
    let second = ScoreSource(first: 12, second: 12) { rows, columns in
      try scores.scores(
        rows: rows.lowerBound + 12..<rows.upperBound + 12,
        columns: columns.lowerBound + 12..<columns.upperBound + 12)
    }
    let alone = try RetrievalEvaluation().metrics(of: second, truth: RetrievalTruth(first: 12, second: 12))
    #expect(folds.forward.summary == alone.forward.summary && alone.forward.summary.recalls != nil)
    #expect(folds.backward.summary == alone.backward.summary)
  }

  @Test("a table that the disk has no room for is refused before anything is written")
  func noRoom() {
    #expect(throws: EvaluationError.noRoom(bytes: 1 << 43)) {
      try ScoreTable<Double>(rows: 1 << 20, columns: 1 << 20, memoryLimit: 1 << 20)
    }
  }

  @Test("scores beyond the memory limit go through a file and change nothing")
  func memoryLimit() throws {
    let table = try Self.tensor(Self.scores(30, 90, seed: 9, levels: 7)).to(.float32)
    // Classes decide, so that the scores are kept.
    let truth = try RetrievalTruth(
      first: 30, second: 90, pairs: (0..<90).map { ($0 / 3, $0) }, labels: ((0..<30).map { $0 % 4 }, nil))
    let inMemory = try RetrievalEvaluation().metrics(of: ScoreSource(table), truth: truth)
    let inFile = try RetrievalEvaluation(memoryLimit: 0, blockSize: 1).metrics(
      of: ScoreSource(table), truth: truth)
    #expect(inMemory == inFile)
  }

  @Test("the JSON has the contract's names in its order, and the protocol is a sentence")
  func json() throws {
    let perfect = (0..<12).map { x in (0..<60).map { $0 / 5 == x ? 1.0 : 0 } }
    let metrics = try RetrievalEvaluation().metrics(
      of: ScoreSource(Self.tensor(perfect)), truth: .consecutive(5, first: 12),
      modalities: ["image", "text"])
    #expect(metrics.protocol == "5 captions an image, full set, ties pessimistic")
    #expect(metrics.countsJSON.text() == #"{"image": 12, "text": 60}"#)
    #expect(metrics.json.members?.map(\.key) == ["image_to_text", "text_to_image", "rsum"])
    let keys = metrics.json["image_to_text"]?.members?.map(\.key)
    #expect(keys == ["R@1", "R@5", "R@10", "MedR", "MeanR", "mAP", "nDCG", "MRR"])
    #expect(metrics.json["image_to_text"]?["MedR"] == .int(1))
  }

  @Test("labels alone give mAP without recalls; unlabelled rows take the class of their pair")
  func labels() throws {
    let table: [[Double]] = [[3, 2, 1], [1, 2, 3]]
    let unpaired = try RetrievalEvaluation().metrics(
      of: ScoreSource(Self.tensor(table)),
      truth: RetrievalTruth(first: 2, second: 3, labels: ([0, 1], [0, 1, 1])))
    #expect(unpaired.rsum == nil)
    #expect(unpaired.forward.summary.meanAveragePrecision == 1)
    #expect(unpaired.protocol == "full set, ties pessimistic, mAP over items of the same class")
    let inherited = try RetrievalEvaluation().metrics(
      of: ScoreSource(Self.tensor(table)),
      truth: RetrievalTruth(first: 2, second: 3, pairs: [(0, 0), (1, 1), (1, 2)], labels: ([0, 1], nil)))
    #expect(inherited.forward.summary.meanAveragePrecision == 1)
    #expect(inherited.forward.meanAveragePrecision(byClass: [0, 1]) == [0: 1, 1: 1])
  }

  @Test("precision at eleven recalls is the highest at that recall or beyond")
  func precisionRecall() throws {
    let table = Self.scores(6, 40, seed: 21, levels: 1000)
    let labels = ((0..<6).map { $0 % 2 }, (0..<40).map { $0 % 3 })
    let curve = try RetrievalEvaluation().metrics(
      of: ScoreSource(Self.tensor(table)), truth: RetrievalTruth(first: 6, second: 40, labels: labels)
    ).forward.precisionRecall
    var expected = [Double](repeating: 0, count: 11)
    var precision = [Double](repeating: 0, count: 40)
    for query in 0..<6 {
      let order = (0..<40).sorted { (-table[query][$0], $0) < (-table[query][$1], $1) }
      let total = order.count { labels.1[$0] == labels.0[query] }
      for level in 0...10 {
        var best = 0.0
        var hits = 0
        for (place, item) in order.enumerated() where labels.1[item] == labels.0[query] {
          hits += 1
          if 10 * hits >= level * total { best = max(best, Double(hits) / Double(place + 1)) }
        }
        expected[level] += best / 6
      }
      var hits = 0.0
      for (place, item) in order.enumerated() {
        hits += labels.1[item] == labels.0[query] ? 1 : 0
        precision[place] += hits / Double(place + 1) / 6
      }
    }
    let found = try #require(curve)
    #expect(zip(found.elevenPoints, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(zip(found.precision, precision).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(abs((found.recall.last ?? 0) - 1) < 1e-12)
  }

  @Test("what cannot be evaluated is refused in one sentence")
  func errors() throws {
    #expect(throws: EvaluationError.noTruth(first: 2, second: 3)) { try RetrievalTruth(first: 2, second: 3) }
    #expect(throws: EvaluationError.pairOutOfRange(pair: 1, row: 7, count: 3, side: 1)) {
      try RetrievalTruth(first: 2, second: 3, pairs: [(0, 0), (1, 7)])
    }
    let many = Int.max / 2
    #expect(throws: EvaluationError.captionCount(many, first: 12, second: 60)) {
      try RetrievalTruth.consecutive(many, first: 12, second: 60)
    }
    #expect(throws: EvaluationError.captionCount(many, first: 12, second: nil)) {
      try RetrievalTruth.consecutive(many, first: 12)
    }
    #expect(throws: EvaluationError.captionCount(6, first: 12, second: 60)) {
      try RetrievalTruth.consecutive(6, first: 12, second: 60)
    }
    #expect(throws: EvaluationError.labelCount(labels: 1, rows: 2, side: 0)) {
      try RetrievalTruth(first: 2, second: 2, labels: ([0], nil))
    }
    #expect(throws: EvaluationError.badBlock(shape: [2, 2], expected: [2, 3])) {
      try RetrievalEvaluation().metrics(
        of: ScoreSource(first: 2, second: 3) { rows in try Tensor.zeros([rows.count, 2]) },
        truth: RetrievalTruth(first: 2, second: 3, pairs: [(0, 0)]))
    }
    #expect(throws: EvaluationError.noQueries) {
      try RetrievalEvaluation().metrics(
        of: ScoreSource(Tensor.zeros([2, 3])), truth: RetrievalTruth(first: 2, second: 3, pairs: []))
    }
    #expect(throws: EvaluationError.self) { try TieRule(named: "lucky") }
    #expect(throws: EvaluationError.self) { try RetrievalProtocol(named: "2k") }
    #expect(try RetrievalProtocol(named: "1k") == .folds(size: 1000))
    #expect(try RetrievalProtocol(named: "folds:200") == .folds(size: 200))
  }
}
