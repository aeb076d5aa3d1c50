import CrossModal
import Testing

@Suite("Settings")
struct SettingsTests {
  @Test("assignments win over the file, and reach inward by dots")
  func precedence() throws {
    let settings = try Settings(
      ["k": 3, "features": ["text": "tfidf"]],
      assignments: ["k=5", "ridge=[0.1, 0.2]", "features.text.size=120", "threads=1"])
    #expect(settings.method == ["k": 5, "ridge": [0.1, 0.2]])
    #expect(settings.features == ["text": ["name": "tfidf", "size": 120]])
    #expect(settings.threads == 1)
  }

  @Test("what is no assignment is refused", arguments: ["k", "=3", "threads=0", "k.depth.x=1"])
  func refused(assignment: String) {
    #expect(throws: ConfigurationError.self) { try Settings(["k": 3], assignments: [assignment]) }
  }
}
