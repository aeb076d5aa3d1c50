import Torch

/// Reference cases of `cca` (`cca.md` section 14).
public enum CCAReference: ReferenceComponents {
  public static let method = "cca"
  public static let components = ["fit", "ridge"]

  public static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "fit": try fit(reference).mapValues(ReferenceOutput.tensor)
    case "ridge": try ridge(reference).mapValues(ReferenceOutput.tensor)
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

  private static func count(_ reference: ReferenceCase, _ key: String) throws -> Int {
    let value = try reference.setting(key)
    guard let number = value.int, number >= 1 else {
      throw ReferenceError.badSetting(key, value.text(), "a whole number from 1")
    }
    return number
  }

  private static func fit(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let mode = try reference.setting("ridge_mode")
    guard mode.string == "none" else {
      throw ReferenceError.badSetting("ridge_mode", mode.text(), "none")
    }
    let k = try count(reference, "k")
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
    return out
  }

  private static func ridge(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let k = try count(reference, "k")
    let rows = try Rows(reference)
    let joint = try rows.joint()
    var out: [String: Tensor] = [:]
    for entry in try reference.setting("ridge").array ?? [] {
      guard let name = entry["mode"]?.string, let mode = CCA.RidgeMode(rawValue: name),
        let x = entry["x"]?.double, let y = entry["y"]?.double
      else {
        throw ReferenceError.badSetting("ridge", entry.text(), "a mode with numbers x and y")
      }
      var configuration = CCA.Configuration()
      configuration.ridgeMode = PerView(mode)
      configuration.ridge = PerView([x, y])
      try configuration.validate()
      let solver = CanonicalSolver(
        ridges: [configuration.ridge(of: 0), configuration.ridge(of: 1)], components: .exactly(k))
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
}
