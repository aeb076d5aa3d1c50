import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Featurizers")
struct FeaturizerTests {
  private static let texts = [
    "a red heart", "a blue heart", "red red wine", "blue sea, blue sky", "the sky at night",
    "a heart of wine",
  ]

  private static func pictures(_ n: Int) throws -> Items {
    .images(
      try Tensor.integers(in: 0..<256, [n, 20, 24, 3], using: Generator(seed: 1)).to(.uint8))
  }

  private static let ofVectors = ["tfidf", "descriptor", "pixels"]

  private static func fitted(_ name: String) throws -> (any VectorFeaturizer, Items) {
    switch name {
    case "tfidf":
      let items = Items.texts(texts)
      return (try TFIDFFeaturizer(fittedTo: FeaturizerSource(items), size: 4), items)
    case "descriptor":
      let items = try pictures(8)
      return (try DescriptorFeaturizer(fittedTo: FeaturizerSource(items), size: 4), items)
    default:
      let items = try pictures(8)
      return (try PixelFeaturizer(fittedTo: FeaturizerSource(items), size: 4), items)
    }
  }

  @Test("words are lower-case runs of letters and digits; characters of scripts without blanks stand alone")
  func words() {
    #expect(TFIDFFeaturizer.words(of: "Don't STOP, keycap 10!") == ["don", "t", "stop", "keycap", "10"])
    #expect(TFIDFFeaturizer.words(of: "Größe naïve") == ["größe", "naïve"])
    #expect(TFIDFFeaturizer.words(of: "按键 5a") == ["按", "键", "5a"])
    #expect(TFIDFFeaturizer.words(of: " ,. ").isEmpty)
  }

