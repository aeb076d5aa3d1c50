import Testing
import Torch

@testable import CrossModal

@Suite("Sequences and sets as vectors")
struct FragmentFeaturizerTests {
  private let values: Tensor

  init() throws { values = try Tensor((0..<24).map(Double.init), shape: [3, 4, 2]) }

  private func fitted(_ items: Items, _ settings: JSON = [:]) throws -> FragmentFeaturizer {
    try FragmentFeaturizer(
      fittedTo: FeaturizerSource(items), FragmentFeaturizer.Configuration(overrides: settings))
  }

  @Test("sequences of one length are laid out flat, and come back after saving")
  func flat() throws {
    let items = Items.sequences(values, lengths: [4, 4, 4])
    let featurizer = try fitted(items)
    #expect(featurizer.form == .flat && featurizer.size == 8)
    #expect(try featurizer.vectors(of: items).distance(to: values.flattened(from: 1)) == 0)
    let stored = try FragmentFeaturizer(settings: featurizer.settings, state: featurizer.state)
    #expect(try stored.vectors(of: items).distance(to: values.flattened(from: 1)) == 0)
    #expect(throws: FeaturizerError.unequalShape(featurizer: "fragments", shape: [3, 2], expected: [4, 2])) {
      try featurizer.vectors(of: .sequences(values, lengths: [4, 3, 4]))
    }
  }

  @Test("sequences of several lengths and sets become means and deviations, in which padding counts nothing")
  func moments() throws {
    for items in [
      Items.sequences(values, lengths: [4, 2, 1]), .sets(values, lengths: [4, 2, 1]),
    ] {
      let featurizer = try fitted(items)
      #expect(featurizer.form == .moments && featurizer.size == 4)
      let found = try featurizer.vectors(of: items)
      // Of the second: rows (8, 9) and (10, 11).
      #expect(try found[1].distance(to: Tensor([9.0, 10, 1, 1])) < 1e-12)
      #expect(try found[2].distance(to: Tensor([16.0, 17, 0, 0])) < 1e-12)
    }
    #expect(try fitted(.sets(values, lengths: [4, 4, 4])).form == .moments)
  }

  @Test("a form that is asked for is taken, or refused with the lengths that stand against it")
  func asked() throws {
    let items = Items.sequences(values, lengths: [4, 2, 1])
    #expect(try fitted(items, ["form": "mean"]).size == 2)
    #expect(throws: FeaturizerError.self) { try fitted(items, ["form": "flat"]) }
    #expect(throws: FeaturizerError.self) { try fitted(.vectors(values.flattened(from: 1))) }
  }

  @Test("closed forms take sequences and sets as they come", arguments: ["cca", "kcca"])
  func closedForms(method: String) throws {
    let generator = try Generator(seed: 2)
    let x = try Tensor.normal([40, 3, 2], using: generator)
    let y = try x.flattened(from: 1) + Tensor.normal([40, 6], using: generator) * 0.1
    let data = try DataSet(
      name: "steps",
      [
        .init("sound", .sequences(x, lengths: Array(repeating: 3, count: 40))),
        .init("text", .vectors(y)),
      ], splits: ["train": 0..<30, "test": 30..<40])
    let run = try Run.fit(MethodList.method(named: method), settings: RunSettings(.null), data: data)
    #expect(run.record.features["sound"]?["form"] == "flat")
    let found = try #require(run.evaluate(on: data.split("test")).retrieval)
    #expect(try #require(found.forward.summary.recalls)[0] >= 80)
  }
}
