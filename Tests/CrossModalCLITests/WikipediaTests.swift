import CrossModal
import Foundation
import Testing

@Suite("Wikipedia from end to end")
struct WikipediaTests {
  private let folder: TemporaryFolder
  private let data: String

  init() throws {
    folder = try TemporaryFolder()
    data = try BundledData.folder("wikipedia").path
  }

  private func train(_ settings: String...) throws -> JSON {
    let outcome = try CommandLine.run(
      ["train", "--method", "cca", "--data", data, "--out", folder.path("run"), "--json", "--quiet"]
        + settings.flatMap { ["--set", $0] })
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    return try JSON(json: Data(outcome.output.utf8))
  }

  private func json(_ arguments: String...) throws -> JSON {
    let outcome = try CommandLine.run(arguments + ["--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSON(json: Data(outcome.output.utf8))
  }

  @Test("without a ridge the correlations are those of the textbook, to four digits")
  func correlations() throws {
    let expected = [0.5577, 0.4477, 0.4365, 0.3718, 0.3468, 0.3297, 0.2933, 0.2796, 0.2479]
    let result = try train("ridge_mode=none")
    let rho = (result["rho"]?.array ?? []).compactMap(\.double)
    #expect(rho.count == expected.count)
    for (found, wanted) in zip(rho, expected) { #expect(abs(found - wanted) < 0.00005) }
    #expect(result["ranks"]?["image"] == 127)
    #expect(result["ranks"]?["text"] == 9)
  }

  @Test("without a setting both directions are better than the published figures")
  func defaults() throws {
    _ = try train()
    let result = try json("evaluate", folder.path("run"), "--samples", "0")
    let precisions = ["image_to_text", "text_to_image"].compactMap { result["metrics"]?[$0]?["mAP"]?.double }
    #expect(precisions.reduce(0, +) / 2 > 0.23)
    #expect(result["learned"]?["from"] == "pairs")
  }

  @Test("retrieval is as good as the published figures, and reported as scripts expect it")
  func evaluation() throws {
    _ = try train("k=5", "ridge_mode=absolute", "ridge=1e-4")
    let result = try json("evaluate", folder.path("run"))
    #expect(result["method"] == "cca")
    #expect(result["dataset"] == "wikipedia")
    #expect(result["split"] == "test")
    #expect(result["n"] == ["image": 693, "text": 693])
    #expect(try #require(result["metrics"]?["image_to_text"]?["mAP"]?.double) > 0.249)
    #expect(try #require(result["metrics"]?["text_to_image"]?["mAP"]?.double) > 0.196)
    for key in ["R@1", "R@5", "R@10", "MedR", "MeanR", "mAP", "nDCG"] {
      #expect(result["metrics"]?["image_to_text"]?[key]?.double != nil, "\(key)")
    }
    #expect(result["metrics"]?["rsum"]?.double != nil)
    #expect(result["correlations"]?.array?.count == 5)
    #expect(result["total_correlation"]?.double != nil)
    #expect(result["seconds"]?.double != nil)
  }

  @Test("scores, vectors and searches agree with each other")
  func files() throws {
    _ = try train()
    #expect(try json("score", folder.path("run"), "--out", folder.path("scores.npy"))["shape"] == [693, 693])
    #expect(
      try json("embed", folder.path("run"), "--modality", "text", "--out", folder.path("texts.npy"))["shape"]
        == [693, 9])
    let scores = try Data(contentsOf: URL(fileURLWithPath: folder.path("scores.npy"))).suffix(693 * 693 * 4)
    let row = Data(scores.dropFirst(3 * 693 * 4).prefix(693 * 4)).withUnsafeBytes {
      Array($0.bindMemory(to: Float.self))
    }
    let found = try json(
      "search", folder.path("run"), "--from", "image", "--split", "test", "--query-row", "3", "-k", "5")
    let results = try #require(found["results"]?.array)
    #expect(results.count == 5)
    #expect(results.map { $0["rank"]?.int } == [1, 2, 3, 4, 5])
    let best = row.enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }.prefix(5)
    #expect(results.compactMap { $0["row"]?.int } == best.map(\.offset))
    for (result, wanted) in zip(results, best) {
      #expect(abs(try #require(result["score"]?.double) - Double(wanted.element)) < 1e-6)
    }
  }

  @Test("the same settings give the same file, bit for bit; the run says how it was made")
  func reproducible() throws {
    _ = try train("k=4")
    let first = try Data(contentsOf: URL(fileURLWithPath: folder.path("run/model.safetensors")))
    let record = try JSON(
      yaml: String(contentsOf: URL(fileURLWithPath: folder.path("run/config.yaml")), encoding: .utf8))
    #expect(record["configuration"]?["k"] == 4)
    #expect(record["configuration"]?["ridge_mode"] == "per-row")
    #expect(record["configuration"]?["scale"] == "floored")
    #expect(record["chosen"]?["ridge"]?.string?.contains("23 pairs of views") == true)
    #expect(record["chosen"]?["k"] == nil)
    #expect(record["seed"] == 0)
    #expect(record["data"]?["fingerprint"]?.string?.isEmpty == false)
    try FileManager.default.removeItem(atPath: folder.path("run"))
    _ = try train("k=4")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("run/model.safetensors"))) == first)
  }

  @Test("a run that was changed on the disk is refused by name")
  func changedModel() throws {
    _ = try train()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("run/model.safetensors")))
    bytes[bytes.count - 20] ^= 1
    try folder.write(bytes, to: "run/model.safetensors")
    let outcome = try CommandLine.run("evaluate", folder.path("run"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("model.safetensors") && outcome.errors.contains("changed"))
  }

  @Test("what is asked wrongly is said in one sentence")
  func wrongQuestions() throws {
    _ = try train()
    for (arguments, word) in [
      (
        ["search", folder.path("run"), "--from", "image", "--to", "txt", "--query-row", "3"],
        "did you mean 'text'?"
      ),
      (
        ["search", folder.path("run"), "--from", "image", "--to", "text", "--query-row", "693"],
        "rows 0 to 692"
      ),
      (
        ["search", folder.path("run"), "--from", "text", "--to", "image", "--query-text", "war"],
        "takes no text"
      ),
      (["evaluate", folder.path("run"), "--split", "tset"], "test"),
      (["evaluate", folder.path("nothing")], "no run here"),
      (["evaluate", folder.path("run"), "--ties", "best"], "pessimistic"),
    ] {
      let outcome = try CommandLine.run(arguments)
      #expect(outcome.status == 1 || outcome.status == 2)
      #expect(outcome.output == "")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains(word), "\(outcome.errors)")
    }
  }
}
