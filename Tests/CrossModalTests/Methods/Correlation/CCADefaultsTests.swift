import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("CCA: its defaults, and what it chooses from the data")
struct CCADefaultsTests {
  private func fitted(_ views: [Tensor], _ settings: JSON = [:], labels: [Int]? = nil) throws -> CCA {
    let data = Rows(views, labels: labels)
    let method = try CCA(CCA.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data, seed: 1)
    return method
  }

  // MARK: - What is given by hand

  @Test(
    "who states the ridge has the textbook's analysis in everything else",
    arguments: [
      ["ridge": 0.001], ["reg": 0.001], ["ridge_mode": "relative"],
      ["ridge_mode": ["relative", "relative"]],
    ] as [JSON])
  func textbook(settings: JSON) throws {
    var expected = CCA.Configuration.textbook
    if settings["ridge_mode"]?.array != nil { expected.ridgeMode = PerView([.relative, .relative]) }
    #expect(try CCA.Configuration(overrides: settings) == expected)
  }

  @Test("components, scale and weights by hand change nothing else")
  func single() throws {
    for (key, value) in [("k", 7), ("scale", true), ("rho_power", 1)] as [(String, JSON)] {
      var tree = try CCA.Configuration().tree()
      tree[key] = value
      #expect(try CCA.Configuration(overrides: [key: value]) == CCA.Configuration(overrides: tree))
    }
    #expect(try CCA.Configuration(overrides: ["ridge": "auto"]).ridgeMode == PerView(.auto))
  }

  @Test("several views are related as the textbook does")
  func severalViews() throws {
    let configuration = try CCA.Configuration(overrides: ["multiview": "mcca"])
    #expect(configuration.rhoPower == 0 && configuration.k == nil && configuration.scale == ColumnScale.none)
  }

  // MARK: - Ridge, scale and weights

  @Test("a ridge per row is c times the mean squared length of a row, by covariances and by rows")
  func perRow() throws {
    let views = try correlatedRows(12, 30, 5)
    for solver in ["covariance", "gram"] {
      let shared: JSON = ["scale": false, "rho_power": 0, "k": 4, "solver": .string(solver)]
      var own = shared
      (own["ridge_mode"], own["ridge"]) = ("per-row", 0.5)
      var scatter = shared
      let lengths = try views.map { view in
        try (view - view.mean(along: 0)).squared().sum(along: 1).mean().item(as: Double.self)
      }
      (scatter["ridge_mode"], scatter["ridge"]) = ("scatter", .array(lengths.map { .double(0.5 * $0) }))
      let (a, b) = (try fitted(views, own), try fitted(views, scatter))
      #expect(try a.rho.distance(to: b.rho) < 1e-10)
      #expect(try a.weightX.distance(to: b.weightX) < 1e-8)
    }
  }

