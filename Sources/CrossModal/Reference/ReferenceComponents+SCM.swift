import Foundation
import Torch

/// Reference cases of `scm` (`scm.md` section 14).
public enum SCMReference: ReferenceComponents {
  public static let method = "scm"
  public static let components = ["fit", "dataset"]

  public static func ranks(of component: String) -> [Int: [String]] {
    [
      1: ["label_train", "label_image_test", "label_text_test"],
      2: ["image_train", "text_train", "image_test", "text_test"],
    ]
  }

  public static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "fit": try fit(reference).mapValues(ReferenceOutput.tensor)
    case "dataset": try dataset(reference).mapValues(ReferenceOutput.tensor)
    default: throw ReferenceError.missing("component", reference.component, components)
    }
  }

  /// Test vectors of both sides and their classes.
  private struct Test {
    let image: Tensor
    let text: Tensor
    let imageLabels: [Int]
    let textLabels: [Int]
  }

  // MARK: - fit

  private static func fit(_ reference: ReferenceCase) throws -> [String: Tensor] {
    let k = try reference.count("k")
    let classes = try reference.count("classes")
    let penalty = try reference.number("C")
    let train = try ["image_train", "text_train"].map { try reference.input($0).to(.float64) }
    let test = try ["image_test", "text_test"].map { try reference.input($0).to(.float64) }
    let labels = try reference.input("label_train").values(as: Int.self)
    guard labels.allSatisfy({ 0..<classes ~= $0 }) else {
      throw ReferenceError.badSetting("classes", "\(classes)", "above every label")
    }
    let canonical = try CanonicalFit(
      joint(train), with: CanonicalSolver(components: .exactly(k)))
    var maps = try SemanticMaps(
      canonical: canonical, train: train, labels: labels, classes: classes, penalty: penalty)
    if !reference.weights.isEmpty { maps = try SemanticMaps(reference.weights) }
    var out: [String: Tensor] = [
      "rho": try canonical.solution.correlations[0..<k],
      "rank_text": try Tensor([canonical.solution.ranks[1]]),
    ]
    for (name, vectors) in try maps.representations(of: test) {
      let side = Test(
        image: vectors[0], text: vectors[1],
        imageLabels: try reference.input("label_image_test").values(),
        textLabels: try reference.input("label_text_test").values())
      (out["\(name).image"], out["\(name).text"]) = (vectors[0], vectors[1])
      try measure(name, side, wanted: reference.outputs, into: &out)
    }
    return out
  }

  /// The maps of the parameters file: canonical projections and both pairs of classifiers.
  private struct SemanticMaps {
    let means: [Tensor]
    let weights: [Tensor]
    let semantic: [LogisticRegression]
    let both: [LogisticRegression]

    init(canonical: CanonicalFit, train: [Tensor], labels: [Int], classes: Int, penalty: Double) throws {
      means = canonical.means
      weights = canonical.solution.weights
      semantic = try train.map {
        try LogisticRegression.fit($0, classes: labels, count: classes, penalty: penalty)
      }
      both = try train.indices.map {
        try LogisticRegression.fit(
          canonical.scores(train[$0], view: $0), classes: labels, count: classes, penalty: penalty)
      }
    }

    init(_ file: [String: Tensor]) throws {
      let sides = ["image", "text"]
      let names = sides.flatMap { side in
        ["cca.\(side).mean", "cca.\(side).weight"]
          + ["sm", "scm"].flatMap { ["\($0).\(side).weight", "\($0).\(side).bias"] }
      }
      let optional = ["cca.rho", "classes"]
      if let odd = file.keys.sorted().first(where: { !names.contains($0) && !optional.contains($0) }) {
        throw ReferenceError.badSetting(
          "weights", "holding '\(odd)'", "only " + names.joined(separator: ", "))
      }
      func tensor(_ name: String) throws -> Tensor {
        guard let tensor = file[name] else {
          throw ReferenceError.missing("weight", name, file.keys.sorted())
        }
        return try tensor.to(.float64)
      }
      func classifier(_ stage: String, _ side: String) throws -> LogisticRegression {
        LogisticRegression(
          weight: try tensor("\(stage).\(side).weight"), bias: try tensor("\(stage).\(side).bias"))
      }
      means = try sides.map { try tensor("cca.\($0).mean") }
      weights = try sides.map { try tensor("cca.\($0).weight") }
      semantic = try sides.map { try classifier("sm", $0) }
      both = try sides.map { try classifier("scm", $0) }
    }

    /// Vectors of both sides under each of the three methods.
    func representations(of rows: [Tensor]) throws -> [(name: String, vectors: [Tensor])] {
      let scores = try rows.indices.map { try (rows[$0] - means[$0]).matmul(weights[$0]) }
      return [
        ("cm", scores),
        ("sm", try rows.indices.map { try semantic[$0].probabilities(rows[$0]) }),
        ("scm", try rows.indices.map { try both[$0].probabilities(scores[$0]) }),
      ]
    }
  }

  // MARK: - dataset

  private static func dataset(_ reference: ReferenceCase) throws -> [String: Tensor] {
    guard let folder = reference.dataFolder else { throw ReferenceError.missing("setting", "data", []) }
    let ks = try reference.counts("ks")
    let penalty = try reference.number("C")
    func array(_ name: String) throws -> Tensor {
      try NPYReader.open(folder.appending(path: name + ".npy"), limits: .standard).all()
    }
    func rows(_ part: String) throws -> [Tensor] {
      try ["image", "text"].map { try array("\($0)_\(part)").to(.float64) }
    }
    let (train, test) = (try rows("train"), try rows("test"))
    let found = try array("labels_train").values(as: Int.self)
    let order = Array(Set(found)).sorted()
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    let labels = found.compactMap { place[$0] }
    let testLabels = try array("labels_test").values(as: Int.self)
    let canonical = try CanonicalFit(joint(train), with: CanonicalSolver())
    let ranks = canonical.solution.ranks
    var out: [String: Tensor] = [
      "rho": canonical.solution.correlations, "rank_text": try Tensor([ranks[1]]),
    ]
    let trainScores = try train.indices.map { try canonical.scores(train[$0], view: $0) }
    let testScores = try test.indices.map { try canonical.scores(test[$0], view: $0) }
    // Test items are of classes by number; those unseen in training match no trained class.
    let numbers = testLabels.map { place[$0] ?? order.count + $0 }
    for k in ks {
      _ = try ComponentRequest.exactly(k).count(ranks: ranks, views: ["image", "text"])
      func first(_ scores: [Tensor]) throws -> [Tensor] {
        try scores.map { try $0.narrowed(to: 0..<k, along: 1) }
      }
      let z = try first(testScores)
      let posteriors = try zip(first(trainScores), z).map { learned, tested in
        try LogisticRegression.fit(learned, classes: labels, count: order.count, penalty: penalty)
          .probabilities(tested)
      }
      for (name, vectors) in [("cm", z), ("scm", posteriors)] {
        let side = Test(image: vectors[0], text: vectors[1], imageLabels: numbers, textLabels: numbers)
        try measure("\(name).k\(k)", side, wanted: reference.outputs, into: &out)
      }
    }
    return out
  }

  // MARK: - Measures

  private static func joint(_ views: [Tensor]) throws -> JointCovariance {
    var joint = try JointCovariance(views: ["image", "text"], widths: views.map { $0.size(along: 1) })
    try joint.add(views)
    return joint
  }

  /// Every wanted output `PREFIX.SCORE.…`.
  private static func measure(
    _ prefix: String, _ test: Test, wanted: [String], into out: inout [String: Tensor]
  ) throws {
    for score in SemanticScore.allCases {
      let start = "\(prefix).\(score.rawValue)."
      let names = wanted.filter { $0.hasPrefix(start) }
      guard !names.isEmpty else { continue }
      let forward = try score.scores(test.image, test.text)
      let backward = score.isSymmetric ? try forward.transposed() : try score.scores(test.text, test.image)
      for name in names {
        let rest = name.dropFirst(start.count)
        let parts = rest.split(separator: ".")
        guard rest != "scores" else {
          out[name] = forward
          continue
        }
        guard parts.count == 2, ["img2txt", "txt2img"].contains(parts[1]) else { continue }
        let isForward = parts[1] == "img2txt"
        let scores = isForward ? forward : backward
        let (queries, gallery) =
          isForward ? (test.imageLabels, test.textLabels) : (test.textLabels, test.imageLabels)
        switch parts[0] {
        case "pr11":
          out[name] = try Tensor(
            LabeledRetrieval().elevenPointPrecision(scores, queries: queries, gallery: gallery))
        case "map", "map_threshold":
          let rule = LabeledRetrieval(ties: parts[0] == "map" ? .index : .threshold)
          out[name] = try Tensor([rule.meanAveragePrecision(scores, queries: queries, gallery: gallery)])
        default:
          guard parts[0].hasPrefix("map_at_"), let depth = Int(parts[0].dropFirst(7)), depth > 0 else {
            continue
          }
          let rule = LabeledRetrieval(at: depth)
          out[name] = try Tensor([rule.meanAveragePrecision(scores, queries: queries, gallery: gallery)])
        }
      }
    }
  }
}
