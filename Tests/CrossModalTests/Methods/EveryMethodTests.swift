import Foundation
import Testing
import Torch

@testable import CrossModal

/// What every method of the list promises. A method that is added is tested by its line there.
@Suite("Every method")
struct EveryMethodTests {
  // MARK: - Settings

  @Test("takes every kind of data that it says it accepts, and each of its recipes takes some of them")
  func kinds() {
    for type in MethodList.all {
      let about = type.description
      let own = MethodCase.all.filter { $0.type == type }
      let taken = Set(own.flatMap { $0.modalities.map(\.kind) })
      #expect(taken == Set(about.accepts), "\(about.name)")
      let recipes = type.recipes.map(\.name)
      #expect(own.compactMap(\.recipe?.name) == recipes, "\(about.name)")
      #expect(Set(recipes).count == recipes.count, "\(about.name)")
    }
  }

  @Test("settings go through JSON and YAML and come back the same", arguments: MethodCase.all)
  func settings(kind: MethodCase) throws {
    let given = try RunSettings(kind.recipe?.settings ?? .object([]), keys: kind.type.allKeys)
    let own = try TargetSettings(of: kind.type, given.method).others
    try expectRoundTrip(kind.type, kind.type.apart(own).own)
    if let training = try kind.type.plan(given.method, pairs: 1000).training { try expectRoundTrip(training) }
  }

  private func expectRoundTrip(_ type: (some Method).Type, _ settings: JSON) throws {
    try expectRoundTrip(type.Configuration(overrides: settings))
  }

  private func expectRoundTrip<Configuration: MethodConfiguration>(_ configuration: Configuration) throws {
    let tree = try configuration.tree()
    #expect(try Configuration(overrides: JSON(json: Data(tree.text().utf8))) == configuration)
    #expect(try Configuration(overrides: JSON(yaml: tree.text())) == configuration)
    #expect(try Configuration(overrides: JSON(yaml: tree.yaml())) == configuration)
    // What has no key would be lost.
    let known = Set(tree.members?.map(\.key) ?? [] + [Configuration.inlined].compactMap(\.self))
    let encoded = try JSON(encoding: configuration).members?.map(\.key) ?? []
    #expect(Set(encoded).subtracting(known).subtracting([Configuration.inlined].compactMap(\.self)) == [])
  }

  // MARK: - Runs

