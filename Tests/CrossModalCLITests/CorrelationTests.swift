import CrossModal
import Foundation
import Testing
import Torch

@Suite("Correlation from the command line")
struct CorrelationTests {
  private let folder: TemporaryFolder
  private let data: String

  /// Three views of 80 things of four classes: the second is a linear map of the first, the third is noisy.
  init() throws {
    folder = try TemporaryFolder()
    data = folder.path("three.dataset.yaml")
    let generator = try Generator(seed: 4)
    let x = try Tensor.normal([80, 4], using: generator)
    let y = try x.matmul(Tensor.normal([4, 3], using: generator)) + 2
    let z = try x.matmul(Tensor.normal([4, 5], using: generator)) + Tensor.normal([80, 5], using: generator)
    for (name, rows) in [("x", x), ("y", y), ("z", z)] {
      try NPYWriter.write(rows, to: folder.path("\(name).npy"))
    }
    try NPYWriter.write(Tensor((0..<80).map { $0 % 4 }), to: folder.path("labels.npy"))
    try describe("three", ["x", "y", "z"])
    try describe("two", ["x", "y"])
  }

  private func describe(_ name: String, _ views: [String]) throws {
    let modalities = views.map { "  \($0): { file: \($0).npy, kind: vector }\n" }.joined()
    try folder.write(
      Data(
        "name: \(name)\nmodalities:\n\(modalities)labels: labels.npy\nsplits: { train: \"0:60\", test: \"60:80\" }\n"
          .utf8), to: "\(name).dataset.yaml")
  }

  private func json(_ arguments: String...) throws -> JSON {
    let outcome = try CommandLine.run(arguments + ["--json", "--quiet"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSON(json: Data(outcome.output.utf8))
  }

  @Test("several views are fitted at once, every two of them evaluated, any of them searched")
  func severalViews() throws {
    for objective in ["mcca", "gcca"] {
      let run = folder.path(objective)
      _ = try json(
        "train", "--method", "cca", "--data", data, "--out", run, "--set", "multiview=\(objective)", "--set",
        "k=3")
      let result = try json("evaluate", run, "--samples", "20")
      let directions = ["x_to_y", "y_to_x", "x_to_z", "z_to_x", "y_to_z", "z_to_y"]
      #expect(Set((result["metrics"]?.members ?? []).map(\.key)) == Set(directions))
      #expect(result["n"] == ["x": 20, "y": 20, "z": 20])
      #expect(result["pair_correlations"]?["y_z"]?.array?.count == 3)
      #expect(result["intervals"]?["metrics"]?["y_to_z.mAP"]?.array?.count == 2)
      #expect(
        try json("search", run, "--from", "z", "--to", "y", "--query-row", "0", "-k", "3")["results"]?.array?
          .count == 3)
      let page = try String(contentsOf: URL(fileURLWithPath: run + "/report.html"), encoding: .utf8)
      #expect(page.contains("Every two modalities"))
    }
  }

  @Test("one view predicts the other, and what it predicts can be written")
  func prediction() throws {
    let (data, run) = (folder.path("two.dataset.yaml"), folder.path("run"))
    _ = try json(
      "train", "--method", "cca", "--data", data, "--out", run, "--set", "ridge_mode=none", "--set", "k=3")
    let result = try json("evaluate", run, "--samples", "0")
    #expect(abs(try #require(result["prediction"]?["x_to_y"]?["R2"]?.double) - 1) < 1e-6)
    #expect(try #require(result["prediction"]?["y_to_x"]?["R2"]?.double) < 1)
    #expect(result["intervals"] == nil)
    let file = folder.path("predicted.npy")
    #expect(try json("embed", run, "--modality", "x", "--predict", "--out", file)["shape"] == [20, 3])
    let bytes = { (path: String) in try Data(contentsOf: URL(fileURLWithPath: path)).suffix(20 * 3 * 4) }
    let numbers = try [bytes(file), bytes(folder.path("y.npy"))].map { data in
      Data(data).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    for (found, wanted) in zip(numbers[0], numbers[1]) { #expect(abs(found - wanted) < 1e-4) }
  }

  @Test("a run folder and its page say what the fit found")
  func fitIsKept() throws {
    let (data, run) = (folder.path("two.dataset.yaml"), folder.path("run"))
    _ = try json(
      "train", "--method", "cca", "--data", data, "--out", run, "--set", "ridge_mode=none", "--set", "k=3",
      "--set", "tests=permutation", "--set", "test_count=19")
    let text = try String(contentsOf: URL(fileURLWithPath: run + "/metrics.jsonl"), encoding: .utf8)
    let first = try JSON(json: Data(text.prefix { $0 != "\n" }.utf8))
    #expect(first["fit"]?["ranks"] == ["x": 4, "y": 3])
    #expect(first["fit"]?["permutation"]?["p_stepdown"]?.array?.count == 3)
    let page = try String(contentsOf: URL(fileURLWithPath: run + "/report.html"), encoding: .utf8)
    for words in [
      "What was learned", "Step-down permutation test", "redundancy", "95 % interval", "Prediction",
      "Canonical correlations of x and y, as the method learned them",
    ] {
      #expect(page.contains(words), "\(words)")
    }
  }

  @Test("two runs are compared on the same items, and a run does not differ from itself")
  func comparison() throws {
    let data = folder.path("two.dataset.yaml")
    for (name, k) in [("one", "1"), ("three", "3")] {
      _ = try json(
        "train", "--method", "cca", "--data", data, "--out", folder.path(name), "--set", "ridge_mode=none",
        "--set", "k=\(k)")
    }
    let same = try json(
      "evaluate", folder.path("one"), "--against", folder.path("one"), "--samples", "50")
    let nothing = same["against"]?["metrics"]?["x_to_y.R@5"]
    #expect(nothing?["difference"]?["value"]?.double == 0)
    #expect(nothing?["randomisation_p"]?.double == 1)
    let better = try json(
      "evaluate", folder.path("three"), "--against", folder.path("one"), "--samples", "200")
    let gain = better["against"]?["metrics"]?["x_to_y.R@1"]
    #expect(try #require(gain?["difference"]?["value"]?.double) > 0)
    #expect(try #require(gain?["randomisation_p"]?.double) < 0.05)
    #expect(try #require(gain?["randomisation_p_holm"]?.double) >= (gain?["randomisation_p"]?.double ?? 0))
    let wrong = try CommandLine.run(
      "evaluate", folder.path("one"), "--against", folder.path("three"), "--samples", "0")
    #expect(wrong.status == 2)
  }
}
