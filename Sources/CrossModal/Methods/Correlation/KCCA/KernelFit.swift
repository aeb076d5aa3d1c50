import Foundation
import Torch

/// One fit of a ``KCCA``: chooses the form, solves, keeps the result and writes the report.
struct KernelFit<Data: TrainingSet> {
  private let method: KCCA
  private let data: Data
  private let seed: UInt64
  private let widths: [Int]
  private var configuration: KCCA.Configuration { method.configuration }
  private var views: [String] { method.views }

  init(_ method: KCCA, data: Data, seed: UInt64) throws {
    self.method = method
    self.data = data
    self.seed = seed
    widths = try rowsOfViews(data.batch(at: [0]), method.views).map { $0.size(along: 1) }
  }

  func run() throws {
    let (solver, line) = configuration.chosenSolver(pairs: data.count, widths: widths)
    for side in 0..<2 where configuration.kernel[side].type == .precomputed && widths[side] != data.count {
      throw KernelError.notSquare(view: views[side], rows: data.count, columns: widths[side])
    }
    try checkMemory(solver)
    var report = FitReport(facts: ["pairs": .int(data.count), "solver": .string(line)])
    if solver == .exact { try exact(&report) } else { try byFeatures(solver, &report) }
    method.fitReport = report
  }

  /// Bytes that a solver takes at most, roughly: what it keeps and what is made on the way.
  private func checkMemory(_ solver: KCCA.Solver) throws {
    let n = data.count
    let sizes = (0..<2).map { side in
      if configuration.kernel[side].type == .none { return widths[side] }
      switch solver {
      case .pgso: return min(n, configuration.maxRank)
      case .nystrom: return min(n, configuration.landmarks)
      default: return configuration.features
      }
    }
    let total = sizes.reduce(0, +)
    let (squares, overflow) = n.multipliedReportingOverflow(by: n)
    let needed =
      switch solver {
      case .exact, .auto: overflow ? Int.max : squares > Int.max / 64 ? Int.max : 64 * squares
      case .pgso: 8 * (2 * n * total + n * widths.reduce(0, +) + 4 * total * total)
      case .nystrom, .rff: 8 * (5 * total * total + (1 << 25))
      }
    let limit = configuration.memoryLimit ?? Int(clamping: ProcessInfo.processInfo.physicalMemory / 2)
    guard needed <= limit else {
      throw KernelError.tooLarge(needed: needed, limit: limit, solver: solver.rawValue)
    }
  }

  /// The rows of a batch; a number that is not finite is an error that names the row of the data.
  private func rows(of batch: Batch) throws -> [Tensor] {
    let rows = try rowsOfViews(batch, views)
    for (side, view) in views.enumerated() {
      do {
        try checkFinite(rows[side], view: view)
      } catch CorrelationError.notFinite(_, let row, let column) {
        throw CorrelationError.notFinite(view: view, row: batch.rows[side][row], column: column)
      }
    }
    return rows
  }

  /// The kernel settings of both views with every number filled in.
  private func settings(for rows: () throws -> [Tensor]) throws -> [KernelSetting] {
    let stated = try (0..<2).map { try configuration.completed(configuration.kernel[$0], side: $0, for: nil) }
    guard stated.contains(where: \.lacksGamma) else { return stated }
    let sample = try rows()
    return try (0..<2).map { try configuration.completed(stated[$0], side: $0, for: sample[$0]) }
  }

  /// Rows that choose a bandwidth, as kernels see them: all up to 5000, else 2000 drawn by the seed.
  private func sample(_ scales: [Tensor]) throws -> [Tensor] {
    try seen(rows(of: data.count <= 5000 ? data.all() : data.sample(2000, seed: seed)), scales)
  }

  /// What the columns of each view are multiplied by before its kernel, found in a pass over the rows; empty for a view
  /// whose columns stay.
  private func scales() throws -> [Tensor] {
    let isScaled = (0..<2).map { side in
      configuration.scale != .none && ![.none, .precomputed].contains(configuration.kernel[side].type)
    }
    guard isScaled.contains(true) else { return try [0, 1].map { _ in try Tensor.zeros([0], .float64) } }
    var moments = try widths.map { try ColumnMoments($0) }
    try data.forEachChunk(rows: 8192) { batch in
      for (side, own) in try rows(of: batch).enumerated() { try moments[side].add(own) }
    }
    return try isScaled.enumerated().map { side, isScaled in
      guard isScaled else { return try Tensor.zeros([0], .float64) }
      let deviation = try moments[side].deviation(correction: 1)
      return try configuration.scale.factors(
        variances: deviation.squared(), constant: deviation .<= (moments[side].mean.magnitude() * 1e-12))
    }
  }

