import CrossModal
import Testing

private struct Sample: MethodConfiguration {
  var size = 10
  var embedRate = 0.5
  var mode: Mode = .mean
  var limit: Int?
  var ends: [Int] = []

  enum Mode: String, Codable { case mean, sum }

  static let keys = [
    ConfigurationKey("size", "dimensions"), ConfigurationKey("embed_rate", "rate", aliases: ["emb_rate"]),
    ConfigurationKey("mode", "mean or sum"), ConfigurationKey("limit", "at most"),
    ConfigurationKey("ends", "places"),
  ]

  func validateRelations() throws {
    if size < 1 { throw ConfigurationError.badValue(key: "size", value: "\(size)", expected: "at least 1") }
  }
}

@Suite("Configuration")
struct MethodConfigurationTests {
  @Test("overrides replace defaults, also under the name of the official program")
  func overrides() throws {
    let made = try Sample(overrides: ["size": 3, "emb_rate": 1, "mode": "sum"])
    #expect(made == Sample(size: 3, embedRate: 1, mode: .sum, limit: nil))
    #expect(try Sample(overrides: made.tree()) == made)
    #expect(try Sample().tree().members?.map(\.key) == ["size", "embed_rate", "mode", "limit", "ends"])
  }

  @Test(
    "a setting that cannot be used is named, with what was expected",
    arguments: [
      (["sise": 3], "unknown key 'sise'; did you mean 'size'?"),
      (["seed": 3], "'seed' is no setting but an option of its own, --seed"),
      (["size": "many"], "size: \"many\" is not a whole number"),
      (["size": 0], "size: 0 is not at least 1"),
      (["size": 1e30], "size: 1e+30 is not a whole number below 2^63"),
      (["limit": .double(.infinity)], "limit: inf is not a finite number"),
      (["embed_rate": [1, .double(.nan)]], "embed_rate.1: nan is not a finite number"),
      (["size": 1.5], "size: 1.5 is not a whole number"),
      (["embed_rate": 0.25, "limit": 1e20], "limit: 1e+20 is not a whole number below 2^63"),
      (["ends": [3, 2.5]], "ends.1: 2.5 is not a whole number"),
      (["mode": .string(String(repeating: "a long text ", count: 999))], "a long text a long text… is not"),
      (["mode": "median"], "mode: \"median\" is not"),
      (["emb_rate": 1, "embed_rate": 2], "two names of one key"),
    ] as [(JSON, String)])
  func errors(overrides: JSON, words: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try Sample(overrides: overrides) }
    #expect(error.errorDescription?.contains(words) == true, "\(error.errorDescription ?? "")")
  }

  @Test(
    "settings that stand in a property of their own are given and named like the others",
    arguments: [
      (["hidden": "many"], "hidden: \"many\" is not a whole number"),
      (["encoder": ["linear", "cubic"]], "encoder.1: \"cubic\" is not a network: auto"),
      (["branches": "both"], "branches: \"both\" is not a choice of this key: separate"),
      (["hidden": 0.5], "hidden: 0.5 is not a whole number"),
      (["text": ["pooling": "mean", "layers": 1.5]], "text.layers: 1.5 is not a whole number"),
      (["word_dim": 1.5], "word_dim: 1.5 is not a whole number"),
      (["networks": ["hidden": 3]], "unknown key 'networks'"),
    ] as [(JSON, String)])
  func inlined(overrides: JSON, words: String) throws {
    let error = try #require(throws: ConfigurationError.self) {
      try VSEPlusPlus.Configuration(overrides: overrides)
    }
    #expect(error.errorDescription?.hasPrefix(words) == true, "\(error.errorDescription ?? "")")
  }

  @Test("settings of networks are read in any order, and written beside the others")
  func inlinedTree() throws {
    let settings = try CLIP.Configuration(overrides: ["hidden": 5, "symmetric": false, "positives": "class"])
    #expect(settings.networks.hidden == 5 && settings.hidden == 5)
    let members = try #require(settings.tree().members)
    #expect(members.map(\.key) == CLIP.Configuration.keys.map(\.name))
    #expect(!members.contains { $0.key == "networks" })
    // As in files of versions that wrote them in another order.
    #expect(try CLIP.Configuration(overrides: .object(members.reversed())) == settings)
  }

  @Test("the nearest name is found, a far one is not")
  func nearestName() {
    let known = ["cca", "kcca", "triplet-center", "vsepp"]
    #expect(nearest(to: "triplet-centre", in: known) == "triplet-center")
    #expect(nearest(to: "cac", in: known) == "cca")
    #expect(nearest(to: "transformer", in: known) == nil)
    // What is cut short is nearer than what only looks alike, and a word of a name is found.
    #expect(nearest(to: "abs", in: ["oas", "absolute"]) == "absolute")
    #expect(nearest(to: "size", in: ["epochs", "batch_size"]) == "batch_size")
  }
}
