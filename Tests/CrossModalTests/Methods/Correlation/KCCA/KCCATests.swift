import CrossModal
import Foundation
import Testing
import Torch

@Suite("KCCA")
struct KCCATests {
  private func fitted(_ views: [Tensor], _ settings: JSON = [:], labels: [Int]? = nil) throws -> KCCA {
    let data = Rows(views, labels: labels)
    let method = try KCCA(KCCA.Configuration(overrides: settings), for: data.description)
    try method.fit(to: data, seed: 1)
    return method
  }

  private func scores(_ method: KCCA, _ views: [Tensor]) throws -> [Tensor] {
    try views.enumerated().map { try method.encode(.vectors($1), side: $0).values }
  }

  private func part(_ views: [Tensor], _ range: Range<Int>) throws -> [Tensor] {
    try views.map { try $0[range] }
  }

  @Test("halves of digits have the total correlations that the specification gives")
  func digits() throws {
    let data = try DataSet(at: BundledData.folder("digits-halves").path)
    let split = try data.split("train")
    func views(_ batch: Batch) throws -> [Tensor] {
      try batch.items.map { items in
        guard case .vectors(let rows) = items else { throw CorrelationError.notFitted }
        return rows
      }
    }
    let train = try views(split.batch(at: Array(0..<1100)))
    let dev = try views(split.batch(at: Array(1100..<1297)))
    let test = try views(data.split("test").all())
    let method = try fitted(train, ["value": 1e-3, "k": 10])
    #expect(method.fitReport?.facts["solver"] == "1100 pairs: exact (at most 3000)")
    for (part, expected) in [(train, 8.424), (dev, 7.651), (test, 7.139)] {
      let z = try scores(method, part)
      let total = try method.correlations(Features(z[0]), Features(z[1])).reduce(0, +)
      #expect(abs(total - expected) < 0.01)
    }
  }

  @Test(
    "a linear kernel is linear analysis with the same ridge",
    arguments: ["shrinkage", "hardoon"], ["exact", "pgso", "nystrom"])
  func linear(kind: String, solver: String) throws {
    let views = try correlatedRows(60, 4, 3)
    let kernel = try fitted(
      views,
      [
        "kernel": "linear", "regularisation": .string(kind), "value": [0.3, 0.2], "k": 3,
        "solver": .string(solver), "eta": 0,
      ])
    let data = Rows(views)
    let mode: JSON = [
      "ridge_mode": kind == "hardoon" ? "scatter" : "shrinkage", "ridge": [0.3, 0.2], "k": 3,
    ]
    let plain = try CCA(CCA.Configuration(overrides: mode), for: data.description)
    try plain.fit(to: data)
    #expect(try kernel.rho.distance(to: plain.rho) < 1e-9)
    for side in 0..<2 {
      let a = try kernel.encode(.vectors(views[side]), side: side).values
      let b = try plain.encode(.vectors(views[side]), side: side).values
      let scale = kind == "hardoon" ? 59.0.squareRoot() : 1
      #expect(try (a.magnitude() * scale).distance(to: b.magnitude()) < 1e-7)
    }
  }

  @Test(
    "features that span everything give the exact solution",
    arguments: [
      ["solver": "pgso", "eta": 0, "max_rank": 60], ["solver": "nystrom", "landmarks": 60],
      ["solver": "nystrom", "landmarks": 60, "sampler": "kmeans++"],
    ] as [JSON])
  func complete(settings: JSON) throws {
    let views = try correlatedRows(70, 4, 3)
    let train = try part(views, 0..<60)
    var exact = settings
    exact["solver"] = "exact"
    let a = try fitted(train, exact)
    let b = try fitted(train, settings)
    #expect(try a.rho.distance(to: b.rho) < 1e-7)
    for (za, zb) in zip(try scores(a, views), try scores(b, views)) {
      #expect(try za.magnitude().distance(to: zb.magnitude()) < 1e-4)
    }
  }

  @Test("random features come closer to the exact solution as they grow")
  func fourier() throws {
    let views = try correlatedRows(300, 3, 3)
    let exact = try fitted(views, ["k": 3, "value": 0.1])
    func distance(_ features: Int) throws -> Double {
      let found = try fitted(views, ["k": 3, "value": 0.1, "solver": "rff", "features": .int(features)])
      return try found.rho.distance(to: exact.rho)
    }
    let (few, many) = (try distance(20), try distance(3000))
    #expect(many < few)
    #expect(many < 0.02)
  }

