import CrossModal
import Foundation
import Testing

@Suite("Runs of several seeds")
struct SeedsTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data/digits-halves").path

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func train(_ out: String, _ more: String...) throws -> CommandLine.Outcome {
    try CommandLine.run(
      [
        "train", "--method", "dcca", "--data", Self.data, "--out", folder.path(out), "--set", "hidden=[8]",
        "--set", "outputs=3", "--set", "optimizer=adam", "--set", "batch_size=400", "--set", "epochs=2",
        "--set", "threads=1",
      ] + more)
  }

  private func model(_ run: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: run + "/model.safetensors"))
  }

  @Test("each is the run of its seed; complete ones are kept, and more may join them")
  func ordinaryRuns() throws {
    let outcome = try train("group", "--seeds", "2,5")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("2 seeds, mAP"), "\(outcome.output)")
    #expect(try train("alone", "--seed", "5").status == 0)
    #expect(try model("group/seed-5") == model("alone"))
    #expect(folder.exists("group/report.html") && folder.exists("group/seed-2/report.html"))
    let before = try model("group/seed-2")
    let more = try train("group", "--seeds", "2,5,7", "--json")
    #expect(more.status == 0 && more.errors.contains("seed-2: is complete, and kept"), "\(more.errors)")
    #expect(try model("group/seed-2") == before)
    let document = try JSON(json: Data(more.output.utf8))
    #expect(document["seeds"]?.array?.compactMap(\.int) == [2, 5, 7])
    #expect(document["runs"]?.array?.count == 1)
    #expect(document["evaluation"]?["deviations"]?.members?.isEmpty == false)
    let other = try train("group", "--seeds", "2,9", "--set", "outputs=2")
    #expect(other.status == 2 && other.errors.contains("outputs 3, not 2; --force"), "\(other.errors)")
    #expect(!folder.exists("group/seed-9"))
  }

  @Test("evaluate says mean, deviation and interval, and compares with groups and runs")
  func evaluated() throws {
    #expect(try train("a", "--seeds", "1,2", "--quiet").status == 0)
    #expect(try train("b", "--seed", "3", "--quiet", "--set", "r1=0.5").status == 0)
    let measured = try CommandLine.run("evaluate", folder.path("a"), "--samples", "50")
    #expect(measured.status == 0, "\(measured.errors)")
    for word in ["Mean", "Deviation", "95 % interval", "seed-1", "seed-2", "left to right, R@1"] {
      #expect(measured.output.contains(word), "\(word)")
    }
    let document = try JSON(
      json: Data(CommandLine.run("evaluate", folder.path("a"), "--samples", "50", "--json").output.utf8))
    let each = try ["a/seed-1", "a/seed-2"].map { name in
      try JSON(
        json: Data(CommandLine.run("evaluate", folder.path(name), "--samples", "0", "--json").output.utf8))
    }
    func precision(_ document: JSON) -> Double {
      document["metrics"]?["left_to_right"]?["mAP"]?.double ?? .nan
    }
    #expect(abs(precision(document) - (precision(each[0]) + precision(each[1])) / 2) < 1e-12)
    let deviation = document["deviations"]?["left_to_right"]?["mAP"]?.double ?? .nan
    #expect(abs(deviation - abs(precision(each[0]) - precision(each[1])) / 2.0.squareRoot()) < 1e-12)
    #expect(document["intervals"]?["metrics"]?["left_to_right.mAP"]?.array?.count == 2)
    for (run, other) in [("a", "b"), ("b", "a"), ("a", "a")] {
      let compared = try CommandLine.run(
        "evaluate", folder.path(run), "--against", folder.path(other), "--samples", "30")
      #expect(compared.status == 0 && compared.output.contains("p (exchange)"), "\(compared.errors)")
    }
    let search = try CommandLine.run("search", folder.path("a"), "--query-row", "1")
    #expect(
      search.status == 1 && search.errors.contains("such as \(folder.path("a"))/seed-1"), "\(search.errors)")
    let ensemble = try CommandLine.run("evaluate", folder.path("a"), "--models", folder.path("b"))
    #expect(ensemble.status == 2 && ensemble.errors.contains("--models combines single runs"))
  }

  @Test("Ctrl-C keeps what there is, and --resume goes on with all")
  func interrupted() throws {
    let long = ["--set", "epochs=200", "--quiet"]
    let arguments = [
      "train", "--method", "dcca", "--data", Self.data, "--out", folder.path("group"), "--set", "hidden=[8]",
      "--set", "outputs=3", "--set", "optimizer=adam", "--set", "batch_size=400", "--set", "threads=1",
      "--seeds", "1,2",
    ]
    let process = try CommandLine.start(arguments + long)
    while process.isRunning, !folder.exists("group/seed-1/checkpoints/manifest.json") { usleep(500) }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let again = try CommandLine.run(arguments + long)
    #expect(again.status == 2 && again.errors.contains("--resume goes on with it"), "\(again.errors)")
    let unnamed = try CommandLine.run("train", "--out", folder.path("group"), "--resume")
    #expect(unnamed.status == 2 && unnamed.errors.contains("as in --seeds 1"), "\(unnamed.errors)")
    let resumed = try CommandLine.run(
      "train", "--out", folder.path("group"), "--seeds", "1,2", "--resume", "--quiet")
    #expect(resumed.status == 0, "\(resumed.errors)")
    let whole = try CommandLine.run(
      arguments.dropLast(2).map { $0 == folder.path("group") ? folder.path("whole") : $0 } + long
        + ["--seed", "1"])
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(try model("group/seed-1") == model("whole"))
    #expect(folder.exists("group/seed-2/model.safetensors"))
  }

  @Test("what is wrong with the seeds or the place is told before the work")
  func refused() throws {
    func expect(_ words: String, _ outcome: CommandLine.Outcome, status: Int32 = 2) {
      #expect(outcome.status == status && outcome.errors.contains(words), "\(outcome.errors)")
    }
    expect("'x' is not a whole number", try train("a", "--seeds", "1,x"))
    expect("1 is there twice", try train("a", "--seeds", "1,2,1"))
    expect("exclude each other", try train("a", "--seeds", "1,2", "--seed", "3"))
    try folder.write("mine", to: "full/notes.txt")
    expect("no folder of runs of several seeds", try train("full", "--seeds", "1,2"), status: 1)
    #expect(!folder.exists("a") && !folder.exists("full/seed-1"))
  }
}
