import Testing

@testable import CrossModal

@Suite("Settings")
struct SettingsTests {
  @Test("assignments win over the file, and reach inward by dots")
  func precedence() throws {
    let settings = try RunSettings(
      ["k": 3, "features": ["text": "tfidf"]],
      assignments: ["k=5", "ridge=[0.1, 0.2]", "features.text.size=120", "threads=1"])
    #expect(settings.method == ["k": 5, "ridge": [0.1, 0.2]])
    #expect(settings.features == ["text": ["name": "tfidf", "size": 120]])
    #expect(settings.threads == 1)
  }

  @Test("an assignment wins over the file under any name of a key, and lr_update is a step of the schedule")
  func aliases() throws {
    let file: JSON = ["epochs": 30, "k": 9, "schedule": ["kind": "cosine", "warmup": 5]]
    let over = { (file: JSON, assignments: [String]) in
      try RunSettings(file, assignments: assignments, keys: DCCA.allKeys).method
    }
    #expect(
      try over(file, ["num_epochs=2", "embed_size=4", "grad_clip=1", "lr_update=7"]) == [
        "epochs": 2, "outputs": 4, "schedule": ["kind": "step", "warmup": 5, "every": 7], "gradient_clip": 1,
      ])
    #expect(
      try over(["lr_update": 3, "num_epochs": 4], ["schedule.every=5", "epochs=6"]) == [
        "epochs": 6, "schedule": ["every": 5, "kind": "step"],
      ])
    #expect(
      try over(file, ["lr_gamma=0.5"]) == [
        "epochs": 30, "outputs": 9, "schedule": ["kind": "cosine", "warmup": 5, "gamma": 0.5],
      ])
    #expect(try over([:], ["lr_gamma=0.5"]) == ["schedule": ["kind": "step", "gamma": 0.5]])
    // Structure-preserving has a key of this name, of its own kind of schedule.
    #expect(
      try RunSettings([:], assignments: ["lr_gamma=0.5"], keys: StructurePreserving.allKeys).method
        == ["lr_gamma": 0.5])
    #expect(throws: ConfigurationError.givenTwice(key: "epochs", alias: "num_epochs")) {
      try over(["epochs": 3, "num_epochs": 4], [])
    }
    #expect(throws: ConfigurationError.givenTwice(key: "schedule.every", alias: "lr_update")) {
      try over(["schedule": ["every": 3], "lr_update": 4], [])
    }
  }

  @Test("an assignment wins over the file where one names a part that the other has by a name of its own")
  func parts() throws {
    let over = { (file: JSON, assignments: [String]) in
      try VSEPlusPlus.Configuration(
        overrides: RunSettings(file, assignments: assignments, keys: VSEPlusPlus.allKeys).method)
    }
    #expect(try over(["text": ["word_dim": 5, "layers": 2]], ["word_dim=7"]).text.wordDim == 7)
    #expect(try over(["text": ["word_dim": 5, "layers": 2]], ["word_dim=7"]).text.layers == 2)
    #expect(try over(["word_dim": 5], ["text.word_dim=7", "text.layers=3"]).text.wordDim == 7)
    #expect(try over(["word_dim": 5], ["text.layers=3"]).text.wordDim == 5)
    #expect(try over(["image_encoder": "mlp"], ["encoder=[linear,gru]"]).encoder == PerView([.linear, .gru]))
    #expect(
      try over(["encoder": ["linear", "gru"]], ["txt_encoder=bert"]).encoder
        == PerView([.linear, .bert(.gpo)]))
    #expect(
      try over(["finetune": true, "cnn_mode": "eval"], ["pictures.finetune=false"]).pictures.mode == .eval)
  }

  @Test("features are those of modalities, or a method's own number of that name; another number is refused")
  func features() throws {
    let own = try RunSettings(["features": 500], keys: KCCA.allKeys)
    #expect(own.method["features"] == 500 && own.features.members?.isEmpty == true)
    let named = try RunSettings(["solver": "rff"], assignments: ["features.x=tfidf"], keys: KCCA.allKeys)
    #expect(named.method["features"] == nil && named.features["x"] == "tfidf")
    #expect(throws: ConfigurationError.self) { try RunSettings(["features": "tfidf"], keys: CCA.allKeys) }
  }

  @Test("what is no assignment is refused", arguments: ["k", "=3", "threads=0", "k.depth.x=1"])
  func refused(assignment: String) {
    #expect(throws: ConfigurationError.self) { try RunSettings(["k": 3], assignments: [assignment]) }
  }
}
