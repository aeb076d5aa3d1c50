import CrossModal
import Foundation
import Testing

@Suite("runs of one modality")
struct OneModalityTests {
  /// 40 rows of two numbers in four classes, which lie in four directions; 32 train.
  private static func data(in folder: URL) throws -> String {
    let rows = (0..<40).map { row -> String in
      let angle = Double(row % 4) * .pi / 2 + Double((row * 7) % 5) * 0.1
      return "\(cos(angle)),\(sin(angle))"
    }
    let files = [
      "x.csv": rows.joined(separator: "\n") + "\n",
      "labels.csv": (0..<40).map { "\($0 % 4)" }.joined(separator: "\n") + "\n",
      "dataset.yaml":
        "name: corners\nmodalities:\n  point: { file: x.csv, kind: vector }\nlabels: labels.csv\n"
        + "splits: { train: \"0:32\", test: \"8:40\" }\n",
    ]
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    return folder.path
  }

  @Test("are measured, scored, searched and reported within themselves")
  func measured() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data(in: folder.url)
    let run = folder.url.path + "/run"
    let trained = try CommandLine.run(
      "train", "--method", "contrastive", "--data", data, "--out", run, "--set", "epochs=20", "--set",
      "batch_size=16", "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let evaluated = try CommandLine.run("evaluate", run, "--json", "--quiet")
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    let metrics = try #require(json["metrics"] as? [String: Double])
    #expect(
      Set(metrics.keys) == [
        "NN", "FT", "ST", "E", "DCG", "ANMRR", "mAP", "AUC", "R@1", "R@2", "R@4", "R@8", "NMI", "F1",
      ])
    #expect((metrics["mAP"] ?? 0) > 0.9 && (metrics["NMI"] ?? 0) > 0.9, "four corners are easy to tell apart")
    let scored = try CommandLine.run("score", run, "--out", folder.url.path + "/s.npy")
    #expect(scored.output.contains("[32, 32]"))
    let found = try CommandLine.run(
      "search", run, "--from", "point", "--to", "point", "--query-row", "3", "-k", "2")
    #expect(found.status == 0 && !found.output.contains("row 3 "), "\(found.output)")
    let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
    for part in ["Retrieval within point", "Map", "Examples", "Learning curves"] {
      #expect(page.contains(part), "\(part)")
    }
    let table = try CommandLine.run("evaluate", run)
    #expect(table.output.contains("each point searches among all others"))
    for option in [["--protocol", "1k"], ["--ties", "mean"], ["--models", run]] {
      #expect(try CommandLine.run(["evaluate", run] + option).status == 2, "\(option)")
    }
    let compared = try CommandLine.run("evaluate", run, "--against", run, "--json", "--quiet")
    let difference = try JSON(json: Data(compared.output.utf8))["against"]?["metrics"]?["mAP"]?["difference"]
    #expect(difference?["value"]?.double == 0, "\(compared.errors)")
  }

  @Test("without labels in the split it is said that there is nothing to measure by")
  func unlabelled() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data(in: folder.url)
    let run = folder.url.path + "/run"
    _ = try CommandLine.run(
      "train", "--method", "contrastive", "--data", data, "--out", run, "--set", "epochs=1", "--quiet")
    let other = folder.url.appendingPathComponent("plain.dataset.yaml")
    try Data(
      "name: plain\nmodalities:\n  point: { file: x.csv, kind: vector }\nsplits: { test: \"0:40\" }\n".utf8
    ).write(to: other)
    let outcome = try CommandLine.run("evaluate", run, "--data", other.path)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("has no labels"))
  }
}
