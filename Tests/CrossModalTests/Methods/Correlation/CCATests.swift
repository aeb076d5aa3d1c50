import CrossModal
import Testing
import Torch

@Suite("CCA")
struct CCATests {
  private func fitted(_ views: [Tensor], _ settings: JSON = [:]) throws -> CCA {
    let data = Rows(views)
    let method = try CCA(CCA.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data)
    return method
  }

  private func scores(_ method: CCA, _ views: [Tensor]) throws -> [Tensor] {
    try views.enumerated().map { try method.encode(.vectors($1), side: $0).values }
  }

  @Test("the published features of Wikipedia have the correlations that the specification gives")
  func wikipedia() throws {
    let data = try Rows.wikipedia("train")
    let method = try CCA(CCA.Configuration(overrides: ["ridge_mode": "none"]), for: data.description)
    try method.fit(to: data)
    let expected = [0.5577, 0.4477, 0.4365, 0.3718, 0.3468, 0.3297, 0.2933, 0.2796, 0.2479]
    let found = try method.rho.values(as: Double.self)
    #expect(found.count == 9)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 5e-5) }
    #expect(method.fitReport?.facts["ranks"] == ["image": 127, "text": 9])
    #expect(method.fitReport?.warnings.count == 2)
  }

  @Test("scores have unit variance, are uncorrelated, and correlate in pairs by rho")
  func normalization() throws {
    let views = try correlatedRows(200, 6, 5)
    let method = try fitted(views, ["ridge_mode": "none", "k": 4])
    let z = try scores(method, views)
    let identity = try Tensor.identity(4, .float64)
    for side in z { #expect(try (side.transposed().matmul(side) / 199).distance(to: identity) < 1e-10) }
    let cross = try z[0].transposed().matmul(z[1]) / 199
    #expect(try cross.distance(to: method.rho.asDiagonal()) < 1e-10)
    let held = try method.correlations(Features(z[0]), Features(z[1]))
    for (a, b) in zip(held, try method.rho.values(as: Double.self)) { #expect(abs(a - b) < 1e-10) }
  }

  @Test("the entry of largest magnitude in each column of the first weight is positive")
  func signs() throws {
    let method = try fitted(try correlatedRows(100, 6, 5))
    let columns = try method.weightX.transposed()
    for column in 0..<columns.size(along: 0) {
      let entries = try columns[column].values(as: Double.self)
      #expect(try #require(entries.max { abs($0) < abs($1) }) > 0)
    }
  }

  @Test("an invertible affine map of a view changes no correlation and no score", arguments: [1e-8, 1, 1e8])
  func affine(scale: Double) throws {
    let views = try correlatedRows(150, 4, 3)
    var mapped = views
    let map = try Tensor.normal([4, 4], .float64, using: try Generator(seed: 3))
    mapped[0] = try views[0].matmul(map) * Tensor([scale, 1, 1, 1 / scale]) + 5
    let a = try fitted(views, ["ridge_mode": "none"])
    let b = try fitted(mapped, ["ridge_mode": "none"])
    #expect(try a.rho.distance(to: b.rho) < 1e-8)
    let (za, zb) = (try scores(a, views)[0], try scores(b, mapped)[0])
    #expect(try za.magnitude().distance(to: zb.magnitude()) < 1e-5)
  }

  @Test("duplicate and constant columns change no correlation")
  func deficient() throws {
    let views = try correlatedRows(80, 4, 3)
    let first = try views[0].narrowed(to: 0..<1, along: 1)
    let wider = try Tensor.concatenated(
      [views[0], first, first * 3 + 1, Tensor.full([80, 1], 0.1, .float64)], along: 1)
    let a = try fitted(views, ["ridge_mode": "none"])
    let b = try fitted([wider, views[1]], ["ridge_mode": "none"])
    #expect(try a.rho.distance(to: b.rho) < 1e-9)
    #expect(b.fitReport?.facts["ranks"] == ["image": 4, "text": 3])
  }

  @Test("chunks of rows give what all rows at once give")
  func chunks() throws {
    let views = try correlatedRows(90, 4, 3)
    let a = try fitted(views)
    let b = try fitted(views, ["chunk_rows": 7])
    #expect(try a.weightX.distance(to: b.weightX) < 1e-9)
    #expect(try a.weightY.distance(to: b.weightY) < 1e-9)
  }

  @Test(
    "Gram matrices give what covariances give",
    arguments: ["absolute", "shrinkage", "relative", "scatter"], [false, true])
  func gram(mode: String, scale: Bool) throws {
    let views = try correlatedRows(12, 30, 5)
    let settings: JSON = ["ridge_mode": .string(mode), "ridge": [0.3, 0.1], "k": 4, "scale": .bool(scale)]
    var byRows = settings
    byRows["solver"] = "gram"
    var byColumns = settings
    byColumns["solver"] = "covariance"
    let a = try fitted(views, byRows)
    let b = try fitted(views, byColumns)
    #expect(try a.rho.distance(to: b.rho) < 1e-9)
    #expect(try a.weightX.distance(to: b.weightX) < 1e-8)
    #expect(try a.weightY.distance(to: b.weightY) < 1e-8)
  }

  @Test("full shrinkage is the singular value decomposition of the cross-covariance")
  func partialLeastSquares() throws {
    let views = try correlatedRows(60, 5, 4)
    let method = try fitted(views, ["ridge_mode": "shrinkage", "ridge": 1, "k": 4])
    let centered = try views.map { try $0 - $0.mean(along: 0) }
    let expected = try (centered[0].transposed().matmul(centered[1]) / 59).singularValues()
    #expect(try method.rho.distance(to: expected) < 1e-10)
  }

  @Test("a view correlates with itself by 1, and one column gives the multiple correlation")
  func extremes() throws {
    let views = try correlatedRows(60, 5, 1)
    let same = try fitted([views[0], views[0]], ["ridge_mode": "none"])
    #expect(try same.rho.distance(to: Tensor.ones([5], .float64)) < 1e-9)
    let one = try fitted(views, ["ridge_mode": "none"])
    let x = try views[0] - views[0].mean(along: 0)
    let y = try views[1] - views[1].mean(along: 0)
    let fit = try x.matmul(x.transposed().matmul(x).solve(x.transposed().matmul(y)))
    let multiple = try (fit.squared().sum() / y.squared().sum()).squareRoot()
    #expect(try abs(one.rho.item() - multiple.item()) < 1e-10)
  }

  @Test("correlations that are 1 but for rounding are reported as 1", arguments: [30, 40, 50, 60])
  func clipped(rows: Int) throws {
    // As many columns as rows, and the same view twice, up to scale.
    let views = try correlatedRows(rows, rows, rows)
    for pair in [views, [views[0], try views[0] * 1e3]] {
      let facts = try #require(try fitted(pair, ["ridge_mode": "none", "k": 3]).fitReport?.facts)
      for name in ["rho", "correlations"] {
        let found = (facts[name]?.array ?? []).compactMap(\.double)
        #expect(found.count == 3 && found.allSatisfy { $0 <= 1 && $0 > 0.999 }, "\(name)")
      }
    }
  }

  @Test("too few rows without a ridge are warned of")
  func trivial() throws {
    let method = try fitted(try correlatedRows(8, 6, 5), ["ridge_mode": "none"])
    #expect(method.fitReport?.warnings.contains { $0.contains("trivially 1") } == true)
    #expect(try abs(method.rho[0].item() - 1) < 1e-9)
  }

  @Test("without centring the origin takes the place of the mean")
  func uncentred() throws {
    let views = try correlatedRows(50, 4, 3)
    let mirrored = try views.map { try Tensor.concatenated([$0, -$0]) }
    let a = try fitted(mirrored, ["center": false, "ridge_mode": "none"])
    let b = try fitted(mirrored, ["ridge_mode": "none"])
    #expect(try a.rho.distance(to: b.rho) < 1e-9)
    let shifted = try fitted(try mirrored.map { try $0 + 10 }, ["center": false, "ridge_mode": "none"])
    #expect(try shifted.rho[0].item(as: Double.self) > b.rho[0].item(as: Double.self))
  }

  @Test("a loaded model gives the same scores, whatever the number of components")
  func loading() throws {
    let views = try correlatedRows(50, 4, 3)
    let method = try fitted(views, ["k": 2])
    #expect(
      method.state.map(\.name) == [
        "mean_x", "mean_y", "weight_x", "weight_y", "rho", "decoder_x", "decoder_y", "loadings_x",
        "loadings_y",
      ])
    let loaded = try CCA(CCA.Configuration(), for: Rows(views).description)
    try loaded.load(method.state, from: "memory")
    for (a, b) in zip(try scores(method, views), try scores(loaded, views)) {
      #expect(try a.distance(to: b) == 0)
    }
  }

  @Test(
    "with a ridge a column of tiny variance has its part in the weights",
    arguments: [["ridge_mode": "absolute", "ridge": 0.1], ["ridge_mode": "shrinkage", "ridge": 1]] as [JSON])
  func tinyColumns(settings: JSON) throws {
    var views = try correlatedRows(80, 5, 4)
    views[0] = try views[0] * Tensor([1e-6, 1e-4, 1, 10, 100])
    var settings = settings
    settings["k"] = 3
    let method = try fitted(views, settings)
    let centered = try views.map { try $0 - $0.mean(along: 0) }
    let cross = try centered[0].transposed().matmul(centered[1]) / 79
    let own = try centered[0].transposed().matmul(centered[0]) / 79
    let isShrinkage = settings["ridge"]?.double == 1
    let regular = try isShrinkage ? Tensor.identity(5, .float64) : own + Tensor.identity(5, .float64) * 0.1
    // The condition of the optimum, S_xy b = ρ (S_xx + ridge) a, column by column of x.
    let left = try cross.matmul(method.weightY)
    let right = try regular.matmul(method.weightX) * method.rho
    let sizes = try left.magnitude().max(along: 1)
    #expect(try ((left - right).magnitude().max(along: 1) / sizes).max().item(as: Double.self) < 1e-7)
    #expect(method.fitReport?.facts["ranks"] == ["image": 5, "text": 4])
  }

  @Test("loadings and redundancy of a fit are those of the scores, by covariances and by rows")
  func loadings() throws {
    let views = try correlatedRows(60, 6, 4)
    for solver in ["covariance", "gram"] {
      let method = try fitted(views, ["k": 3, "solver": .string(solver)])
      let z = try scores(method, views)
      for (side, found) in [method.loadingsX, method.loadingsY].enumerated() {
        for column in 0..<views[side].size(along: 1) {
          let copies = try views[side].selected(column, along: 1).unsqueezed(at: 1).expanded(to: [60, 3])
          let expected = try pearsonCorrelations(copies, z[side])
          #expect(try found[column].distance(to: expected) < 1e-10, "\(solver)")
        }
      }
      let cross = method.fitReport?.facts["redundancy"]?["text"]?.array?.first?.double
      let expected = try (0..<4).map { column in
        let copies = try views[1].selected(column, along: 1).unsqueezed(at: 1).expanded(to: [60, 3])
        let loading: Double = try pearsonCorrelations(copies, z[0])[0].item()
        return loading * loading / 4
      }.reduce(0, +)
      #expect(abs(try #require(cross) - expected) < 1e-10, "\(solver)")
    }
  }

  @Test("rho_power weighs the components")
  func weighing() throws {
    let views = try correlatedRows(50, 4, 3)
    let plain = try fitted(views, ["score": "dot", "rho_power": 0])
    let weighed = try fitted(views, ["score": "dot", "rho_power": 2])
    let expected = try scores(plain, views)[0] * plain.rho.squared()
    #expect(try scores(weighed, views)[0].distance(to: expected) < 1e-12)
  }

  @Test("what cannot work is refused with the view and the reason")
  func errors() throws {
    let views = try correlatedRows(20, 4, 3)
    let constant = try Tensor.full([20, 2], 0.1, .float64)
    #expect(throws: CorrelationError.constant(view: "text")) { try fitted([views[0], constant]) }
    #expect(throws: CorrelationError.tooFewRows(1)) { try fitted(views.map { try $0[0..<1] }) }
    #expect(throws: CorrelationError.tooManyComponents(k: 4, views: ["image", "text"], ranks: [4, 3])) {
      try fitted(views, ["k": 4])
    }
    #expect(try fitted(views, ["k": 4, "clip": true]).rho.count == 3)
    #expect(throws: CorrelationError.wrongWidth(view: "text", found: 4, expected: 3)) {
      try fitted(views).encode(.vectors(views[0]), side: 1)
    }
    #expect(throws: CorrelationError.notFitted) {
      try CCA(CCA.Configuration(), for: Rows(views).description).encode(.vectors(views[0]), side: 0)
    }
    let nan = try Tensor([Double](repeating: 1, count: 39) + [.nan], shape: [20, 2])
    #expect(throws: CorrelationError.notFinite(view: "text", row: 19, column: 1)) {
      try fitted([views[0], nan])
    }
    #expect(throws: CorrelationError.notFinite(view: "text", row: 19, column: 1)) {
      try fitted([views[0], nan], ["solver": "gram"])
    }
  }

  @Test(
    "settings out of range are refused",
    arguments: [
      ["k": 0], ["ridge": -1], ["ridge_mode": "shrinkage", "ridge": 1.5], ["chunk_rows": 0],
      ["rank_rtol": 2], ["ridge_mode": "sideways"], ["rho_power": -1],
    ] as [JSON])
  func settings(_ overrides: JSON) {
    #expect(throws: ConfigurationError.self) { try CCA.Configuration(overrides: overrides) }
  }
}
