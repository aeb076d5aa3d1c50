import Torch

/// Reference cases of `kcca` (`kcca.md` section 14).
public enum KCCAReference: ReferenceComponents {
  public static let method = "kcca"
  public static let components = ["exact", "pgso", "feature_maps", "ratings"]

  public static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["rff_b", "landmarks", "labels_test"],
      2: ["x", "y", "x_test", "y_test", "ratings", "rff_W"],
    ]
  }

  public static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "exact": try exact(reference).mapValues(ReferenceOutput.tensor)
    case "pgso": try pgso(reference).mapValues(ReferenceOutput.tensor)
    case "feature_maps": try featureMaps(reference).mapValues(ReferenceOutput.tensor)
    case "ratings": try ratings(reference).mapValues(ReferenceOutput.tensor)
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  private static func number(_ reference: ReferenceCase, _ key: String) throws -> Double {
    let value = try reference.setting(key)
    guard let number = value.double, number >= 0 else {
      throw ReferenceError.badSetting(key, value.text(), "a number from 0")
    }
    return number
  }

  /// The kernel that a case states; what it leaves open is chosen from the training rows.
  private static func kernel(_ reference: ReferenceCase, _ key: String, _ rows: Tensor) throws -> any Kernel {
    let value = try reference.setting(key)
    guard let setting = try? value.decoded(as: KernelSetting.self) else {
      throw ReferenceError.badSetting(key, value.text(), "a kernel: {type, gamma, coef0, degree}")
    }
    try setting.validate(key: key)
    guard let kernel = try setting.completed(for: rows).kernel() else {
      throw ReferenceError.badSetting(key, value.text(), "a kernel")
    }
    return kernel
  }

  private static func inputs(_ reference: ReferenceCase, _ names: String...) throws -> [Tensor] {
    try names.map { try reference.input($0).to(.float64) }
  }

  private static func exact(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let rows = try inputs(reference, "x", "y")
    let new = try inputs(reference, "x_test", "y_test")
    let k = try reference.count("k")
    let kernels = try [
      kernel(reference, "kernel_x", rows[0]), kernel(reference, "kernel_y", rows[1]),
    ]
    let grams = try zip(kernels, rows).map { try CenteredGram($0.gram($1)) }
    let fresh = try rows.indices.map { try grams[$0].centered(kernels[$0].values(new[$0], rows[$0])) }
    var out = [
      "Kx_centred": grams[0].values, "Ky_centred": grams[1].values, "Kx_test_centred": fresh[0],
      "Ky_test_centred": fresh[1],
      "median_distance": try Tensor(rows.map { try medianDistance($0) }),
    ]
    for entry in try reference.setting("regularisation").array ?? [] {
      // range has no number.
      let unused: Double? = entry["kind"]?.string == KCCA.Regularisation.range.rawValue ? 0 : nil
      guard let name = entry["kind"]?.string, let kind = KCCA.Regularisation(rawValue: name),
        let x = entry["x"]?.double ?? unused, let y = entry["y"]?.double ?? unused
      else {
        throw ReferenceError.badSetting("regularisation", entry.text(), "a kind with numbers x and y")
      }
      var configuration = KCCA.Configuration()
      (configuration.regularisation, configuration.value) = (kind, PerView([x, y]))
      try configuration.validate()
      let ridges = try grams.enumerated().map { view, gram in
        configuration.ridge(
          of: view, trace: try gram.values.trace().item(), rows: rows[view].size(along: 0))
      }
      let found = try KernelCorrelation(
        grams.map { .gram($0.values) }, ridges: ridges, components: .exactly(k))
      let z = try zip(fresh, found.weights).map { try $0.matmul($1) }
      let outputs = [
        "rho": try found.correlations[0..<k], "alpha": found.weights[0], "beta": found.weights[1],
        "zx_train": found.scores[0], "zy_train": found.scores[1], "zx_test": z[0], "zy_test": z[1],
        "corr_train": try pearsonCorrelations(found.scores[0], found.scores[1]),
        "corr_test": try pearsonCorrelations(z[0], z[1]),
      ]
      for (key, tensor) in outputs { out["\(name).\(key)"] = tensor }
    }
    return out
  }

  private static func pgso(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let rows = try inputs(reference, "x", "y")
    let new = try inputs(reference, "x_test", "y_test")
    let k = try reference.count("k")
    let maxRank = try reference.count("max_rank")
    let eta = try number(reference, "eta")
    let ridge = KernelRidge.hardoon(try number(reference, "kappa"))
    var out: [String: Tensor] = [:]
    var maps: [PartialGramSchmidt] = []
    var fresh: [Tensor] = []
    for (view, name) in ["x", "y"].enumerated() {
      let kernel = try kernel(reference, "kernel_" + name, rows[view])
      let map = try PartialGramSchmidt(kernel, rows[view], eta: eta, maxRank: maxRank)
      let points = try kernel.points(rows[view], at: map.pivots)
      fresh.append(try map.features(ofKernelValues: kernel.values(new[view], points)))
      maps.append(map)
      out["R\(name)"] = map.features
      out["pivots_\(name)"] = try Tensor(map.pivots)
      out["residual_\(name)"] = try Tensor([map.residual])
      out["features_\(name)_test"] = fresh[view]
    }
    var joint = try JointCovariance(views: ["x", "y"], widths: maps.map(\.pivots.count))
    try joint.add(maps.map(\.features))
    let solver = CanonicalSolver(ridges: [try ridge.ridge()], components: .exactly(k))
    let solution = try solver.solve(joint)
    out["rho"] = try solution.correlations[0..<k]
    let scale = ridge.weightScale(rows: rows[0].size(along: 0))
    for (view, name) in ["x", "y"].enumerated() {
      let weight = try solution.weights[view] * scale
      let mean = joint.means[view]
      out["z\(name)_train"] = try (maps[view].features - mean).matmul(weight)
      out["z\(name)_test"] = try (fresh[view] - mean).matmul(weight)
    }
    return out
  }

  private static func featureMaps(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let rows = try inputs(reference, "x", "x_test", "rff_W", "rff_b")
    let kernel = RBFKernel(gamma: try number(reference, "gamma"))
    let landmarks = try reference.input("landmarks").values(as: Int.self)
    if let bad = landmarks.first(where: { $0 < 0 || $0 >= rows[0].size(along: 0) }) {
      throw KernelError.badLandmark(bad, rows: rows[0].size(along: 0))
    }
    let points = try kernel.points(rows[0], at: landmarks)
    let map = try NystromMap(landmarks: kernel.gram(points))
    let train = try map.features(ofKernelValues: kernel.values(rows[0], points))
    let fourier = FourierFeatures(frequencies: try rows[2].transposed(), phases: rows[3])
    return [
      "nystrom_train": train, "nystrom_gram": try train.matmul(train.transposed()),
      "nystrom_test": try map.features(ofKernelValues: kernel.values(rows[1], points)),
      "rff_train": try fourier.features(rows[0]), "rff_test": try fourier.features(rows[1]),
    ]
  }

  private static func ratings(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let rows = try inputs(reference, "x", "ratings", "x_test")
    let k = try reference.count("components")
    let linear = try reference.setting("kernel_y")
    guard linear.string?.hasPrefix("none") == true else {
      throw ReferenceError.badSetting("kernel_y", linear.text(), "none: ratings have no kernel")
    }
    let kernel = try kernel(reference, "kernel_x", rows[0])
    let gram = try CenteredGram(kernel.gram(rows[0]))
    let fresh = try gram.centered(kernel.values(rows[2], rows[0]))
    let columns = try rows[1] - rows[1].mean(along: 0)
    var out: [String: Tensor] = [:]
    for name in try reference.setting("variants").members?.map(\.key) ?? [] {
      let ridge: KernelRidge
      switch name {
      case "range": ridge = .range
      case "hardoon": ridge = .hardoon(try number(reference, "kappa"))
      default: throw ReferenceError.badSetting("variants", name, "range or hardoon")
      }
      let found = try KernelCorrelation(
        [.gram(gram.values), .columns(columns)], ridges: [ridge, ridge], components: .exactly(k))
      let prediction = try RatingPrediction(scores: found.scores[0], ratings: rows[1])
      let predicted = try prediction.ratings(fresh.matmul(found.weights[0]))
      out["\(name).rho"] = try found.correlations[0..<k]
      out["\(name).predicted_ratings"] = predicted
      out["\(name).predicted_class"] = try Tensor(RatingPrediction.classes(predicted))
      out["\(name).predicted_ratings_train"] = try prediction.ratings(found.scores[0])
    }
    return out
  }
}