  @Test("learned, saved and opened again it gives the same numbers bit for bit", arguments: MethodCase.all)
  func opens(kind: MethodCase) throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try kind.data(in: folder)
    let run = try kind.run(data, into: runs.file("run"))
    let opened = try Run.open(runs.file("run").path)
    #expect(try bits(opened.method) == bits(run.method))
    let split = try data.split("val")
    for (one, other) in zip(try run.outcome(on: split), try opened.outcome(on: split)) {
      #expect(try one.values.bytes() == other.values.bytes(), "\(one.name)")
      #expect(try one.values.isFinite().all(), "\(one.name)")
    }
    #expect(try opened.figures(on: split) == run.figures(on: split))
  }

  @Test(
    "the same seed gives the same file; where training begins at random another gives another",
    arguments: MethodCase.all)
  func seeds(kind: MethodCase) throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try kind.data(in: folder)
    let files = try [(3, "a"), (3, "b"), (4, "c")].map { seed, name in
      _ = try kind.run(data, seed: UInt64(seed), into: runs.file(name))
      return try Data(contentsOf: runs.file(name).appending(path: "model.safetensors"))
    }
    #expect(files[0] == files[1])
    // A closed form need not draw anything; what is trained begins with weights that are drawn.
    if kind.type is any Trainable.Type { #expect(files[0] != files[2]) }
  }

  // MARK: - Features

  @Test("features of an item depend on nothing but the item", arguments: MethodCase.all)
  func features(kind: MethodCase) throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try kind.data(in: folder)
    let run = try kind.run(data, into: runs.file("run"))
    guard let method = run.method as? any Encoding else { return }
    // As released, `mask_padding: false` lets the zeros behind a text count.
    let countsPadding = run.record.configuration["mask_padding"]?.bool == false
    let split = try data.split("val")
    let count = TinyData.heldOut
    for side in kind.modalities.indices {
      let items = try run.featurized(split.items(side: side, rows: 0..<count), side: side)
      let whole = try method.encode(items, side: side)
      let order = (0..<count).map { ($0 * 3 + 5) % count }
      try expectClose(
        method.encode(items.rows(at: order), side: side), whole.rows(at: order), "\(side): in another order")
      guard !countsPadding else { continue }
      for row in 0..<count {
        let alone = try items.rows(at: [row]).padded(by: 0)
        try expectClose(method.encode(alone, side: side), whole.rows(at: [row]), "\(side): \(row) alone")
      }
      try expectClose(method.encode(items.padded(by: 3), side: side), whole, "\(side): with padding")
    }
  }

  private func expectClose(_ one: Features, _ other: Features, _ about: String) throws {
    let (one, other) = (try one.packed(), try other.packed())
    #expect(one.lengths == other.lengths, "\(about)")
    for (name, tensor) in [("values", one.values)] + one.companions.map({ ($0.key, $0.value) }) {
      let expected = try #require(name == "values" ? other.values : other.companions[name])
      #expect(tensor.shape == expected.shape, "\(about)")
      #expect(try tensor.isClose(to: expected, relative: 1e-5, absolute: 1e-5), "\(about)")
    }
  }

  // MARK: - The loss

  @Test("every parameter that is trained has a finite gradient", arguments: MethodCase.trained)
  func gradients(kind: MethodCase) throws {
    let folder = try TemporaryFolder()
    let data = try kind.data(in: folder)
    let start = try Beginning(kind.learning(data))
    let loss = try start.loss(of: start.places, isTraining: true)
    try loss.backward()
    for entry in try start.method.parameterGroups(start.training).flatMap(\.parameters) {
      if let gradient = entry.gradient {
        #expect(try gradient.isFinite().all(), "\(entry.name)")
        continue
      }
      // Published networks have parts that nothing goes through, as that of VSE-infinity, so that files fit.
      let other = try Beginning(kind.learning(data))
      let changed = try #require(other.method.parameters.first { $0.name == entry.name })
      changed.tensor = try changed.tensor.detached() + 1
      let same = try other.loss(of: other.places, isTraining: true)
      #expect(try same.total.item() == loss.total.item(), "\(entry.name) has no gradient")
    }
  }

  @Test("the loss of a batch does not depend on the order of its pairs", arguments: MethodCase.trained)
  func order(kind: MethodCase) throws {
    let folder = try TemporaryFolder()
    let data = try kind.data(in: folder)
    func loss(isTurned: Bool = false, isTraining: Bool, seed: UInt64 = 0) throws -> Double {
      let start = try Beginning(kind.learning(data))
      let places = isTurned ? start.places.reversed() : start.places
      return try start.loss(of: places, isTraining: isTraining, seed: seed).total.item()
    }
    func expectSame(isTraining: Bool) throws {
      let (one, other) = (try loss(isTraining: isTraining), try loss(isTurned: true, isTraining: isTraining))
      #expect(isClose(one, other, 1e-4 * max(1, abs(one))), "in training: \(isTraining)")
    }
    try expectSame(isTraining: false)
    // What is drawn in training goes by place.
    if try loss(isTraining: true) == loss(isTraining: true, seed: 1) { try expectSame(isTraining: true) }
  }

  @Test("what is measured on held-out pairs has the names that were foretold", arguments: MethodCase.trained)
  func measures(kind: MethodCase) throws {
    let folder = try TemporaryFolder()
    let learning = try kind.learning(kind.data(in: folder))
    let names = try Beginning(learning).measures(on: learning.pairs(of: "val"))
    #expect(names.found == names.foretold && !names.found.isEmpty)
  }

  // MARK: - Odd data

  @Test(
    "odd data give a finite model or one sentence", arguments: MethodCase.quick,
    TinyData.Oddity.allCases.filter { $0 != .nothing })
  func oddities(kind: MethodCase, oddity: TinyData.Oddity) throws {
    let folder = try TemporaryFolder()
    let isTrained = kind.type is any Trainable.Type
    try expectFiniteOrTold(kind, kind.data(oddity, in: folder), isTrained ? ["epochs": 1] : [:])
  }

  @Test(
    "batches of one pair give a finite model or one sentence",
    arguments: MethodCase.quick.filter { $0.type is any Trainable.Type })
  func batchesOfOne(kind: MethodCase) throws {
    let folder = try TemporaryFolder()
    try expectFiniteOrTold(kind, kind.data(in: folder), ["batch_size": 1, "epochs": 1])
  }

  private func expectFiniteOrTold(_ kind: MethodCase, _ data: DataSet, _ more: JSON) throws {
    let runs = try TemporaryFolder()
    do {
      let run = try kind.run(data, more, into: runs.file("run"))
      for (name, tensor) in run.method.state where tensor.dtype.isFloatingPoint {
        #expect(try tensor.isFinite().all(), "\(name)")
      }
      for (name, values) in try run.outcome(on: data.split("val")) {
        #expect(try values.isFinite().all(), "\(name)")
      }
    } catch {
      let told = (error as? any LocalizedError)?.errorDescription ?? ""
      #expect(!told.isEmpty && !told.contains(where: \.isNewline), "\(error)")
      #expect(String(reflecting: Swift.type(of: error)).hasPrefix("CrossModal."), "\(error)")
    }
  }

  // MARK: - What is said of it

  @Test("summary, citation and every key are said, under one name each", arguments: MethodList.all.indices)
  func documented(place: Int) {
    let type = MethodList.all[place]
    let about = type.description
    let recipes = type.recipes.map(\.summary)
    for text in [about.name, about.summary, about.citation] + recipes {
      #expect(!text.isEmpty && !text.hasSuffix(".") && !text.contains(where: \.isNewline), "\(text)")
    }
    let keys = type.allKeys
    for key in keys {
      #expect(!key.name.isEmpty && !key.about.isEmpty && !key.about.hasSuffix("."), "\(key.name)")
    }
    let names = keys.flatMap { [$0.name] + $0.aliases }
    let twice = Dictionary(grouping: names, by: \.self).filter { $0.value.count > 1 }.keys.sorted()
    #expect(twice == [], "\(about.name)")
  }

  @Test("every key that the list shows reaches the method", arguments: MethodList.all.indices)
  func reached(place: Int) throws {
    let type = MethodList.all[place]
    for member in try #require(type.json()["configuration"]?.members) {
      let value = member.value["default"] ?? .null
      let settings = try RunSettings(.object([.init(member.key, value)]), keys: type.allKeys)
      #expect(settings.method[member.key] == value, "\(type.description.name): \(member.key)")
    }
  }

  @Test(
    "has a row in both READMEs, and nothing else is said to be here",
    arguments: [
      ("README.md", "**here**"), ("README.zh-CN.md", "**已有**"),
    ])
  func rows(file: String, here: String) throws {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    let text = try String(contentsOf: repository.appending(path: file), encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.hasSuffix("| \(here) |") }
    let names = rows.flatMap { row in
      row.split(separator: "|")[0].matches(of: /`([^`]+)`/).map { String($0.1) }
    }
    #expect(Set(names) == Set(MethodList.all.map { $0.description.name }))
    #expect(names.count == Set(names).count)
  }
}

extension Items {
  /// The same items with `more` places behind the longest, which hold what means nothing.
  fileprivate func padded(by more: Int) throws -> Items {
    func wider(_ rows: Tensor, _ lengths: [Int], _ filling: Double) throws -> Tensor {
      let longest = max(1, lengths.max() ?? 1)
      let own = try rows.narrowed(to: 0..<longest, along: 1)
      guard more > 0 else { return own }
      var shape = own.shape
      shape[1] = more
      return try Tensor.concatenated([own, Tensor.full(shape, filling).to(own.dtype)], along: 1)
    }
    switch self {
    case .sets(let rows, let lengths): return .sets(try wider(rows, lengths, 7), lengths: lengths)
    case .sequences(let rows, let lengths): return .sequences(try wider(rows, lengths, 7), lengths: lengths)
    case .tokens(let rows, let lengths): return .tokens(try wider(rows, lengths, 1), lengths: lengths)
    case .vectors, .texts, .images, .pictures: return self
    }
  }
}
