import Torch

/// The pooling of VSE-infinity, which cases file under `vsepp`.
enum GeneralizedPoolingReference: ReferenceComponents {
  static let method = "vsepp"
  static let components = ["gpo"]

  static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["lengths"],
      2: ["upstream"],
      3: ["features"],
    ]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let pooling = try GeneralizedPooling(
      codeSize: reference.count("d_pe"),
      hidden: reference.count("d_hidden"),
      temperature: reference.number("softmax_temperature"), using: Generator(seed: 0))
    for entry in pooling.stateEntries { entry.tensor = try entry.tensor.detached().to(.float64) }
    try pooling.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    let features = try reference.input("features").to(.float64).requiringGradient()
    let lengths = try reference.lengths(rows: features.size(along: 0), width: features.size(along: 1))
    let pooled = try pooling(features, lengths: lengths)
    let loss = try (pooled * reference.input("upstream").to(.float64)).sum()
    let leaves = [("features", features)] + pooling.parameters.map { ($0.name, $0.tensor) }
    let slopes = try Tensor.gradients(of: [loss], by: leaves.map(\.1))
    var outputs = try [:].adding([
      "pooled": pooled, "pool_weights": pooling.weights(for: lengths, like: features),
    ])
    for (leaf, slope) in zip(leaves, slopes) {
      outputs["grad.\(leaf.0)"] = try .recorded(slope ?? leaf.1.zerosLike())
    }
    return outputs
  }
}
