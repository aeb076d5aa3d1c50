import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Published encoders as featurizers")
struct EncoderFeaturizerTests {
  private static let texts = ["a red cat", "a blue dog", "cats", "a red cat", ""]

  private static func featurizer(
    _ folder: TemporaryFolder, _ cache: TemporaryFolder, _ more: [(String, JSON)] = []
  ) throws -> EncoderFeaturizer {
    var settings: JSON = ["weights": .string(folder.path), "cache": .string(cache.path)]
    for (key, value) in more { settings[key] = value }
    return try EncoderFeaturizer(
      fittedTo: FeaturizerSource(.texts(Self.texts)), .init(overrides: settings))
  }

  @Test("vectors are the encoder's, of length 1, and no item is encoded twice")
  func kept() throws {
    let (folder, cache) = (try TemporaryFolder(), try TemporaryFolder())
    try SentenceToy.write(to: folder)
    let featurizer = try Self.featurizer(folder, cache)
    var told: [Int] = []
    guard
      case .vectors(let vectors) = try featurizer.featurized(
        .texts(Self.texts), progress: { told.append($0) })
    else { return }
    #expect(vectors.shape == [5, 8] && vectors.dtype == .float64)
    #expect(told.last == 5)
    let model = try SentenceFolder(folder.url)
    let expected = try model.model().vectors(of: model.numbers(of: Self.texts)).to(.float64)
    #expect(try (vectors - expected).magnitude().max().item() < 1e-6)
    // Another run with the same encoder finds them, and needs no weights for that.
    let stored = try EncoderFeaturizer(settings: featurizer.settings, state: [:])
    try FileManager.default.removeItem(at: folder.file("model.safetensors"))
    let again = try stored.vectors(of: .texts(Self.texts.reversed())).rows(at: [4, 3, 2, 1, 0])
    #expect(try (again - vectors).magnitude().max().item() == 0)
    #expect(
      message { _ = try stored.vectors(of: .texts(["dog"])) }?.contains("its files have changed") == true)
  }

  @Test("damaged files of vectors are as if they were not there, and many become one")
  func files() throws {
    let cache = try TemporaryFolder()
    let kept = { KeptVectors(in: cache.url, width: 1) }
    var encoded = 0
    func vectors(_ kept: KeptVectors, _ numbers: Range<UInt8>) throws -> [Float] {
      try kept.vectors(of: numbers.map { ItemKey([$0]) }) { _ in
      } encode: { places, _ in
        encoded += places.count
        return try Tensor(places.map { Float(numbers.lowerBound) + Float($0) }, shape: [places.count, 1])
      }.values()
    }
    for start in UInt8(0)..<40 { _ = try vectors(kept(), start..<start + 2) }
    #expect(encoded == 41)
    #expect(try vectors(kept(), 0..<41) == (0..<41).map(Float.init))
    #expect(encoded == 41)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).count < 40)
    for name in try FileManager.default.contentsOfDirectory(atPath: cache.path) {
      try cache.write("damaged", to: name)
    }
    #expect(try vectors(kept(), 0..<3) == [0, 1, 2])
    #expect(encoded == 44)
  }

  @Test("a method learns on them, and its run is opened again")
  func run() throws {
    let (folder, cache, place) = (try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder())
    try SentenceToy.write(to: folder)
    let words = ["a", "red", "blue", "cat", "dog", "runs", "cats", "dogs"]
    let texts = (0..<40).map { "\(words[$0 % 8]) \(words[($0 / 3) % 8]) \(words[($0 / 5) % 8])" }
    let data = try DataSet(
      name: "toy", [.init("left", .texts(texts)), .init("right", .texts(texts.map { $0 + " a" }))])
    let features: JSON = [
      "name": "encoder", "weights": .string(folder.path), "cache": .string(cache.path),
    ]
    var told: [FeatureProgress] = []
    let run = try Run.fit(
      CCA.self, settings: RunSettings(["features": ["left": features, "right": features]]), data: data,
      progress: { told.append($0) })
    #expect(told.last.map { $0.modality == "right" && $0.done == 40 && $0.total == 40 } == true)
    try run.save(to: place.file("run"))
    let opened = try Run.open(place.file("run").path)
    let before = try run.encode(.texts(["a red dog"]), side: 0).values
    let after = try opened.encode(.texts(["a red dog"]), side: 0).values
    #expect(try (before - after).magnitude().max().item() < 1e-9)
  }

  @Test("a folder of another encoder and settings that mean nothing are told before work starts")
  func mistakes() throws {
    let (folder, cache) = (try TemporaryFolder(), try TemporaryFolder())
    try SentenceToy.write(to: folder)
    let featurizer = try Self.featurizer(folder, cache)
    try SentenceToy.write(to: folder, seed: 2)
    let stored = try EncoderFeaturizer(settings: featurizer.settings, state: [:])
    #expect(
      message { _ = try stored.vectors(of: .texts(["dog"])) }?.contains("its files have changed") == true)
    #expect(throws: (any Error).self) {
      try EncoderFeaturizer(
        fittedTo: FeaturizerSource(.images(Tensor.zeros([1, 2, 2, 3], .uint8))),
        .init(overrides: ["weights": .string(folder.path)]))
    }
    #expect(
      message { _ = try EncoderFeaturizer.Configuration(overrides: [:]) }?.contains("needs one") == true)
    #expect(
      message { _ = try Self.featurizer(folder, cache, [("weights", "/nowhere/model")]) }?
        .contains("/nowhere/model") == true)
  }
}