  @Test("with all singular vectors, inner products are those of the weighted counts")
  func weights() throws {
    let items = Items.texts(["b a a", "b c", "c c c d"])
    let featurizer = try TFIDFFeaturizer(fittedTo: FeaturizerSource(items), size: 100)
    let rows = try featurizer.vectors(of: items)
    let found = try rows.matmul(rows.transposed()).values(as: Double.self)
    // By hand: words a, d occur in one text of three, b, c in two.
    let (rare, common) = (log(4.0 / 2) + 1, log(4.0 / 3) + 1)
    let counts: [[Double]] = [
      [(1 + log(2.0)) * rare, common, 0, 0], [0, common, common, 0], [0, 0, (1 + log(3.0)) * common, rare],
    ]
    let unit = counts.map { row in
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / length }
    }
    for i in 0..<3 {
      for j in 0..<3 {
        let expected = zip(unit[i], unit[j]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(found[3 * i + j] - expected) < 1e-9)
      }
    }
  }

  @Test("singular vectors of few entries are those of the whole matrix")
  func singularVectors() throws {
    let dense = try Tensor.uniform([40, 12], .float64, using: Generator(seed: 3))
    let values = try dense.values(as: Double.self)
    var sparse = SparseRows()
    for row in 0..<40 { sparse.append((0..<12).map { ($0, values[12 * row + $0]) }) }
    let found = try sparse.singularVectors(width: 12, count: 3, seed: 0)
    let exact = try dense.svd().vt[0..<3].transposed().withPositiveExtremes()
    #expect(try (found - exact).magnitude().max().item() < 1e-8)
  }

  @Test("components are orthonormal and carry falling variance")
  func principalComponents() throws {
    let rows = try Tensor.normal([50, 6], .float64, using: Generator(seed: 2))
    let components = try PrincipalComponents(size: 4) { try $0(rows) }
    let gram = try components.components.transposed().matmul(components.components)
    #expect(try gram.isClose(to: Tensor.identity(4, .float64), absolute: 1e-10))
    let variances = try components.projected(rows).variance(along: 0).values(as: Double.self)
    #expect(variances == variances.sorted(by: >))
  }

  @Test("what is stored makes the same featurizer again", arguments: ofVectors)
  func stored(name: String) throws {
    let (featurizer, items) = try FeaturizerTests.fitted(name)
    let settings = try JSON(json: Data(featurizer.settings.text().utf8))
    let again = try Featurizers.make(name, settings: settings, state: featurizer.state)
    let repeated = try #require(again as? any VectorFeaturizer)
    let vectors = try featurizer.vectors(of: items)
    #expect(vectors.shape == [items.count, 4])
    #expect(featurizer.size == 4)
    #expect(try vectors.values(as: Double.self) == repeated.vectors(of: items).values(as: Double.self))
    #expect(throws: FeaturizerError.self) { try Featurizers.make(name, settings: settings, state: [:]) }
  }

  @Test("an item's vector does not depend on the items beside it", arguments: ofVectors)
  func independent(name: String) throws {
    let (featurizer, items) = try FeaturizerTests.fitted(name)
    let all = try featurizer.vectors(of: items)
    let one = try featurizer.vectors(of: items.rows(at: [3]))
    #expect(try all[3].isClose(to: one[0], absolute: 1e-9))
  }

  @Test("wrong kinds and unknown names are refused in words")
  func wrong() throws {
    let (featurizer, _) = try FeaturizerTests.fitted("tfidf")
    #expect(
      message { _ = try featurizer.vectors(of: FeaturizerTests.pictures(1)) }
        == "the featurizer 'tfidf' takes text, not images")
    #expect(
      message { _ = try Featurizers.make("tfdif", settings: .null, state: [:]) }
        == "there is no featurizer 'tfdif', only tfidf, descriptor, pixels, words, wordpiece, fragments, rescaled, encoder, pieces; did you mean 'tfidf'?"
    )
  }

  @Test("linear CCA on emoji reaches the recorded baseline", .enabled(if: SharedData.exists))
  func emoji() throws {
    let data = try DataSet(at: SharedData.path("emoji"))
    let (train, test) = try (data.split("train"), data.split("test"))
    let fitted = try Featurizers.fit("descriptor", to: train, side: 0)
    let picture = try #require(fitted as? any VectorFeaturizer)
    func captions(_ split: Split) throws -> Items {
      guard case .texts(let lines) = try split.items(side: 1) else { return .texts([]) }
      return .texts(
        stride(from: 0, to: lines.count, by: 5).map { lines[$0..<$0 + 5].joined(separator: " ") })
    }
    let text = try TFIDFFeaturizer(fittedTo: FeaturizerSource(captions(train)), size: 120)
    let x = try picture.vectors(of: train.items(side: 0))
    let y = try text.vectors(of: captions(train))
    let (u, v) = try slowCCA(x, y, size: 30, ridge: 0.1)
    let a = try ((picture.vectors(of: test.items(side: 0)) - x.mean(along: 0)).matmul(u)).normalized(along: 1)
    let b = try ((text.vectors(of: captions(test)) - y.mean(along: 0)).matmul(v)).normalized(along: 1)
    let scores = try a.matmul(b.transposed())
    let own = try scores.diagonal()
    let toText = try ((scores .> own.unsqueezed(at: 1)).sum(along: 1) .== 0).to(.float64).mean().item()
    let toPicture = try ((scores .> own.unsqueezed(at: 0)).sum(along: 0) .== 0).to(.float64).mean().item()
    #expect(toText >= 0.179)
    #expect(toPicture >= 0.203)
  }

  /// Projections by the definition: singular vectors of the whitened cross-covariance.
  private func slowCCA(_ x: Tensor, _ y: Tensor, size: Int, ridge: Double) throws -> (Tensor, Tensor) {
    let (cx, cy) = try (x - x.mean(along: 0), y - y.mean(along: 0))
    func whitening(_ c: Tensor) throws -> Tensor {
      let covariance = try c.transposed().matmul(c) / Double(c.size(along: 0) - 1)
      let width = covariance.size(along: 0)
      let mean = try covariance.trace().item() / Double(width)
      let (values, vectors) = try (covariance + Tensor.identity(width, .float64) * (ridge * mean))
        .symmetricEigen()
      return try (vectors * values.inverseSquareRoot()).matmul(vectors.transposed())
    }
    let (wx, wy) = try (whitening(cx), whitening(cy))
    let cross = try cx.transposed().matmul(cy) / Double(x.size(along: 0) - 1)
    let (u, _, vt) = try wx.matmul(cross).matmul(wy).svd()
    return try (
      wx.matmul(u.narrowed(to: 0..<size, along: 1)), wy.matmul(vt[0..<size].transposed())
    )
  }
}