  @Test("training rows get their training scores, and a row alone what it gets in a batch")
  func newRows() throws {
    let views = try correlatedRows(80, 4, 3)
    for settings in [["value": 0.05], ["solver": "pgso"], ["solver": "nystrom", "landmarks": 30]] as [JSON] {
      let method = try fitted(views, settings)
      let z = try scores(method, views)
      let alone = try method.encode(.vectors(views[0][5..<6]), side: 0).values
      #expect(try alone.distance(to: z[0][5..<6]) < 1e-10)
      #expect(try z[0].mean(along: 0).magnitude().max().item(as: Double.self) < 1e-8)
    }
  }

  @Test("rows given twice change no correlation and make no NaN")
  func duplicates() throws {
    let views = try correlatedRows(40, 4, 3)
    let twice = try views.map { try Tensor.concatenated([$0, $0]) }
    let settings: JSON = ["gamma": 0.1, "regularisation": "hardoon", "k": 3]
    var doubled = settings
    doubled["value"] = 1.0
    var single = settings
    single["value"] = 0.5
    let (a, b) = (try fitted(views, single), try fitted(twice, doubled))
    #expect(try a.rho.distance(to: b.rho) < 1e-9)
  }

  @Test("moving a view changes nothing for rbf")
  func translation() throws {
    let views = try correlatedRows(50, 4, 3)
    let moved = [try views[0] + 1e4, views[1]]
    #expect(try fitted(views).rho.distance(to: fitted(moved).rho) < 1e-8)
  }

  @Test("correlations beyond what chance gives: a tiny ridge is warned of")
  func overfitting() throws {
    let views = try correlatedRows(60, 4, 3)
    let tiny = try fitted(views, ["value": 1e-7])
    #expect(tiny.fitReport?.warnings.contains { $0.contains("paired at random") } == true)
    #expect(try fitted(views, ["value": 0.3, "k": 2]).fitReport?.warnings == [])
  }

