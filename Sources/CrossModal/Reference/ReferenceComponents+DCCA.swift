import Torch

/// Reference cases of `dcca` (`dcca.md` section 14).
public enum DCCAReference: ReferenceComponents {
  public static let method = "dcca"
  public static let components = ["objective", "network", "pieces"]

  public static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["b", "c", "mean_f0", "mean_g0"],
      2: [
        "H1", "H2", "E1", "E2", "x1", "x2", "W", "X", "noise", "f", "g", "view1", "view2", "recon1", "recon2",
        "cov_f0", "cov_g0",
      ],
    ]
  }

  public static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let found =
      switch reference.component {
      case "objective": try objective(reference)
      case "network": try network(reference)
      case "pieces": try pieces(reference)
      default: throw ReferenceError.missing("component", reference.component, components)
      }
    return try found.mapValues { try .recorded($0) }
  }

  private static func leaf(_ reference: ReferenceCase, _ name: String) throws -> Tensor {
    try reference.input(name).to(.float64).requiringGradient()
  }

  /// Whether the case asks for an output that begins so.
  private static func wants(_ reference: ReferenceCase, _ prefix: String) -> Bool {
    reference.outputs.contains { $0.hasPrefix(prefix) }
  }

  // MARK: - Components

  private static func objective(_ reference: ReferenceCase) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    func add(_ name: String, _ compute: ([Tensor]) throws -> Tensor) throws {
      let outputs = try ["H1", "H2"].map { try leaf(reference, $0) }
      let loss = try compute(outputs)
      let slopes = try Tensor.gradients(of: [loss], by: outputs)
      found["\(name).loss"] = loss
      for (view, slope) in slopes.enumerated() {
        found["\(name).grad.H\(view + 1)"] = try slope ?? outputs[view].zerosLike()
      }
    }
    if wants(reference, "paper.") || wants(reference, "topk.") || wants(reference, "singular_values") {
      let ridges = [try reference.number("r1"), try reference.number("r2")]
      found["singular_values"] = try DeepCorrelation.singularValues(
        ["H1", "H2"].map { try reference.input($0).to(.float64) }, ridges: ridges)
      try add("paper") { try DeepCorrelation.loss($0, ridges: ridges) }
      if wants(reference, "topk.") {
        let top = try reference.count("topk")
        try add("topk") { try DeepCorrelation.loss($0, ridges: ridges, top: top) }
      }
    }
    if wants(reference, "sum_of_squares.") {
      let ridges = try ["r1", "r2"].map { try reference.number("sum_of_squares.\($0)") }
      try add("sum_of_squares") { try DeepCorrelation.sumOfSquares($0, ridges: ridges) }
    }
    if wants(reference, "michaelvll") {
      let top = try reference.count("michaelvll.outdim_size")
      try add("michaelvll_top\(top)") { try eigenvalueRoots($0, reference, top: top) }
    }
    if wants(reference, "degenerate.") {
      let ridges = try ["r1", "r2"].map { try reference.number("degenerate.\($0)") }
      let outputs = try ["E1", "E2"].map { try leaf(reference, $0) }
      let values = try DeepCorrelation.singularValues(outputs, ridges: ridges)
      found["degenerate.singular_values"] = try values.detached()
      for slope in try Tensor.gradients(of: [values.sum()], by: outputs) {
        // A gradient that is not finite shows as a value that is not.
        guard let slope, try !slope.isFinite().all() else { continue }
        found["degenerate.singular_values"] = try values.detached() * Double.nan
      }
    }
    return found
  }

  private static func eigenvalueRoots(
    _ outputs: [Tensor], _ reference: ReferenceCase, top: Int
  ) throws -> Tensor {
    try DeepCorrelation.eigenvalueRoots(
      outputs, ridge: reference.number("michaelvll.r1"), epsilon: reference.number("michaelvll.eps"),
      top: top)
  }

  /// Both networks under the names of the public program.
  private final class Networks: Module {
    let model1: NormalizedNetwork
    let model2: NormalizedNetwork

    init(_ networks: [NormalizedNetwork]) { (model1, model2) = (networks[0], networks[1]) }
  }

  private static func networks(_ reference: ReferenceCase) throws -> [NormalizedNetwork] {
    let networks = try (1...2).map { view -> NormalizedNetwork in
      let sizes = try reference.setting("layer_sizes\(view)")
      guard let widths = sizes.array?.compactMap(\.int), !widths.isEmpty else {
        throw ReferenceError.badSetting("layer_sizes\(view)", sizes.text(), "a list of widths")
      }
      let norm = reference.config["batchnorm"]
      return try NormalizedNetwork(
        from: reference.count("input\(view)"), widths: widths,
        momentum: norm?["momentum"]?.double ?? 0.1, epsilon: norm?["eps"]?.double ?? 1e-5,
        isAffine: norm?["affine"]?.bool ?? false, using: Generator(seed: 0))
    }
    let both = Networks(networks)
    for entry in both.stateEntries { try entry.prepareForTraining(as: .float64) }
    // As data-parallel training saves it, every name begins with `module.`.
    let prefix = "module."
    var weights = reference.weights
    if !weights.isEmpty, weights.keys.allSatisfy({ $0.hasPrefix(prefix) }) {
      weights = Dictionary(
        uniqueKeysWithValues: weights.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    }
    // The count of batches may be missing, as it influences nothing.
    for entry in both.buffers where entry.name.hasSuffix("num_batches_tracked") {
      weights[entry.name] = weights[entry.name] ?? entry.tensor
    }
    try both.load(
      weights.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, from: "weights.safetensors")
    return networks
  }

  private static func network(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let networks = try networks(reference)
    let rows = try (1...2).map { try reference.input("x\($0)").to(.float64) }
    let outputs = try (0..<2).map { try networks[$0](rows[$0], .training(Generator(seed: 0))) }
    var found = ["out1": try outputs[0].detached(), "out2": try outputs[1].detached()]
    let parameters = networks.enumerated().flatMap { view, network in
      network.parameters.map { (name: "model\(view + 1).\($0.name)", tensor: $0.tensor) }
    }
    func add(_ name: String, _ loss: Tensor) throws {
      found["\(name).loss"] = try loss.detached()
      let slopes = try Tensor.gradients(of: [loss], by: parameters.map(\.tensor), retainGraph: true)
      for (parameter, slope) in zip(parameters, slopes) {
        found["\(name).grad.\(parameter.name)"] = try slope ?? parameter.tensor.detached().zerosLike()
      }
    }
    if wants(reference, "paper.") {
      let ridges = try ["r1", "r2"].map { try reference.number("paper.\($0)") }
      try add("paper", DeepCorrelation.loss(outputs, ridges: ridges))
    }
    if wants(reference, "michaelvll.") {
      let top = try reference.count("michaelvll.outdim_size")
      try add("michaelvll", eigenvalueRoots(outputs, reference, top: top))
    }
    for (view, network) in networks.enumerated() {
      for entry in network.buffers { found["after_step.model\(view + 1).\(entry.name)"] = entry.tensor }
      found["eval.out\(view + 1)"] = try network(rows[view], .evaluation).detached()
    }
    return found
  }

  private static func pieces(_ reference: ReferenceCase) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    if wants(reference, "cube_root.") {
      let x = try leaf(reference, "cube_x")
      let y = try cubeRootUnit(x)
      found["cube_root.y"] = try y.detached()
      found["cube_root.dy"] = try Tensor.gradients(of: [y.sum()], by: [x])[0]
    }
    if wants(reference, "dae.") { found.merge(try autoencoder(reference)) { $1 } }
    if wants(reference, "noi.") { found.merge(try orthogonal(reference)) { $1 } }
    if wants(reference, "dccae.") { found.merge(try reconstruction(reference)) { $1 } }
    if wants(reference, "final_cca.") { found.merge(try finalCorrelation(reference)) { $1 } }
    return found
  }

  private static func autoencoder(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let names = ["W", "b", "c"]
    let leaves = try names.map { try leaf(reference, $0) }
    let (rows, noise) = (try reference.input("X").to(.float64), try reference.input("noise").to(.float64))
    let model = DenoisingAutoencoder(weight: leaves[0], bias: leaves[1], outputBias: leaves[2])
    let loss = try model.loss(rows, noise: noise, decay: reference.number("dae.lam"))
    var found = ["dae.hidden": try model.hidden(rows + noise).detached(), "dae.loss": try loss.detached()]
    for (name, slope) in zip(names, try Tensor.gradients(of: [loss], by: leaves)) {
      found["dae.grad.\(name)"] = slope
    }
    return found
  }

  private static func orthogonal(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let (rho, epsilon) = (try reference.number("noi.rho"), try reference.number("noi.eps"))
    let outputs = try ["f", "g"].map { try leaf(reference, $0) }
    let moments = try ["f", "g"].enumerated().map { view, name in
      try OrthogonalIterations.Moments(
        mean: reference.input("mean_\(name)0").to(.float64),
        covariance: reference.input("cov_\(name)0").to(.float64)
      ).updated(with: outputs[view], rho: rho)
    }
    let loss = try OrthogonalIterations.loss(outputs, moments, epsilon: epsilon)
    let slopes = try Tensor.gradients(of: [loss], by: outputs)
    var found = ["noi.loss": try loss.detached()]
    for (view, name) in ["f", "g"].enumerated() {
      found["noi.mean_\(name)"] = moments[view].mean
      found["noi.cov_\(name)"] = moments[view].covariance
      found["noi.grad.\(name)"] = slopes[view]
      found["noi.target_for_\(view == 0 ? "g" : "f")"] = try moments[view].whitened(
        outputs[view], epsilon: epsilon)
    }
    return found
  }

  private static func reconstruction(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let weight = try reference.number("dccae.lam")
    let ridge = try reference.number("dccae.r")
    let outputs = try ["f", "g"].map { try reference.input($0).to(.float64) }
    let errors = try (1...2).map { view in
      try (reference.input("view\(view)").to(.float64) - reference.input("recon\(view)").to(.float64))
        .squared()
    }
    let sum = try errors[0].sum(along: 1).mean() + errors[1].sum(along: 1).mean()
    let mean = try errors[0].mean() + errors[1].mean()
    return [
      "dccae.reconstruction": sum,
      "dccae.loss": try DeepCorrelation.loss(outputs, ridges: [ridge, ridge]) + sum * weight,
      "dccae.convex_mean.loss": try DeepCorrelation.sumOfSquares(outputs, ridges: [ridge, ridge])
        * (1 - weight) + mean * weight,
    ]
  }

  private static func finalCorrelation(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let section = try reference.setting("final_cca")
    let k = try reference.count("final_cca.k")
    // One number for both views, or one each.
    let stated = section["ridge"] ?? 0
    let numbers = stated.array?.compactMap(\.double) ?? stated.double.map { [$0, $0] } ?? []
    guard let mode = section["ridge_mode"]?.string.flatMap(CCA.RidgeMode.init), numbers.count == 2 else {
      throw ReferenceError.badSetting("final_cca", section.text(), "a ridge_mode and a ridge, or one a view")
    }
    let ridges = numbers.compactMap { Ridge(mode, $0) }
    guard ridges.count == 2 else {
      throw ReferenceError.badSetting("final_cca.ridge_mode", mode.rawValue, "a mode that takes a number")
    }
    for ridge in ridges { try ridge.validate() }
    let rows = try ["f", "g"].map { try reference.input($0).to(.float64) }
    var joint = try JointCovariance(views: ["f", "g"], widths: rows.map { $0.size(along: 1) })
    try joint.add(rows)
    let fit = try CanonicalFit(
      joint, with: CanonicalSolver(ridges: ridges, components: .exactly(k)))
    return [
      "final_cca.w_f": fit.solution.weights[0], "final_cca.w_g": fit.solution.weights[1],
      "final_cca.rho": try fit.solution.correlations[0..<k],
      "final_cca.z_f": try fit.scores(rows[0], view: 0),
    ]
  }
}
