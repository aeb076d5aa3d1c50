import Torch

extension DCCA {
  /// Starts the hidden layers as denoising autoencoders, where that is wanted, and the top layer by linear CCA.
  func pretrain(on sample: Batch, using generator: Generator, _ preparation: Preparation) throws {
    var hidden = try (0..<2).map { try inputs(sample.items[$0], view: $0) }
    for view in 0..<2 {
      let layers = model(view).linears
      for (i, layer) in layers.dropLast().enumerated() {
        if configuration.pretrain == .dae {
          preparation.note("pre-training layer \(i) of \(views[view])")
          try pretrain(layer, on: hidden[view], using: generator)
        }
        hidden[view] = try configuration.activation(layer(hidden[view]))
      }
    }
    guard configuration.encoder == .mlp else {
      return preparation.note("mlp-bn starts at random: its top layer follows a batch normalisation")
    }
    preparation.note("top layers by linear CCA")
    try startTop(on: hidden)
  }

  private func pretrain(_ layer: LinearEncoder, on rows: Tensor, using generator: Generator) throws {
    let own = layer.parameters.map(\.tensor)
    let autoencoder = DenoisingAutoencoder(
      weight: own[0], bias: own[1], outputBias: try rows.mean(along: 0), activation: configuration.activation)
    try withGradient {
      try autoencoder.train(
        on: rows, noise: configuration.pretrainNoise, decay: configuration.pretrainDecay,
        steps: configuration.pretrainSteps, using: generator)
    }
    for (entry, learned) in zip(layer.parameters, [autoencoder.weight, autoencoder.bias]) {
      entry.tensor = learned
    }
  }

  /// Output weights that are the canonical directions of the last hidden layers; directions beyond those there
  /// are stay random.
  private func startTop(on hidden: [Tensor]) throws {
    var joint = try JointCovariance(views: views, widths: hidden.map { $0.size(along: 1) })
    try joint.add(hidden.map { try $0.to(.cpu) })
    let ridge = Ridge.relative(1e-3)
    let fit = try CanonicalFit(
      joint, with: CanonicalSolver(ridges: [ridge, ridge], components: .upTo(configuration.outputs)))
    for view in 0..<2 {
      guard let top = model(view).linears.last else { continue }
      let directions = fit.solution.weights[view]
      let found = directions.size(along: 1)
      let learned = [try directions.transposed(), try -(fit.means[view].matmul(directions))]
      for (entry, rows) in zip(top.parameters, learned) {
        let own = try rows.to(entry.tensor.dtype).to(entry.tensor.device)
        entry.tensor = try Tensor.concatenated([own, entry.tensor.detached()[found..<configuration.outputs]])
      }
    }
  }
}
