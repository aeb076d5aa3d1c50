import Torch

/// Reference cases of `cca` (`cca.md` section 14).
public enum CCAReference: ReferenceComponents {
  public static let method = "cca"
  public static let components = ["fit", "ridge", "streaming", "permutation", "multiview"]

  public static func ranks(of component: String) -> [Int: [String]] {
    [
      2: ["x", "y", "x_test", "y_test", "perms", "x0", "x1", "x2"]
    ]
  }

  public static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "fit": try fit(reference).mapValues(ReferenceOutput.tensor)
    case "ridge": try ridge(reference).mapValues(ReferenceOutput.tensor)
    case "streaming": try streaming(reference).mapValues(ReferenceOutput.tensor)
    case "permutation": try permutation(reference).mapValues(ReferenceOutput.tensor)
    case "multiview": try multiview(reference).mapValues(ReferenceOutput.tensor)
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  /// Both views of the training rows and of the test rows, in float64.
  private struct Rows {
    let train: [Tensor]
    let test: [Tensor]

    init(_ reference: ReferenceCase) throws {
      train = try ["x", "y"].map { try reference.input($0).to(.float64) }
      test = try ["x_test", "y_test"].map { try reference.input($0).to(.float64) }
    }

    /// Covariances of the training rows.
    func joint() throws -> JointCovariance {
      var joint = try JointCovariance(views: ["x", "y"], widths: train.map { $0.size(along: 1) })
      try joint.add(train)
      return joint
    }
  }

  private static func fit(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let mode = try reference.setting("ridge_mode")
    guard mode.string == "none" else {
      throw ReferenceError.badSetting("ridge_mode", mode.text(), "none")
    }
    let k = try reference.count("k")
    let rows = try Rows(reference)
    let joint = try rows.joint()
    let solver = CanonicalSolver(rankTolerance: reference.config["rank_rtol"]?.double ?? 1e-10)
    let whole = try solver.solve(joint)
    _ = try ComponentRequest.exactly(k).count(ranks: whole.ranks, views: joint.views)
    let weights = try whole.weights.map { try $0.narrowed(to: 0..<k, along: 1) }
    var out = try scores(rows, joint.means, weights)
    out["rho"] = try whole.correlations[0..<k]
    (out["mean_x"], out["mean_y"]) = (joint.means[0], joint.means[1])
    (out["wx"], out["wy"]) = (weights[0], weights[1])
    (out["rank_x"], out["rank_y"]) = (try Tensor([whole.ranks[0]]), try Tensor([whole.ranks[1]]))
    for (view, name) in ["x", "y"].enumerated() {
      let explained = try CanonicalLoadings(view: view, weights: weights, joint: joint)
      out["loadings_\(name)"] = explained.loadings
      out["cross_loadings_\(name)"] = explained.crossLoadings
      out["variance_extracted_\(name)"] = try explained.varianceExtracted()
      out["redundancy_\(name)"] = try explained.redundancy()
    }
    let tests = ["wilks", "bartlett", "lawley", "chi2", "rao", "F_", "pillai", "hotelling", "roy"]
    if reference.outputs.contains(where: { output in tests.contains { output.hasPrefix($0) } }) {
      try out.merge(significance(whole, rows: joint.rows)) { $1 }
    }
    return out
  }

  private static func significance(_ whole: CanonicalCorrelation, rows: Int) throws -> [String: Tensor] {
    let tests = try CanonicalSignificance(
      correlations: whole.correlations.values(), ranks: whole.ranks, rows: rows)
    let lists: [String: [Double]] = [
      "wilks": tests.wilks, "bartlett_chi2": tests.bartlett, "lawley_chi2": tests.lawley,
      "chi2_df": tests.degrees, "bartlett_p": tests.bartlettP, "lawley_p": tests.lawleyP,
      "rao_F": tests.raoF, "F_df1": tests.numerator, "F_df2": tests.denominator, "F_p": tests.raoP,
      "pillai": [tests.pillai], "hotelling_lawley": [tests.hotellingLawley], "roy": [tests.roy],
    ]
    return try lists.mapValues { try Tensor($0) }
  }

