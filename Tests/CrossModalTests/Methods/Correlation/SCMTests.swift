import CrossModal
import Testing
import Torch

@Suite("SCM")
struct SCMTests {
  /// mAP of both directions on the test part of Wikipedia.
  private func precision(_ method: SCM) throws -> (image: Double, text: Double) {
    let test = try Rows.wikipedia("test")
    let scores = try method.similarity(features(method, test)[0], features(method, test)[1])
    let labels = try #require(test.labels)
    let rule = LabeledRetrieval()
    return (
      try rule.meanAveragePrecision(scores, queries: labels, gallery: labels),
      try rule.meanAveragePrecision(scores.transposed(), queries: labels, gallery: labels)
    )
  }

  private func features(_ method: SCM, _ data: Rows) throws -> [Features] {
    try data.views.enumerated().map { try method.encode(.vectors($1), side: $0) }
  }

  private func fitted(_ settings: JSON, to data: Rows) throws -> SCM {
    let method = try SCM(SCM.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data)
    return method
  }

  /// Two views whose hidden numbers are those of three classes.
  private func classes(_ n: Int = 90) throws -> Rows {
    let generator = try Generator(seed: 5)
    let labels = (0..<n).map { $0 % 3 }
    let centres = try Tensor(labels).oneHot(classes: 3).to(.float64) * 4
    let views = try [5, 4].map { width in
      try centres.matmul(Tensor.normal([3, width], .float64, using: generator))
        + Tensor.normal([n, width], .float64, using: generator)
    }
    return Rows(views, labels: labels)
  }

  @Test("without any option the published figures of Wikipedia come out")
  func published() throws {
    let method = try fitted([:], to: Rows.wikipedia("train"))
    let found = try precision(method)
    #expect(abs(found.image - 0.277) < 0.001)
    #expect(abs(found.text - 0.226) < 0.001)
    #expect(method.fitReport?.facts["selection"]?["tried"]?.array?.count == 13)
  }

  @Test(
    "the recorded figures of each mode on Wikipedia come out",
    arguments: [
      (["mode": "cm", "k": 7], 0.2463, 0.2007),
      (["mode": "cm", "k": 9, "rho_power": 1], 0.2584, 0.2106),
      (["mode": "cm", "k": 4, "score": "dot"], 0.2630, 0.2022),
      (["mode": "sm", "c": 30, "standardize": false, "score": "ncc"], 0.2983, 0.2200),
      (["mode": "sm", "c": 30], 0.2781, 0.2107),
      (["mode": "scm", "k": 9, "c": 30], 0.2770, 0.2259),
      (["mode": "scm", "k": 9, "C": 30, "score": "dot"], 0.3190, 0.2300),
      (["mode": "scm", "k": 7, "c": 30, "score": "l1"], 0.2274, 0.2270),
    ] as [(JSON, Double, Double)])
  func modes(settings: JSON, image: Double, text: Double) throws {
    let found = try precision(fitted(settings, to: Rows.wikipedia("train")))
    #expect(abs(found.image - image) < 0.002)
    #expect(abs(found.text - text) < 0.002)
  }

  @Test("every mode tells classes apart and its state is saved under the names of the specification")
  func states() throws {
    let data = try classes()
    for mode in ["cm", "sm", "scm"] {
      let method = try fitted(["mode": .string(mode), "k": 2, "c": 1], to: data)
      let found = try features(method, data)
      let scores = try method.similarity(found[0], found[1])
      let precision = try LabeledRetrieval().meanAveragePrecision(
        scores, queries: data.labels ?? [], gallery: data.labels ?? [])
      #expect(precision > 0.8, "\(mode)")
      let loaded = try SCM(
        SCM.Configuration(overrides: ["mode": .string(mode)]), for: data.description)
      try loaded.load(method.state, from: "memory")
      #expect(try features(loaded, data)[1].values.distance(to: found[1].values) == 0)
    }
    let names = try fitted(["k": 2, "c": 1], to: data).state.map(\.name)
    #expect(names.contains("cca.image.mean"))
    #expect(names.contains("scm.text.weight"))
    #expect(names.contains("classes"))
  }