  @Test("a precomputed kernel gives what the kernel gives", arguments: ["exact", "pgso"])
  func precomputed(solver: String) throws {
    let views = try correlatedRows(40, 4, 3)
    let train = try part(views, 0..<30)
    let kernels = [RBFKernel(gamma: 0.1), RBFKernel(gamma: 0.2)]
    let settings: JSON = ["solver": .string(solver), "max_rank": 20, "k": 3]
    var named = settings
    named["gamma"] = [0.1, 0.2]
    var given = settings
    given["kernel"] = "precomputed"
    let a = try fitted(train, named)
    let b = try fitted(try zip(kernels, train).map { try $0.gram($1) }, given)
    #expect(try a.rho.distance(to: b.rho) < 1e-10)
    let values = try (0..<2).map { try kernels[$0].values(views[$0], train[$0]) }
    for (za, zb) in zip(try scores(a, views), try scores(b, values)) {
      #expect(try za.distance(to: zb) < 1e-8)
    }
    #expect(throws: KernelError.notSquare(view: "image", rows: 30, columns: 4)) { try fitted(train, given) }
    var bad = try kernels[0].gram(train[0]).values(as: Double.self)
    bad[7] += 0.5
    let crooked = try Tensor(bad, shape: [30, 30])
    if solver == "exact" {
      #expect(throws: KernelError.notSymmetric(view: "image", row: 0, column: 7)) {
        try fitted([crooked, crooked], given)
      }
    }
  }

  @Test("ratings and classes are predicted from the first view", arguments: ["exact", "pgso", "rff"])
  func prediction(solver: String) throws {
    let generator = try Generator(seed: 2)
    let labels = (0..<240).map { $0 % 3 }
    let centres = try Tensor([0.0, 3, 3, 0, -3, -3], shape: [3, 2])
    let x = try centres.rows(at: labels) + Tensor.normal([240, 2], .float64, using: generator) * 0.5
    let y = try Tensor(labels).oneHot(classes: 3).to(.float64)
    let settings: JSON = ["solver": .string(solver), "kernel": ["rbf", "none"], "features": 100, "k": 2]
    var ratings = settings
    ratings["predict"] = "ratings"
    var classes = settings
    classes["predict"] = "labels"
    classes["class_names"] = ["a", "b", "c"]
    for method in [try fitted([x, y], ratings), try fitted([x, y], classes, labels: labels)] {
      let found = try method.predictedClasses(.vectors(x))
      #expect(zip(found, labels).filter { $0 == $1 }.count > 230)
      let sums = try method.predictedRatings(.vectors(x)).sum(along: 1)
      #expect(try sums.distance(to: Tensor.ones([240], .float64)) < 1e-6)
    }
    #expect(try fitted([x, y], classes, labels: labels).className(1) == "b")
    #expect(throws: KernelError.self) { try fitted([x, y], settings).predictedClasses(.vectors(x)) }
    #expect(throws: KernelError.self) { try fitted([x, y], classes) }
  }

  @Test(
    "a loaded model gives the same scores",
    arguments: [
      ["kernel": ["rbf", "poly"]], ["solver": "pgso", "max_rank": 9], ["solver": "rff", "features": 30],
      ["kernel": [["type": "sum", "of": ["rbf", "laplacian"]], "none"], "predict": "ratings"],
    ] as [JSON])
  func loading(settings: JSON) throws {
    let views = try correlatedRows(50, 4, 3)
    let method = try fitted(views, settings)
    let loaded = try KCCA(KCCA.Configuration(overrides: settings), for: Rows(views).description)
    try loaded.load(method.state, from: "memory")
    for (a, b) in zip(try scores(method, views), try scores(loaded, views)) {
      #expect(try a.distance(to: b) == 0)
    }
  }

  @Test("the form follows the number of pairs, and a line says so")
  func automatic() throws {
    let (views, few) = (try correlatedRows(3001, 2, 2), try correlatedRows(50, 2, 2))
    let large = try fitted(views, ["max_rank": 20, "k": 2])
    #expect(
      large.fitReport?.facts["solver"]
        == "3001 pairs: partial Gram-Schmidt with up to 20 pivots (exact stops at 3000)")
    #expect(large.fitReport?.facts["residual_trace"]?["image"]?.double != nil)
    #expect(try fitted(few).fitReport?.facts["solver"] == "50 pairs: exact (at most 3000)")
  }

  @Test("the share of the kernel matrix that landmarks leave out is that of the definition")
  func residual() throws {
    let views = try correlatedRows(60, 4, 3)
    let method = try fitted(views, ["solver": "nystrom", "landmarks": 15, "gamma": 0.1])
    let kernel = RBFKernel(gamma: 0.1)
    let values = try kernel.values(views[0], method.pointsX)
    let features = try NystromMap(landmarks: kernel.gram(method.pointsX)).features(ofKernelValues: values)
    let expected = try 1 - features.squared().sum().item() / 60
    let found = try #require(method.fitReport?.facts["residual_trace"]?["image"]?.double)
    #expect(abs(found - expected) < 1e-9)
  }

  @Test("what cannot work is refused with the view and the reason")
  func errors() throws {
    let views = try correlatedRows(20, 4, 3)
    #expect(throws: CorrelationError.tooFewRows(2, of: "kernel correlation", needed: 3)) {
      try fitted(part(views, 0..<2))
    }
    #expect(throws: CorrelationError.wrongWidth(view: "text", found: 4, expected: 3)) {
      try fitted(views).encode(.vectors(views[0]), side: 1)
    }
    #expect(throws: CorrelationError.notFitted) {
      try KCCA(KCCA.Configuration(), for: Rows(views).description).encode(.vectors(views[0]), side: 0)
    }
    #expect(throws: CorrelationError.tooManyComponents(k: 25, views: ["image", "text"], ranks: [19, 19])) {
      try fitted(views, ["k": 25])
    }
    #expect(try fitted(views, ["k": 25, "clip": true]).rho.count == 19)
    let nan = try Tensor([Double](repeating: 1, count: 39) + [.nan], shape: [20, 2])
    for solver in ["exact", "pgso", "nystrom", "rff"] {
      #expect(throws: CorrelationError.notFinite(view: "text", row: 19, column: 1)) {
        try fitted([views[0], nan], ["solver": .string(solver), "gamma": 1])
      }
    }
    #expect(throws: KernelError.tooLarge(needed: 25_600, limit: 1000, solver: "exact")) {
      try fitted(views, ["memory_limit": 1000])
    }
    #expect(throws: KernelError.self) {
      try fitted(views, ["solver": "pgso", "regularisation": "bach"])
    }
    let equal = try Tensor.ones([20, 2], .float64)
    #expect(throws: KernelError.allEqual) { try fitted([views[0], equal]) }
  }

  @Test(
    "settings out of range are refused",
    arguments: [
      ["k": 0], ["gamma": 0], ["gamma": [1, -1]], ["degree": 0], ["value": 0], ["value": 1.5],
      ["regularisation": "hardoon", "value": 0], ["regularisation": "sideways"], ["eta": 1], ["max_rank": 0],
      ["kernel": "rbff"], ["kernel": ["type": "sum"]], ["kernel": ["type": "rbf", "gamma": -1]],
      ["kernel": ["type": "sum", "of": ["none"]]], ["landmarks": 0], ["features": 0], ["memory_limit": 0],
      ["sampler": "best"],
    ] as [JSON])
  func settings(_ overrides: JSON) {
    #expect(throws: ConfigurationError.self) { try KCCA.Configuration(overrides: overrides) }
  }
}