  /// Rows as kernels see them.
  private func seen(_ rows: [Tensor], _ scales: [Tensor]) throws -> [Tensor] {
    try zip(rows, scales).map { rows, scale in scale.count > 0 ? try rows.to(.float64) * scale : rows }
  }

  private var components: ComponentRequest {
    // A centered kernel matrix has one direction less than rows.
    configuration.k.request(most: min(KCCA.mostComponents, data.count - 1), clip: configuration.clip)
  }

  /// What components are multiplied by before they are compared; ones where they stay.
  private func weights(of rho: Tensor) throws -> Tensor {
    configuration.rhoPower == nil ? try CanonicalWeights.odds(rho) : try rho.onesLike()
  }

  private func keep(_ expansions: [KernelExpansion], _ settings: [KernelSetting], rho: Tensor) throws {
    (method.pointsX, method.pointsY) = (expansions[0].points, expansions[1].points)
    (method.scaleX, method.scaleY) = (expansions[0].scale, expansions[1].scale)
    (method.phasesX, method.phasesY) = (expansions[0].phases, expansions[1].phases)
    (method.gammaX, method.gammaY) = (try Tensor(settings[0].gammas), try Tensor(settings[1].gammas))
    (method.meanX, method.meanY) = (expansions[0].mean, expansions[1].mean)
    (method.alpha, method.beta) = (expansions[0].weight, expansions[1].weight)
    method.rho = rho
  }

  private func keep(_ prediction: RatingPrediction?) throws {
    method.ratingMean = try prediction?.mean ?? Tensor.zeros([0], .float64)
    method.ratingWeight = try prediction?.weight ?? Tensor.zeros([0, 0], .float64)
  }

  // MARK: - Exact

  private func exact(_ report: inout FitReport) throws {
    let rows = try rows(of: data.all())
    let scales = try scales()
    let seen = try seen(rows, scales)
    let settings = try settings { data.count <= 5000 ? seen : try sample(scales) }
    let kernels = try settings.map { try $0.kernel() }
    var grams: [CenteredGram?] = []
    let sides = try seen.indices.map { side in
      guard let kernel = kernels[side] else {
        grams.append(nil)
        let columns = try rows[side].to(.float64)
        return KernelView.columns(try columns - columns.mean(along: 0))
      }
      let values = try kernel.gram(seen[side])
      if kernel is PrecomputedKernel { try checkSymmetric(values, view: views[side]) }
      let centered = try CenteredGram(values)
      grams.append(centered)
      return .gram(centered.values)
    }
    let ridges = try grams.enumerated().map { side, gram in
      configuration.ridge(of: side, trace: try gram?.values.trace().item() ?? 0, rows: data.count)
    }
    let solution = try KernelCorrelation(
      sides, ridges: ridges, names: views, components: components, rankTolerance: configuration.rankRtol,
      chanceSeed: seed)
    let k = solution.weights[0].size(along: 1)
    let rho = try solution.correlations[0..<k].copied()
    let factors = try weights(of: rho)
    let none = try Tensor.zeros([0], .float64)
    let expansions = try rows.indices.map { side in
      let own = try solution.weights[side] * factors
      guard let kernel = kernels[side], let gram = grams[side] else {
        return KernelExpansion(
          kernel: nil, points: try Tensor.zeros([0, widths[side]], .float64), scale: none, phases: none,
          mean: try rows[side].to(.float64).mean(along: 0), weight: own)
      }
      // Weights sum to 0 but for rounding; made exact, they take the mean of a new row's values out by themselves.
      let weight = try own - own.mean(along: 0)
      let points =
        kernel is PrecomputedKernel
        ? try kernel.points(rows[side], at: Array(0..<data.count)) : try seen[side].to(.float64)
      return KernelExpansion(
        kernel: kernel, points: points, scale: scales[side], phases: none, mean: gram.columnMeans,
        weight: weight)
    }
    try keep(expansions, settings, rho: rho)
    try keep(
      targets(second: rows[1]).map {
        try RatingPrediction(scores: solution.scores[0] * factors, ratings: $0)
      })

    report.add("route", .string(solution.route.rawValue))
    report.add("ranks", named(solution.ranks.map(JSON.int)))
    describe(&report, settings)
    let achieved = try pearsonCorrelations(solution.scores[0], solution.scores[1]).values(as: Double.self)
    let found = try rho.values(as: Double.self)
    KernelFit.finish(&report, rho: found, achieved: achieved)
    if let chance = solution.chance {
      report.add("chance_total", .double(chance))
      let total = found.prefix(KernelCorrelation.chanceComponents).reduce(0, +)
      if chance > 0.5 * total {
        report.warnings.append(
          "the same rows paired at random reach a total of \(rounded(chance)) beside "
            + "\(rounded(total)): most of it is fitted to noise; a larger ridge or more pairs help"
        )
      }
    }
    for (view, count) in zip(views, solution.negative) where count > 0 {
      report.warnings.append(
        "the kernel of \(view) is no inner product: \(count) negative eigenvalues were cut")
    }
    if solution.trivial > 0 {
      report.warnings.append(
        "at least \(solution.trivial) correlations are 1 whatever the data"
          + (k < solution.trivial ? "; which \(k) of their components were kept is arbitrary" : ""))
    }
    if solution.excess > 1e-8 {
      report.warnings.append("a correlation exceeded 1 by \(solution.excess) and was set to 1")
    }
  }

