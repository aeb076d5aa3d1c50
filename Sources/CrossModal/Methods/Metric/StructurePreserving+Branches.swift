import Torch

extension StructurePreserving.Configuration {
  /// What stands on a modality.
  ///
  /// - Throws: ``ConfigurationError`` for a modality whose items differ in size.
  func branch(
    on modality: DataDescription.Modality, side: Int, size: Int, using generator: Generator
  ) throws -> Branch {
    if modality.kind == .tokens {
      let count = modality.vocabulary ?? 0
      guard let pooling = languageModel.pooling else {
        return Branch(
          network: try RecurrentTextBranch(
            count: count, wordSize: wordDim, hidden: dimEmbed, to: size, using: generator))
      }
      let words = try WordPooling(
        pooling, count: count, size: wordDim, masksPadding: maskPadding, using: generator)
      return Branch(network: try TextBranch(words, map(wordDim, size, using: generator)))
    }
    guard modality.flatSize > 0 else {
      throw ConfigurationError.badValue(
        key: "data", value: modality.name,
        expected: "of one size (choose a featuriser: features.\(modality.name))")
    }
    return Branch(
      scaling: try InputScaling(for: modality, transform: transform[side]),
      network: try map(modality.flatSize, size, using: generator))
  }

  private func map(_ inputs: Int, _ size: Int, using generator: Generator) throws -> any BranchMap {
    guard start == .random else { return try ProjectionBranch(from: inputs, to: size, using: generator) }
    var settings = EmbeddingBranch.Settings(inputs: inputs)
    settings.hidden = dimEmbed
    settings.size = size
    settings.dropout = dropout
    settings.normalizesBatch = batchNorm
    return try EmbeddingBranch(settings, using: generator)
  }
}

extension DataDescription.Modality {
  /// Numbers of an item in one row; 0 where items differ in size.
  var flatSize: Int { (shape ?? size.map { [$0] })?.reduce(1, *) ?? 0 }
}

extension StructurePreserving {
  /// The projections of both sides, where training starts from correlations.
  var projections: [ProjectionBranch] {
    [branchA, branchB].compactMap { ($0 as? TextBranch)?.map as? ProjectionBranch ?? $0 as? ProjectionBranch }
  }

  /// Canonical correlation analysis of what goes into the projections, over all training pairs.
  ///
  /// - Throws: ``CorrelationError`` for fewer pairs or directions than it needs.
  func beginWithCorrelations(_ data: some TrainingSet, _ preparation: Preparation) throws {
    let projections = projections
    guard projections.count == 2 else { return }
    let names = modalities.map(\.name)
    var joint = try JointCovariance(
      views: Array(names.prefix(2)), widths: projections.map { $0.weight.size(along: 1) })
    try data.forEachChunk(rows: 2048) { batch in
      let batch = try batch.to(preparation.device)
      try joint.add(
        withoutGradient { try (0..<2).map { try inputs(batch.items[$0], side: $0).to(.cpu) } })
    }
    let solver = CanonicalSolver(
      ridges: [.relative(configuration.ccaRidge), .relative(configuration.ccaRidge)],
      components: .exactly(projections[0].size))
    let fit = try CanonicalFit(joint, with: solver)
    let scale = try fit.solution.correlations[0..<projections[0].size].clamped(from: 0)
      .power(configuration.ccaPower)
    for (side, projection) in projections.enumerated() {
      try projection.begin(at: fit.solution.weights[side], mean: fit.means[side], scale: scale)
    }
  }

  /// What goes into the projection of a side.
  private func inputs(_ items: Items, side: Int) throws -> Tensor {
    let branch = side == 0 ? branchA : branchB ?? branchA
    if let text = branch as? TextBranch { return try text.pooled(items) }
    let scaled = try (side == 0 ? scalingA : scalingB)?.scaled(items) ?? items
    guard case .vectors(let rows) = scaled else { throw branch.unsuitable(scaled, expected: "a vector") }
    return rows
  }
}