  private static func ridge(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let k = try reference.count("k")
    let rows = try Rows(reference)
    let joint = try rows.joint()
    var out: [String: Tensor] = [:]
    for entry in try reference.setting("ridge").array ?? [] {
      guard let name = entry["mode"]?.string, let mode = CCA.RidgeMode(rawValue: name),
        let x = entry["x"]?.double, let y = entry["y"]?.double
      else {
        throw ReferenceError.badSetting("ridge", entry.text(), "a mode with numbers x and y")
      }
      let ridges = [Ridge(mode, x), Ridge(mode, y)].compactMap(\.self)
      guard ridges.count == 2 else {
        throw ReferenceError.badSetting("ridge", entry.text(), "a mode that takes a number")
      }
      for ridge in ridges { try ridge.validate() }
      let solver = CanonicalSolver(ridges: ridges, components: .exactly(k))
      let solution = try solver.solve(joint)
      var found = try scores(rows, joint.means, solution.weights)
      found["rho"] = try solution.correlations[0..<k]
      (found["wx"], found["wy"]) = (solution.weights[0], solution.weights[1])
      for (key, tensor) in found { out["\(name).\(key)"] = tensor }
    }
    return out
  }

  /// Scores and their correlations on training and test rows.
  private static func scores(_ rows: Rows, _ means: [Tensor], _ weights: [Tensor]) throws -> [String: Tensor]
  {
    let train = try rows.train.indices.map { try (rows.train[$0] - means[$0]).matmul(weights[$0]) }
    let test = try rows.test.indices.map { try (rows.test[$0] - means[$0]).matmul(weights[$0]) }
    return [
      "zx_train": train[0], "zy_train": train[1], "zx_test": test[0], "zy_test": test[1],
      "corr_train": try pearsonCorrelations(train[0], train[1]),
      "corr_test": try pearsonCorrelations(test[0], test[1]),
    ]
  }

  private static func streaming(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let views = try ["x", "y"].map { try reference.input($0) }
    let chunks = try reference.counts("chunks")
    guard chunks.reduce(0, +) == views[0].size(along: 0) else {
      throw ReferenceError.badSetting(
        "chunks", "\(chunks)", "row counts that add up to \(views[0].size(along: 0))")
    }
    var joint = try JointCovariance(views: ["x", "y"], widths: views.map { $0.size(along: 1) })
    var start = 0
    for rows in chunks {
      try joint.add(views.map { try $0[start..<(start + rows)] })
      start += rows
    }
    return [
      "mean_x": joint.means[0], "mean_y": joint.means[1], "cov_xx": try joint.covariance(0, 0),
      "cov_xy": try joint.covariance(0, 1), "cov_yy": try joint.covariance(1, 1),
    ]
  }

  private static func permutation(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let views = try ["x", "y"].map { try reference.input($0).to(.float64) }
    var joint = try JointCovariance(views: ["x", "y"], widths: views.map { $0.size(along: 1) })
    try joint.add(views)
    let solution = try CanonicalSolver().solve(joint, full: true)
    let z = try views.indices.map { try (views[$0] - joint.means[$0]).matmul(solution.weights[$0]) }
    let test = try CanonicalPermutationTest(
      z[0], z[1], tests: reference.count("tests"),
      permutations: reference.input("perms").to(.int64))
    return [
      "observed": try Tensor(test.observed), "null": test.null,
      "p_uncorrected": try Tensor(test.uncorrected), "p_stepdown": try Tensor(test.stepDown),
    ]
  }

  private static func multiview(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let names = (0...).lazy.map { "x\($0)" }.prefix { reference.inputs[$0] != nil }
    let views = try names.map { try reference.input($0).to(.float64) }
    guard views.count >= 2 else { throw ReferenceError.missing("input", "x\(views.count)", Array(names)) }
    let k = try reference.count("k")
    var joint = try JointCovariance(views: Array(names), widths: views.map { $0.size(along: 1) })
    try joint.add(views)
    func solver(_ shrinkage: Double) throws -> CanonicalSolver {
      try Ridge.shrinkage(shrinkage).validate()
      return CanonicalSolver(ridges: [.shrinkage(shrinkage)], components: .exactly(k))
    }
    var out: [String: Tensor] = [:]
    for shrinkage in try reference.numbers("mcca_shrinkage") {
      let found = try MultiviewCorrelation(.mcca, of: joint, solver: solver(shrinkage))
      out["mcca.c\(shrinkage).eigenvalues"] = found.eigenvalues
      for (view, weight) in found.weights.enumerated() { out["mcca.c\(shrinkage).w\(view)"] = weight }
    }
    let shared = try reference.number("gcca_shrinkage")
    let found = try MultiviewCorrelation(
      .gcca, of: joint, solver: solver(shared),
      viewWeights: reference.numbers("gcca_view_weights"))
    out["gcca.eigenvalues"] = found.eigenvalues
    for (view, weight) in found.weights.enumerated() { out["gcca.w\(view)"] = weight }
    out["gcca.T"] = try views.indices.map { view in
      try (views[view] - joint.means[view]).matmul(found.sharedWeights[view])
    }.reduce(Tensor.zeros([views[0].size(along: 0), k], .float64)) { try $0 + $1 }
    return out
  }
}