  private func checkSymmetric(_ values: Tensor, view: String) throws {
    let limit = try values.magnitude().max().item(as: Double.self) * 1e-8
    let bad = try ((values - values.transposed()).magnitude() .> limit).nonZero()
    guard bad.count == 0 else {
      let place = try bad[0].values(as: Int.self)
      throw KernelError.notSymmetric(view: view, row: place[0], column: place[1])
    }
  }

  /// What is to be predicted of every pair, `[n, c]`; nil for nothing.
  private func targets(second: Tensor) throws -> Tensor? {
    switch configuration.predict {
    case .none: nil
    case .ratings: try second.to(.float64)
    case .labels: try oneHot(data.labels ?? [])
    }
  }

  private func oneHot(_ labels: [Int]) throws -> Tensor {
    if let bad = labels.firstIndex(where: { $0 < 0 }) {
      throw KernelError.unsupported("pair \(bad) has label \(labels[bad]); labels count from 0")
    }
    return try Tensor(labels).oneHot(classes: classes).to(.float64)
  }

  private var classes: Int { max(data.description.classes ?? 0, (data.labels?.max() ?? -1) + 1) }

  // MARK: - By features

  private func byFeatures(_ solver: KCCA.Solver, _ report: inout FitReport) throws {
    let ridges = try (0..<2).map { try configuration.featureRidge(of: $0) }
    let whole = solver == .pgso ? try rows(of: data.all()) : nil
    let scales = try scales()
    let seen = try whole.map { try self.seen($0, scales) }
    let settings = try settings { data.count <= 5000 ? try seen ?? sample(scales) : try sample(scales) }
    let sides = try makeFeatures(solver, settings, whole: seen, scales)
    let (joint, traces) = try covariance(of: sides, whole: whole)
    let views = joint.widths.count > 2 ? try joint.selecting([0, 1]) : joint
    var canonical = CanonicalSolver(
      ridges: ridges, components: components, rankTolerance: configuration.rankRtol)
    canonical.isComplete = false
    let solution = try canonical.solve(views)

    let k = solution.weights[0].size(along: 1)
    let rho = try solution.correlations[0..<k].copied()
    let scale = try configuration.weightScale(rows: data.count) * self.weights(of: rho)
    let weights = try solution.weights.map { try $0 * scale }
    let expansions = try sides.indices.map {
      try sides[$0].expansion(weight: weights[$0], mean: joint.means[$0])
    }
    try keep(expansions, settings, rho: rho)
    try keep(prediction(joint, weight: weights[0]))

    report.add("features", named(sides.map { .int($0.width) }))
    let residuals = try sides.indices.map { side in
      let mean = joint.means[side]
      let spread: Double = try joint.covariance(side, side).trace().item()
      let squares = try spread * (joint.weight - 1) + mean.squared().sum().item() * joint.weight
      return sides[side].residual(trace: traces[side], squares: squares)
    }
    let known = zip(self.views, residuals).compactMap { view, residual in
      residual.map { JSON.Member(view, .double($0)) }
    }
    if !known.isEmpty { report.add("residual_trace", .object(known)) }
    describe(&report, settings)
    KernelFit.finish(
      &report, rho: try method.rho.values(),
      achieved: try achievedCorrelations(of: solution.weights, in: views).values())
    for (view, (side, residual)) in zip(self.views, zip(sides, residuals)) {
      guard let residual, residual > configuration.eta, residual > 0.01 else { continue }
      report.warnings.append(
        "\(view): \(side.width) \(solver == .pgso ? "pivots" : "landmarks") leave \(rounded(100 * residual)) % of "
          + "the trace of the kernel matrix out; more come closer to the exact solution")
    }
    if sides.map(\.width).reduce(0, +) > data.count / 2 {
      report.warnings.append(
        "\(data.count) pairs are few for \(sides[0].width) and \(sides[1].width) features: compare the "
          + "correlations with those of held-out pairs")
    }
  }

