import CrossModal
import Testing
import Torch

@Suite("CCA: what is chosen, predicted and tested")
struct CCASelectionTests {
  private func fitted(_ views: [Tensor], _ settings: JSON, names: [String] = ["image", "text"]) throws -> CCA
  {
    let data = Rows(views, names: names)
    let method = try CCA(CCA.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data, seed: 1)
    return method
  }

  @Test("many columns in noise get a ridge, and the report names every candidate")
  func ridge() throws {
    let views = try correlatedRows(60, 20, 15, shared: 2)
    let method = try fitted(views, ["ridge_mode": "cv", "k": 2])
    let selection = try #require(method.fitReport?.facts["selection"])
    #expect(selection["tried"]?.array?.count == 6)
    let chosen = try #require(selection["best"]?["ridge"]?.double)
    #expect(chosen > 0)
    #expect(try #require(selection["one_standard_error"]?["ridge"]?.double) >= chosen)
    let again = try fitted(views, ["ridge_mode": "relative", "ridge": .double(chosen), "k": 2])
    #expect(try method.weightX.distance(to: again.weightX) == 0)
  }

  @Test("the number of components that still correlate on held-out rows is found")
  func components() throws {
    let views = try correlatedRows(400, 8, 7, shared: 2)
    let method = try fitted(views, ["k": "cv", "criterion": "reconstruction"])
    #expect(method.rho.count == 2)
    let auto = try fitted(views, ["k": "auto", "one_standard_error": true])
    #expect(auto.rho.count <= 4)
  }

  @Test(
    "folds by Gram matrices give what folds by covariances give",
    arguments: ["correlation", "reconstruction"])
  func routes(criterion: String) throws {
    let views = try correlatedRows(30, 5, 4)
    let settings: JSON = ["ridge_mode": "cv", "grid": [0.1, 1], "k": "cv", "criterion": .string(criterion)]
    var byRows = settings
    byRows["solver"] = "gram"
    let a = try fitted(views, settings).fitReport?.facts["selection"]?["tried"]?.array ?? []
    let b = try fitted(views, byRows).fitReport?.facts["selection"]?["tried"]?.array ?? []
    #expect(a.count == b.count && a.count == 8)
    for (x, y) in zip(a, b) {
      #expect(abs((x["criterion"]?.double ?? 0) - (y["criterion"]?.double ?? 1)) < 1e-8)
    }
  }

  @Test("closed-form shrinkage is used", arguments: ["ledoit-wolf", "oas"])
  func shrinkage(mode: String) throws {
    let method = try fitted(try correlatedRows(30, 6, 5), ["ridge_mode": .string(mode)])
    #expect(method.fitReport?.facts["ridge"]?["image"]?.string?.contains("towards the mean") == true)
  }

  @Test("without a ridge prediction from all components is least squares, in both directions")
  func prediction() throws {
    let views = try correlatedRows(60, 5, 4)
    let method = try fitted(views, ["ridge_mode": "none"])
    for side in 0..<2 {
      let x = try views[side] - views[side].mean(along: 0)
      let y = try views[1 - side] - views[1 - side].mean(along: 0)
      let plain =
        try x.matmul(x.transposed().matmul(x).solve(x.transposed().matmul(y)))
        + views[1 - side].mean(along: 0)
      let found = try method.predict(from: .vectors(views[side]), side: side)
      #expect(try found.distance(to: plain) < 1e-9)
    }
    let scores = try method.encode(.vectors(views[1]), side: 1).values
    #expect(try method.reconstruct(scores, side: 1).distance(to: views[1]) < 1e-9)
  }

  @Test("several views are encoded into one space, saved and loaded", arguments: ["mcca", "gcca"])
  func severalViews(objective: String) throws {
    let names = ["image", "text", "sound"]
    let views = try correlatedRows(70, 4, 3) + [correlatedRows(70, 5, 3)[0]]
    let settings: JSON = ["multiview": .string(objective), "k": 2]
    let method = try fitted(views, settings, names: names)
    let scores = try views.enumerated().map { try method.encode(.vectors($1), side: $0).values }
    for pair in [(0, 1), (0, 2), (1, 2)] {
      let found = try pearsonCorrelations(scores[pair.0], scores[pair.1])
      #expect(try found[0].item(as: Double.self) > 0.5)
    }
    let loaded = try CCA(
      CCA.Configuration(overrides: settings), for: Rows(views, names: names).description)
    try loaded.load(method.state, from: "memory")
    #expect(try loaded.encode(.vectors(views[2]), side: 2).values.distance(to: scores[2]) == 0)
    #expect(method.state.map(\.name).contains("views.2.weight"))
    #expect(throws: CorrelationError.self) { try method.predict(from: .vectors(views[0]), side: 0) }
    #expect(throws: CorrelationError.self) { try fitted(views, [:], names: names) }
  }

  @Test("tests that are asked for are in the report")
  func tests() throws {
    let views = try correlatedRows(80, 4, 3, shared: 1)
    let wilks = try fitted(views, ["ridge_mode": "none", "tests": "parametric"])
    #expect(wilks.fitReport?.facts["parametric"]?["bartlett_p"]?.array?.count == 3)
    let permuted = try fitted(views, ["tests": "permutation", "test_count": 99])
    let p = permuted.fitReport?.facts["permutation"]?["p_stepdown"]?.array?.compactMap(\.double) ?? []
    #expect(p.first == 0.01)
    #expect(p.last ?? 0 > 0.05)
    let sampled = try fitted(views, ["tests": "bootstrap", "test_count": 50, "k": 1])
    let interval = sampled.fitReport?.facts["bootstrap"]?["correlations"]?.array?.first?.array ?? []
    let rho: Double = try sampled.rho.item()
    #expect((interval[0].double ?? 1) < rho && rho <= interval[1].double ?? 0)
    #expect(throws: ConfigurationError.self) { try fitted(views, ["tests": "parametric"]) }
  }

  @Test(
    "settings that do not go together are refused",
    arguments: [
      ["ridge_mode": ["cv", "none"]], ["multiview": "mcca", "k": "cv"], ["folds": 1], ["grid": []],
      ["grid": [-1]], ["multiview": "mcca", "tests": "permutation"], ["test_count": 0],
    ] as [JSON])
  func settings(_ overrides: JSON) {
    #expect(throws: ConfigurationError.self) { try CCA.Configuration(overrides: overrides) }
  }
}
