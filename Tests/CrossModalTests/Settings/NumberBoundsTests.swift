import Foundation
import Testing
import Torch

@testable import CrossModal

/// What becomes of a setting that a user gives, for every key of every method.
@Suite("Every setting")
struct NumberBoundsTests {
  private static let odd: [JSON] = [
    0, -1, 10_000_000_000, .int(.max), 1e308, .double(-0.0), .double(.nan),
  ]

  /// What other values of a key need beside them.
  private static let beside: [String: JSON] = [
    "dcca accumulate": ["optimizer": "adam"], "structure-preserving chunk_size": ["batch_norm": false],
    "dime extra_img": ["direction": "t2i"], "san reverse": ["question_model": "lstm"],
    "locvtp stale_index_quirk": ["form": "official"],
    "selfalign word_map": ["terms": "rank"],
    "densecl val_every": ["evaluate_every": 1],
  ]

  /// Keys with one value alone.
  private static let fixed: Set = ["structure-preserving encoder"]

  /// Settings of a method with one that a user gives, as `config.yaml` would hold them.
  private func tree(_ type: any Method.Type, _ path: [String], _ value: JSON) throws -> JSON {
    var given = Self.beside["\(type.description.name) \(path[0])"] ?? .object([])
    try given.set(path[...], to: value)
    let settings = try RunSettings(given, keys: type.allKeys)
    return try recorded(type, settings.method)
  }

  private func recorded(_ type: any Method.Type, _ settings: JSON) throws -> JSON {
    let training = try type.plan(settings, pairs: 1000).training
    var whole = try own(type, type.apart(settings).own)
    for member in try training?.tree().members ?? [] where whole[member.key] == nil {
      whole[member.key] = member.value
    }
    return whole
  }

  private func own<Kind: Method>(_ type: Kind.Type, _ settings: JSON) throws -> JSON {
    try Kind.Configuration(overrides: settings).tree()
  }

  /// Nil when it is taken, else what is said of it.
  private func refusal(_ type: any Method.Type, _ path: [String], _ value: JSON) throws -> String? {
    do {
      _ = try tree(type, path, value)
      return nil
    } catch let error as ConfigurationError {
      return error.localizedDescription
    }
  }

  /// Every key, and every member of those whose values are objects.
  private func paths(of type: any Method.Type) throws -> [(path: [String], standard: JSON)] {
    try recorded(type, .object([])).members?.flatMap { member in
      [([member.key], member.value)]
        + (member.value.members ?? []).map { ([member.key, $0.key], $0.value) }
    } ?? []
  }

  @Test(
    "an odd number is told in one sentence that names the key, or harmless", arguments: MethodList.all.indices
  )
  func numbers(place: Int) throws {
    let type = MethodList.all[place]
    for (path, _) in try paths(of: type) {
      let name = "\(type.description.name) \(path.joined(separator: "."))"
      for value in Self.odd {
        guard let told = try refusal(type, path, value) else {
          // What is taken is no count, but of bytes: those of 10^10 or more would take all memory or all time.
          let isLarge = value.int.map { $0 >= 10_000_000_000 } ?? false
          #expect(!isLarge || path == ["memory_limit"] || !isCounted(type, path), "\(name) \(value)")
          continue
        }
        #expect(!told.contains("\n") && told.count < 700, "\(name) \(value): \(told)")
        #expect(told.contains(path[path.count - 1]) || told.contains(path[0]), "\(name) \(value): \(told)")
      }
      #expect(try refusal(type, path, 1e308) != nil, "\(name)")
      #expect(try refusal(type, path, .double(.nan)) != nil, "\(name)")
    }
  }

  /// Whether a setting is a whole number.
  private func isCounted(_ type: any Method.Type, _ path: [String]) -> Bool {
    (try? refusal(type, path, 1.5)).flatMap(\.self)?.contains("whole number") == true
  }