  /// - Parameter whole: all rows as kernels see them, for pgso.
  private func makeFeatures(
    _ solver: KCCA.Solver, _ settings: [KernelSetting], whole: [Tensor]?, _ scales: [Tensor]
  ) throws -> [KernelFeatures] {
    // Landmarks of both views come from the same rows, read once.
    let isUniform = configuration.sampler == .uniform
    let pool =
      solver == .nystrom
      ? try seen(rows(of: data.sample(isUniform ? configuration.landmarks : 20_000, seed: seed)), scales)
      : nil
    return try settings.indices.map { side in
      let setting = settings[side]
      guard let kernel = try setting.kernel() else {
        return KernelFeatures(
          form: .columns, kernel: nil, points: try Tensor.zeros([0, widths[side]], .float64),
          scale: scales[side], width: widths[side])
      }
      if let whole {
        let map = try PartialGramSchmidt(
          kernel, whole[side], eta: configuration.eta, maxRank: configuration.maxRank)
        guard !map.pivots.isEmpty else { throw CorrelationError.constant(view: views[side]) }
        return KernelFeatures(
          form: .gramSchmidt(map), kernel: kernel,
          points: try kernel.points(whole[side], at: map.pivots).to(.float64), scale: scales[side],
          width: map.pivots.count)
      }
      if let pool {
        guard !(kernel is PrecomputedKernel) else {
          throw KernelError.unsupported("a precomputed kernel needs solver exact or pgso")
        }
        let places = try NystromMap.landmarks(
          configuration.landmarks, of: pool[side], kernel: kernel, sampler: configuration.sampler, seed: seed)
        let points = try pool[side].rows(at: places).to(.float64)
        return KernelFeatures(
          form: .nystrom(try NystromMap(landmarks: kernel.gram(points), tolerance: configuration.rankRtol)),
          kernel: kernel, points: points, scale: scales[side], width: places.count)
      }
      let map = try FourierFeatures(
        of: kernel, count: configuration.features, width: widths[side],
        isOrthogonal: configuration.orthogonal, seed: seed &+ UInt64(side))
      return KernelFeatures(
        form: .fourier(map), kernel: kernel, points: map.frequencies, scale: scales[side],
        width: configuration.features)
    }
  }

  /// Covariances of the features of both views, and of what is to be predicted as a third; traces of the
  /// kernel matrices.
  private func covariance(of sides: [KernelFeatures], whole: [Tensor]?) throws -> (JointCovariance, [Double])
  {
    var traces = [0.0, 0.0]
    var (names, columns) = (views, sides.map(\.width))
    if configuration.predict != .none {
      names.append(configuration.predict.rawValue)
      columns.append(configuration.predict == .ratings ? widths[1] : classes)
    }
    var joint = try JointCovariance(views: names, widths: columns)
    func add(_ rows: [Tensor], from start: Int) throws {
      var parts = try zip(sides, rows).map { try $0.features($1, from: start) }
      for side in sides.indices { traces[side] += try sides[side].trace(rows[side]) }
      switch configuration.predict {
      case .none: break
      case .ratings: parts.append(rows[1])
      case .labels:
        let labels = data.labels ?? []
        parts.append(try oneHot(Array(labels[start..<(start + rows[0].size(along: 0))])))
      }
      try joint.add(parts)
    }
    let block = max(1024, (1 << 24) / columns.reduce(0, +))
    if let whole {
      for start in stride(from: 0, to: data.count, by: block) {
        try add(whole.map { try $0[start..<min(start + block, data.count)] }, from: start)
      }
    } else {
      var start = 0
      try data.forEachChunk(rows: block) {
        try add(rows(of: $0), from: start)
        start += $0.count
      }
    }
    return (joint, traces)
  }

  private func prediction(_ joint: JointCovariance, weight: Tensor) throws -> RatingPrediction? {
    guard joint.widths.count > 2 else { return nil }
    return try RatingPrediction(
      mean: joint.means[2], covariance: weight.transposed().matmul(joint.covariance(0, 0)).matmul(weight),
      cross: weight.transposed().matmul(joint.covariance(0, 2)))
  }

  // MARK: - Report

  private func named(_ values: [JSON]) -> JSON { .object(zip(views, values).map { JSON.Member($0, $1) }) }

  private func describe(_ report: inout FitReport, _ settings: [KernelSetting]) {
    report.add("kernel", named(settings.map { .string($0.text) }))
    report.add("regularisation", named((0..<2).map { .string(configuration.ridgeText(of: $0)) }))
  }

  private static func finish(_ report: inout FitReport, rho: [Double], achieved: [Double]) {
    report.add("k", .int(rho.count))
    report.add("rho", .array(rho.map(JSON.double)))
    report.add("correlations", .array(achieved.map(JSON.double)))
    report.add("total_correlation", .double(achieved.reduce(0, +)))
  }

  private func rounded(_ number: Double) -> String { String(format: "%.3g", number) }
}
