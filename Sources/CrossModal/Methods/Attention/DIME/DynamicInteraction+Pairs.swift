import Torch

extension DynamicInteraction {
  /// Numbers that the local features of the pairs of one block should not exceed.
  private static let blockCount = 1 << 18
  /// Partners whose fragments go through the maps at a time.
  private static let partnerCount = 256

  /// Local features of items: sets or texts of any lengths.
  struct Items {
    /// `[n, l, d]`.
    var features: Tensor
    var lengths: [Int]
  }

  /// All pairs of items and partners, with items of one length together.
  private struct Pairs {
    /// Items in the order of their lengths.
    let items: [Int]
    let lengths: [Int]
    let partners: Int

    init(_ lengths: [Int], partners: Int) {
      items = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
      self.lengths = items.map { lengths[$0] }
      self.partners = partners
    }

    var count: Int { items.count * partners }

    /// Parts of a range whose items have one length.
    func runs(_ range: Range<Int>) -> [Range<Int>] {
      var runs: [Range<Int>] = []
      var start = range.lowerBound
      while start < range.upperBound {
        let length = lengths[start / partners]
        let next = lengths[(start / partners)...].firstIndex { $0 != length } ?? lengths.count
        let end = min(range.upperBound, next * partners)
        runs.append(start..<end)
        start = end
      }
      return runs
    }

    func partners(_ range: Range<Int>) throws(TorchError) -> Tensor {
      try Tensor(range.map { $0 % partners })
    }
  }

  /// Outputs and paths of some pairs whose items have one length.
  private func outcome(
    _ range: Range<Int>, of pairs: Pairs, _ items: Items, _ partners: Partners
  ) throws -> Outcome {
    let some = range.lowerBound / pairs.partners...(range.upperBound - 1) / pairs.partners
    let device = items.features.device
    let features = try items.features.rows(at: some.map { pairs.items[$0] })
      .narrowed(to: 0..<pairs.lengths[some.lowerBound], along: 1)
    let places = try Tensor(range.map { $0 / pairs.partners - some.lowerBound }).to(device)
    return try self(
      locals(features).rows(at: places), partners.rows(at: pairs.partners(range).to(device)))
  }

  private func blockSize(_ items: Items) -> Int {
    max(1, Self.blockCount / (items.features.size(along: 1) * items.features.size(along: 2)))
  }

  /// Scores of every item with local features against every partner, `[n, m]`, without a graph.
  func scores(_ items: Items, _ partners: InteractionPartners) throws -> Tensor {
    try withoutGradient {
      let count = partners.global.size(along: 0)
      let columns = try stride(from: 0, to: count, by: Self.partnerCount).map { start in
        let some = Array(start..<min(start + Self.partnerCount, count))
        return try scoresOfBlock(items, partners.rows(at: Tensor(some).to(partners.global.device)))
      }
      return try Tensor.concatenated(columns, along: 1)
    }
  }

  private func scoresOfBlock(_ items: Items, _ partners: InteractionPartners) throws -> Tensor {
    let pairs = Pairs(items.lengths, partners: partners.global.size(along: 0))
    let all = try self.partners(partners)
    var found: [Tensor] = []
    for start in stride(from: 0, to: pairs.count, by: blockSize(items)) {
      for run in pairs.runs(start..<min(start + blockSize(items), pairs.count)) {
        let refined = try outcome(run, of: pairs, items, all).refined()
        let global = try partners.global.rows(at: pairs.partners(run).to(refined.device))
        found.append(try scores(refined, global, .evaluation))
      }
    }
    return try sorted(Tensor.concatenated(found), pairs)
  }

  /// What stands for pairs, as rows of their items: `[n, m, …]`.
  private func sorted(_ values: Tensor, _ pairs: Pairs) throws -> Tensor {
    var places = pairs.items
    for (place, item) in pairs.items.enumerated() { places[item] = place }
    return try values.reshaped(to: [pairs.items.count, pairs.partners] + values.shape.dropFirst())
      .rows(at: places)
  }

  /// The loss of a batch in the memory of a block: statistics are those of all pairs, and the ways of the pairs are walked
  /// once without a graph and once, a block at a time, with the gradient of what came of them.
  ///
  /// - Parameters:
  ///   - block: pairs of a block; nil for as many as memory should hold.
  ///   - objective: of the scores `[n, m]` and the mean path of each item `[n, 36]`.
  func loss(
    _ items: Items, _ partners: InteractionPartners, _ pass: Pass, block: Int? = nil,
    _ objective: (_ scores: Tensor, _ paths: Tensor) throws -> ObjectiveValue
  ) throws -> ObjectiveValue {
    let pairs = Pairs(items.lengths, partners: partners.global.size(along: 0))
    let longest = items.features.size(along: 1)
    func walked(_ range: Range<Int>) throws -> [Tensor] {
      let all = try self.partners(partners)
      var (refined, paths): ([Tensor], [Tensor]) = ([], [])
      for run in pairs.runs(range) {
        let outcome = try outcome(run, of: pairs, items, all)
        let locals = try outcome.refined()
        refined.append(try locals.padded([0, 0, 0, longest - locals.size(along: 1)]))
        paths.append(try outcome.paths())
      }
      return [try Tensor.concatenated(refined), try Tensor.concatenated(paths)]
    }
    func value(_ walked: [Tensor]) throws -> ObjectiveValue {
      let scores = try scores(walked[0], pairs, partners.global, pass)
      return try objective(sorted(scores, pairs), sorted(walked[1], pairs).mean(along: 1))
    }
    let inputs = [items.features, partners.contexts].filter(\.requiresGradient)
    guard !inputs.isEmpty else { return try value(walked(0..<pairs.count)) }
    return try GradientCache.value(
      count: pairs.count, chunk: block ?? blockSize(items),
      parameters: inputs + parameters.map(\.tensor).filter(\.requiresGradient), encode: walked,
      objective: value)
  }

  /// Scores of all pairs by the statistics of what is no padding.
  private func scores(_ refined: Tensor, _ pairs: Pairs, _ global: Tensor, _ pass: Pass) throws -> Tensor {
    let (longest, width) = (refined.size(along: 1), refined.size(along: 2))
    let runs = pairs.runs(0..<pairs.count)
    let partners = try pairs.partners(0..<pairs.count).to(refined.device)
    guard runs.count > 1 else { return try scores(refined, global.rows(at: partners), pass) }
    let places = runs.flatMap { run in
      run.flatMap { pair in (0..<pairs.lengths[pair / pairs.partners]).map { pair * longest + $0 } }
    }
    let rows = try normalized(refined.flattened(to: 1).rows(at: places), pass)
    var (found, start): ([Tensor], Int) = ([], 0)
    for run in runs {
      let length = pairs.lengths[run.lowerBound / pairs.partners]
      let end = start + run.count * length
      found.append(
        try cosines(rows[start..<end].reshaped(run.count, length, width), global.rows(at: partners[run])))
      start = end
    }
    return try Tensor.concatenated(found)
  }
}