  @Test("another value is seen in the record, and nonsense is told", arguments: MethodList.all.indices)
  func taken(place: Int) throws {
    let type = MethodList.all[place]
    for (path, standard) in try paths(of: type) {
      let name = "\(type.description.name) \(path.joined(separator: "."))"
      let about = type.allKeys.first { $0.name == path[0] }?.about ?? ""
      let words = about.split { !$0.isLetter && !$0.isNumber && !"_-+".contains($0) }
      let others: [JSON] =
        [
          .bool(true), .bool(false), 1, 2, 3, 16, 24, 0.5, 0.25, 100, [0.5, 0.25], [2, 3], [2, 3, 4], ["a"],
        ]
        + words.map { .string(String($0)) } + ["some.file", "hard(3)", "gru"]
      let seen = others.contains { other in
        guard other != standard, let tree = try? tree(type, path, other) else { return false }
        let now = path.reduce(Optional(tree)) { $0?[$1] }
        return now != standard && now != nil
      }
      // What stands alone and has members is seen by them.
      #expect(seen || standard.members != nil || Self.fixed.contains(name), "\(name)")
      if let told = try refusal(type, path, "no such thing") {
        #expect(!told.contains("\n"), "\(name): \(told)")
      } else {
        let whole = try tree(type, path, "no such thing")
        let now = path.reduce(Optional(whole)) { $0?[$1] }
        #expect(now == "no such thing", "\(name) swallows it")
      }
    }
  }

  @Test("what is taken lets a first step be made, or is told in one sentence, in bounded memory and time")
  func firstSteps() async {
    // A process of its own, whose memory is that of the walk.
    await #expect(processExitsWith: .success) {
      for kind in MethodCase.firsts { try NumberBoundsTests().walk(kind) }
    }
  }

  /// Learns once with every setting at every odd value that is taken.
  private func walk(_ kind: MethodCase) throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try kind.data(in: folder)
    for (path, standard) in try paths(of: kind.type) {
      for value: JSON in [0, 10_000_000_000]
      where try value != standard && refusal(kind.type, path, value) == nil {
        let name = "\(kind.type.description.name) \(path.joined(separator: ".")) \(value)"
        var more = JSON.object([])
        try more.set(path[...], to: value)
        if kind.type is any Trainable.Type {
          for (key, one) in [("epochs", 1), ("steps", 1)] where more[key] == nil { more[key] = .int(one) }
        }
        ProcessMemory.resetPeak()
        let began = clock()
        do { _ = try kind.run(data, more, into: runs.file(UUID().uuidString)) } catch {
          let told = (error as? any LocalizedError)?.errorDescription ?? ""
          #expect(!told.isEmpty && !told.contains("\n"), "\(name): \(error)")
        }
        #expect(ProcessMemory.now.peak < 1 << 30, "\(name)")
        // Of computing, not of waiting: whatever else the machine does.
        #expect(Double(clock() - began) / Double(CLOCKS_PER_SEC) < 60, "\(name)")
      }
    }
  }

  @Test("a number of features where the names of modalities belong is told", arguments: ["cca", "clip"])
  func features(method: String) throws {
    let type = try MethodList.method(named: method)
    for value: JSON in [64, -5, "abc"] {
      #expect(try refusal(type, ["features"], value)?.hasPrefix("features: ") == true)
    }
  }

  @Test("the bounds of each number are said beside its default")
  func documented() throws {
    for type in MethodList.all {
      for member in try #require(type.json()["configuration"]?.members) {
        guard let number = member.value["default"], number.int != nil || number.double != nil else {
          continue
        }
        let bounds = member.value["bounds"]
        #expect(bounds?["maximum"] ?? bounds?["exclusive_maximum"] != nil, "\(member.key)")
      }
    }
  }

  @Test("what is too small and what is too large are told with the bound that they miss")
  func sentences() throws {
    let type = CCA.self
    #expect(try refusal(type, ["test_count"], 0) == "test_count: 0 is not 1 or more")
    #expect(
      try refusal(type, ["test_count"], 10_000_000_000) == "test_count: 10000000000 is not at most 1000000")
    #expect(try refusal(type, ["rank_rtol"], 1) == "rank_rtol: 1 is not from 0 to below 1")
    #expect(try refusal(type, ["grid"], [0.5, -1]) == "grid: -1 is not 0 or more")
    #expect(try refusal(type, ["k"], 0) == "k: 0 is not 1 or more, or all or cv")
    #expect(try refusal(SCAN.self, ["num_layers"], 65) == "num_layers: 65 is not at most 64")
    #expect(
      try refusal(Contrastive.self, ["negatives"], "hard(10000000000)")
        == "negatives: hard(10000000000) is not at most 1073741824")
    #expect(
      try refusal(KCCA.self, ["kernel"], ["type": "sum", "of": [["type": "poly", "degree": 101]]])
        == "kernel.of.0.degree: 101 is not at most 100")
  }
}

extension MethodCase {
  /// One of every method.
  fileprivate static let firsts = MethodList.all.compactMap { type in
    quick.first { $0.type == type && $0.recipe == nil }
  }
}