  @Test("a floored scale brings large columns down and leaves small ones small")
  func floored() throws {
    let views = try correlatedRows(80, 5, 4)
    func rho(_ factor: Double) throws -> Tensor {
      try fitted([try views[0] * Tensor([factor, 1, 1, 1, 1]), views[1]]).rho
    }
    #expect(try rho(1e3).distance(to: rho(1e6)) < 1e-9)
    // A column that hardly varies is hardly there.
    let without = try fitted([try views[0].narrowed(to: 1..<5, along: 1), views[1]]).rho
    #expect(try rho(1e-9).distance(to: without) < 0.02)
    let variances = try Tensor([4.0, 9, 0, 1, 16])
    let factors = try ColumnScale.floored.factors(variances: variances, constant: variances .== 0.0)
    // The median of the deviations 1, 2, 3, 4.
    #expect(
      try factors.distance(to: Tensor([1 / 6.5.squareRoot(), 1 / 3, 0, 1 / 6.5.squareRoot(), 0.25])) < 1e-12)
  }

  @Test("the projection holds the weights, so that a product with it is what is compared")
  func folded() throws {
    let views = try correlatedRows(60, 6, 4)
    let method = try fitted(views)
    #expect(method.rho.count == 4)
    for side in 0..<2 {
      let (mean, weight) = side == 0 ? (method.meanX, method.weightX) : (method.meanY, method.weightY)
      let product = try (views[side] - mean).matmul(weight)
      #expect(try method.encode(.vectors(views[side]), side: side).values.distance(to: product) == 0)
    }
    let plain = try fitted(views, ["rho_power": 0])
    let rho = try plain.rho.clamped(to: 0.99)
    let weights = try rho / (1.0 - rho.squared()).squareRoot()
    #expect(try method.weightX.distance(to: plain.weightX * weights) < 1e-12)
    // What is predicted and restored does not depend on them.
    for side in 0..<2 {
      let items = Items.vectors(views[side])
      #expect(
        try method.predict(from: items, side: side).distance(to: plain.predict(from: items, side: side))
          < 1e-9)
      let restored = try [method, plain].map {
        try $0.reconstruct($0.encode(items, side: side).values, side: side)
      }
      #expect(try restored[0].distance(to: restored[1]) < 1e-9)
    }
  }

  @Test("products of likelihood vectors are the likelihoods of the formula")
  func likelihood() throws {
    let views = try correlatedRows(40, 5, 3)
    let plain = try fitted(views, ["rho_power": 0])
    let method = try fitted(views, ["score": "likelihood"])
    let z = try views.enumerated().map {
      try plain.encode(.vectors($1), side: $0).values.values(as: Double.self)
    }
    let rho = try plain.rho.values(as: Double.self).map { min($0, 0.99) }
    let features = try views.enumerated().map { try method.encode(.vectors($1), side: $0) }
    let scores = try method.similarity(features[0], features[1])
    #expect(method.metric == .dot)
    for (i, j) in [(0, 0), (3, 17), (39, 2)] {
      let expected = rho.indices.reduce(0.0) { sum, k in
        let (x, y, r) = (z[0][i * rho.count + k], z[1][j * rho.count + k], rho[k])
        return sum + (r * x * y - r * r * (x * x + y * y) / 2) / (1 - r * r)
      }
      #expect(abs(try scores[i][j].item() - expected) < 1e-9)
    }
    #expect(try method.correlations(features[0], features[1]).count == 3)
  }

  // MARK: - auto

  @Test("auto settles scale, ridge and score, says why, and a run with these settings is the same")
  func auto() throws {
    let views = try correlatedRows(120, 30, 20)
    let method = try fitted(views, ["ridge_mode": "auto"])
    let found = method.configuration
    #expect(found.ridgeMode == PerView(.perRow) && found.score == .likelihood)
    #expect(RidgeSearch.ridges(byClass: false).contains(found.ridge[0]))
    let facts = try #require(method.fitReport?.facts)
    #expect(facts["selection"]?["tried"]?.array?.count == 8)
    #expect(
      facts["chosen"]?["ridge"]?.string?.hasPrefix("best of 8 on 24 held-out pairs: mean log rank") == true)
    let again = try fitted(views, found.tree())
    #expect(try again.weightX.distance(to: method.weightX) < 1e-9)
    // What is stated is not chosen.
    let cosine = try fitted(views, ["ridge_mode": "auto", "score": "cosine", "scale": false]).configuration
    #expect(cosine.score == .cosine && cosine.scale == ColumnScale.none)
    let power = try fitted(views, ["ridge_mode": "auto", "rho_power": 1]).configuration
    #expect(power.score == .cosine && power.rhoPower == 1)
  }

  @Test("auto by Gram matrices chooses what auto by covariances chooses")
  func routes() throws {
    let views = try correlatedRows(60, 12, 9)
    let methods = try ["covariance", "gram"].map {
      try fitted(views, ["ridge_mode": "auto", "solver": .string($0)])
    }
    let tried = methods.map { method in
      (method.fitReport?.facts["selection"]?["tried"]?.array ?? []).compactMap { $0["mean_log_rank"]?.double }
    }
    #expect(tried[0].count == 8 && tried[1].count == 8)
    for (a, b) in zip(tried[0], tried[1]) { #expect(abs(a - b) < 1e-6) }
    #expect(try methods[0].rho.distance(to: methods[1].rho) < 1e-8)
  }

  @Test("auto by classes goes by mean average precision, and needs classes")
  func classes() throws {
    let views = try correlatedRows(80, 6, 5)
    let method = try fitted(
      views, ["ridge_mode": "auto", "criterion": "map"], labels: (0..<80).map { $0 % 4 })
    #expect(method.fitReport?.facts["selection"]?["tried"]?.array?.count == 32)
    #expect(throws: CorrelationError.self) { try fitted(views, ["ridge_mode": "auto", "criterion": "map"]) }
    #expect(throws: CorrelationError.self) { try fitted(views.map { try $0[0..<4] }, ["ridge_mode": "auto"]) }
  }

  @Test("the number of components goes by how many held-out mates come first, not by a sum that only grows")
  func recall() throws {
    let views = try correlatedRows(300, 8, 7, shared: 3)
    let method = try fitted(views, ["k": "cv", "rho_power": 0])
    #expect((3...5).contains(method.rho.count))
    #expect(
      try CCA.Configuration(overrides: ["k": "cv", "criterion": "correlation"]).criterion == .correlation)
  }

  @Test("ranks of mates count equals half and pairs that share an item not at all")
  func ranks() throws {
    let scores = try Tensor([0.5, 0.9, 0.5, 0.1, 0.8, 0.2, 0.7, 0.6, 0.3], shape: [3, 3])
    let alone = try MateRanks(pairs: 3, items: nil).ranks(scores).values(as: Double.self)
    #expect(alone == [2.5, 1, 3, 2, 2, 2])
    // The first and the last pair have the same first item.
    let shared = try MateRanks(pairs: 3, items: [[0, 1, 0], [0, 1, 2]]).ranks(scores).values(as: Double.self)
    #expect(shared == [2, 1, 2, 1, 2, 1])
  }

  @Test(
    "settings that do not go together are refused",
    arguments: [
      ["ridge_mode": ["auto", "per-row"]], ["ridge_mode": "auto", "k": "cv"], ["criterion": "rank"],
      ["ridge_mode": "auto", "criterion": "correlation"], ["score": "likelihood", "rho_power": 1],
      ["score": "order"], ["scale": "sideways"], ["multiview": "mcca", "score": "likelihood"], ["k": "most"],
    ] as [JSON])
  func refused(_ overrides: JSON) {
    #expect(throws: ConfigurationError.self) { try CCA.Configuration(overrides: overrides) }
  }
}
