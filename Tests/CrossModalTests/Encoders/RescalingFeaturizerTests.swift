import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Numbers of any size")
struct RescalingFeaturizerTests {
  private let folder: TemporaryFolder
  private let x, y: Tensor

  init() throws {
    folder = try TemporaryFolder()
    let generator = try Generator(seed: 3)
    let shared = try Tensor.normal([80, 3], .float64, using: generator)
    x = try Tensor.concatenated(
      [shared, Tensor.normal([80, 2], .float64, using: generator)], along: 1)
    y = try shared + Tensor.normal([80, 3], .float64, using: generator) * 0.3
  }

  private func data(_ scaleX: Double, _ scaleY: Double) throws -> DataSet {
    try DataSet(
      name: "sizes", [.init("x", .vectors(x * scaleX)), .init("y", .vectors(y * scaleY))],
      splits: ["train": 0..<60, "test": 60..<80])
  }

  private func fitted(_ method: String, _ data: DataSet) throws -> Run {
    try Run.fit(MethodList.method(named: method), settings: RunSettings(.null), data: data)
  }

  @Test(
    "closed forms find the same in numbers whose squares overflow or vanish, and once more after opening",
    arguments: ["cca", "kcca"], [(1e150, 1e-160), (1e-200, 1e250), (1e-39, 1e39)])
  func closedForms(method: String, scales: (Double, Double)) throws {
    let plain = try fitted(method, data(1, 1))
    let usual = try #require(plain.evaluate(on: data(1, 1).split("test")).retrieval)
    let sized = try data(scales.0, scales.1)
    let run = try fitted(method, sized)
    #expect(run.record.features["x"]?["name"] == "rescaled")
    try run.save(to: folder.file("run"))
    for run in [run, try Run.open(folder.file("run").path)] {
      let found = try #require(run.evaluate(on: sized.split("test")).retrieval)
      #expect(found.forward.summary.recalls == usual.forward.summary.recalls)
      #expect(found.forward.summary.medianRank == usual.forward.summary.medianRank)
    }
  }

  @Test("networks learn from them in float32")
  func network() throws {
    let run = try Run.train(
      CLIP.self, settings: RunSettings(["epochs": 2], keys: CLIP.allKeys), data: data(1e150, 1e-160),
      into: folder.file("run")
    ).run
    let found = try run.features(of: data(1e150, 1e-160).split("test"), side: 0).values
    #expect(try found.isFinite().all())
  }

  @Test("a number beside which the others vanish is named; so is what a run of usual numbers cannot take")
  func beyond() throws {
    let place = try Tensor.range(0..<400).reshaped(to: [80, 5]) .== 37.0
    let outlier = try x.masked(with: place, fill: 1e300)
    let odd = try DataSet(
      name: "sizes", [.init("x", .vectors(outlier)), .init("y", .vectors(y))],
      splits: ["train": 0..<60, "test": 60..<80])
    let said = message { _ = try odd.split("train") } ?? ""
    #expect(said.contains("row 7, column 2 is 1e+300, too large to compute with"))
    let run = try fitted("cca", data(1, 1))
    #expect(throws: DataError.self) { try run.evaluate(on: data(1e150, 1).split("test")) }
    #expect(throws: MethodError.self) { try run.encode(.vectors(x * 1e150), side: 0) }
    let large = try fitted("cca", data(1e-160, 1))
    #expect(throws: FeaturizerError.self) { try large.encode(.vectors(x), side: 0) }
  }
}
