import Torch

/// What is measured on held-out pairs in the course of training.
struct HeldOutMeasures {
  let held: any TrainingSet
  let training: any TrainingSet
  let configuration: TrainingConfiguration
  let device: Device
  let dtype: DataType?

  /// Rows that are encoded at a time.
  private static let block = 512

  /// The method's own measures; else retrieval metrics of an alignment of two modalities; else the mean loss.
  /// The first is the one that weights are chosen by unless the user names another.
  func of(_ method: any Trainable, seed: UInt64) throws -> [Measure] {
    try withoutGradient {
      if let own = try own(method, held, training) { return own }
      if let alignment = method as? any Alignment, held.description.modalities.count == 2 {
        return try retrieval(alignment)
      }
      return try [loss(method, seed: seed)]
    }
  }

  /// What ``of(_:seed:)`` will call its measures; nil where only measuring shows it.
  func names(of method: any Trainable) throws -> [String]? {
    let modalities = held.description.modalities.map(\.name)
    guard method is any Alignment, modalities.count == 2 else { return nil }
    let labels = (0..<2).map { held.labels(side: $0).map { _ in [0, 1] } }
    let truth = try RetrievalTruth(
      first: 2, second: 2, pairs: [(0, 0), (1, 1)], labels: (labels[0], labels[1]))
    let metrics = try RetrievalEvaluation().metrics(
      of: ScoreSource(Tensor.identity(2)), truth: truth, modalities: modalities)
    return measures(from: metrics).map(\.name)
  }

  private func own(
    _ method: some Trainable, _ held: some TrainingSet, _ training: some TrainingSet
  ) throws -> [Measure]? { try method.measures(on: held, training: training) }

  private func retrieval(_ method: some Alignment) throws -> [Measure] {
    var parts: [[Features]] = [[], []]
    var numbers: [[Int: Int]] = [[:], [:]]
    var pairs: [(Int, Int)] = []
    let classes = (0..<2).map { held.labels(side: $0) }
    var labels = classes.map { $0.map { _ in [Int]() } }
    try held.forEachChunk(rows: Self.block) { batch in
      let batch = try batch.to(device, dtype)
      for side in 0..<2 {
        // Items of several pairs are encoded once.
        var fresh: [Int] = []
        for (place, row) in batch.rows[side].enumerated() where numbers[side][row] == nil {
          numbers[side][row] = numbers[side].count
          fresh.append(place)
        }
        guard !fresh.isEmpty else { continue }
        if let own = classes[side] { labels[side]? += fresh.map { own[batch.rows[side][$0]] } }
        let items = fresh.count == batch.count ? batch.items[side] : try batch.items[side].rows(at: fresh)
        parts[side].append(try method.encode(items, side: side))
      }
      for (x, y) in zip(batch.rows[0], batch.rows[1]) {
        pairs.append((numbers[0][x] ?? 0, numbers[1][y] ?? 0))
      }
    }
    let truth = try RetrievalTruth(
      first: numbers[0].count, second: numbers[1].count, pairs: pairs,
      labels: (labels[0], labels[1]))
    let metrics = try RetrievalEvaluation().metrics(
      of: method, Features(joining: parts[0]), Features(joining: parts[1]), truth: truth,
      modalities: held.description.modalities.map(\.name))
    return measures(from: metrics)
  }

  private var hasLabels: Bool { (0..<2).contains { held.labels(side: $0) != nil } }

  private func measures(from metrics: RetrievalMetrics) -> [Measure] {
    let all = metrics.values.map {
      Measure($0.name, $0.value, increases: !$0.name.hasSuffix("MedR") && !$0.name.hasSuffix("MeanR"))
    }
    // Where there are labels, mAP is what the field goes by; else the sum of recalls.
    let precisions = all.filter { $0.name.hasSuffix(".mAP") }
    let first =
      hasLabels && precisions.count == 2
      ? Measure("mAP", precisions.map(\.value).reduce(0, +) / 2) : all.first { $0.name == "rsum" }
    return (first.map { [$0] } ?? []) + all.filter { $0.name != first?.name } + meanRecall(all)
  }

  /// The mean of R@1, R@5 and R@10 of both directions, each rounded to 0.1 first, as programs of two branches choose
  /// weights by; none without pairs.
  private func meanRecall(_ measures: [Measure]) -> [Measure] {
    let recalls = measures.filter { $0.name.contains(".R@") }.map { ($0.value * 10).rounded() / 10 }
    return recalls.isEmpty ? [] : [Measure("mR", recalls.reduce(0, +) / Double(recalls.count))]
  }

  private func loss(_ method: some Trainable, seed: UInt64) throws -> Measure {
    var means = RunningMeans()
    let size = configuration.batchSize ?? held.count
    try held.forEachChunk(rows: size) { batch in
      let step = try Step(isTraining: false, seed: seed, training: configuration, device: device)
      let value: Double = try method.loss(batch.to(device, dtype), step).total.item()
      means.add(value, weight: Double(batch.count), to: "loss")
    }
    return Measure("loss", means.values.first?.value ?? .infinity, increases: false)
  }
}