  @Test("posteriors sum to 1, and labels may be any numbers")
  func posteriors() throws {
    var data = try classes()
    data.labels = data.labels?.map { [7, -2, 40][$0] }
    let method = try fitted(["k": 2, "c": 10], to: data)
    #expect(try method.classes.values(as: Int.self) == [-2, 7, 40])
    let found = try method.posteriors(of: .vectors(data.views[0]), side: 0)
    #expect(try found.sum(along: 1).distance(to: Tensor.ones([90], .float64)) < 1e-12)
    let guessed = try found.argmax(along: 1).values(as: Int.self).map { [-2, 7, 40][$0] }
    let right = zip(guessed, data.labels ?? []).count { $0 == $1 }
    #expect(right > 80)
  }

  @Test("a score that is to be chosen is chosen, saved and loaded")
  func chosenScore() throws {
    let data = try classes()
    let method = try fitted(["k": 2, "c": 1, "score": "cv", "folds": 3], to: data)
    #expect(method.fitReport?.facts["selection"]?["tried"]?.array?.count == SemanticScore.allCases.count)
    let loaded = try SCM(SCM.Configuration(overrides: ["score": "cv"]), for: data.description)
    try loaded.load(method.state, from: "memory")
    #expect(loaded.score == method.score)
  }

  @Test("candidates that one division into folds cannot tell apart are measured on more")
  func repeats() throws {
    var data = try classes()
    // Noise in place of the second view: no number of components is better than another.
    data = Rows(
      [data.views[0], try Tensor.normal([90, 4], .float64, using: try Generator(seed: 9))],
      labels: data.labels)
    func folds(_ repeats: Int) throws -> (best: Int?, tried: [Int]) {
      let method = try fitted(["folds": 3, "c": 1, "repeats": .init(integerLiteral: repeats)], to: data)
      let selection = method.fitReport?.facts["selection"]
      return (
        selection?["best"]?["folds"]?.int,
        (selection?["tried"]?.array ?? []).compactMap { $0["folds"]?.int }
      )
    }
    #expect(try folds(1).tried == [3, 3, 3, 3])
    let found = try folds(3)
    #expect(found.best == found.tried.max())
    #expect(try #require(found.best) > 3)
  }

  @Test("a seed fixes what is chosen")
  func reproducible() throws {
    let data = try classes()
    let a = try fitted(["folds": 3], to: data)
    let b = try fitted(["folds": 3], to: data)
    #expect(a.fitReport == b.fitReport)
    #expect(try features(a, data)[0].values.distance(to: features(b, data)[0].values) == 0)
  }

  @Test("canonical correlations are reported beside posteriors")
  func correlations() throws {
    let data = try classes()
    let method = try fitted(["k": 2, "c": 1, "ridge_mode": "none"], to: data)
    let found = try features(method, data)
    for (a, b) in zip(
      try method.correlations(found[0], found[1]), try method.rho.values(as: Double.self))
    {
      #expect(abs(a - b) < 1e-9)
    }
  }

  @Test("what cannot work is refused with its reason")
  func errors() throws {
    var data = try classes()
    #expect(throws: ConfigurationError.self) { try fitted(["mode": "cm", "score": "kl"], to: data) }
    #expect(throws: ConfigurationError.self) { try fitted(["c": 0], to: data) }
    #expect(throws: CorrelationError.tooManyComponents(k: 9, views: ["image", "text"], ranks: [5, 4])) {
      try fitted(["k": 9, "c": 1], to: data)
    }
    data.labels = nil
    #expect(throws: CorrelationError.self) { try fitted(["k": 2, "c": 1], to: data) }
    #expect(throws: Never.self) { try fitted(["mode": "cm", "k": 2], to: data) }
    #expect(throws: CorrelationError.notFitted) {
      try SCM(SCM.Configuration(), for: data.description).encode(.vectors(data.views[0]), side: 0)
    }
  }
}
