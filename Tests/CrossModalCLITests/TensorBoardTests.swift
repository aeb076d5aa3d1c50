import CrossModal
import Foundation
import Testing

@Suite("TensorBoard")
struct TensorBoardTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data/digits-halves").path

  /// Every scalar that TensorBoard's own reader finds in a folder, as {tag: [[step, value], …]}.
  private static let reader = """
    import json, sys
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
    events.Reload()
    print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
    """

  @Test(
    "TensorBoard's own reader finds every step and epoch that metrics.jsonl has, also of a run that was resumed",
    .enabled(if: PythonTools.has("tensorboard"), "missing part: TensorBoard, which reads its events"))
  func events() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("run")
    let arguments = [
      "train", "--method", "dcca", "--data", Self.data, "--out", out, "--set", "hidden=[16]", "--set",
      "outputs=5", "--set", "optimizer=adam", "--set", "batch_size=400", "--set", "epochs=40", "--set",
      "validation=test", "--set", "threads=1", "--quiet",
    ]
    let process = try CommandLine.start(arguments)
    let log = out + "/metrics.jsonl"
    while process.isRunning, (FileManager.default.contents(atPath: log)?.count ?? 0) < 2000 { usleep(1000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(try CommandLine.run(arguments + ["--resume"]).status == 0)

    let outcome = try PythonTools.run(Self.reader, out)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let found = try JSON(json: Data(outcome.output.utf8))
    let lines = try #require(FileManager.default.contents(atPath: log)).split(separator: UInt8(ascii: "\n"))
      .map { try JSON(json: Data($0)) }
    let expect = { (tag: String, points: [(Int, Double)]) in
      let read = (found[tag]?.array ?? []).compactMap { point in
        point.array.flatMap { pair in pair[0].int.flatMap { step in pair[1].double.map { (step, $0) } } }
      }
      #expect(read.map(\.0) == points.map(\.0), "\(tag)")
      for ((_, value), (step, expected)) in zip(read, points) {
        #expect(abs(value - expected) <= 1e-6 * max(1, abs(expected)), "\(tag) at \(step)")
      }
    }
    let points = { (kind: String, value: (JSON) -> Double?) in
      lines.filter { $0["kind"]?.string == kind }.compactMap { line in
        line["step"]?.int.flatMap { step in value(line).map { (step, $0) } }
      }
    }
    let steps = points("step") { $0["loss"]?.double }
    #expect(steps.map(\.0) == Array(1...120))
    expect("step/loss", steps)
    expect("step/learning_rate", points("step") { $0["learning_rate"]?.double })
    expect("epoch/loss", points("epoch") { $0["loss"]?.double })
    expect(
      "validation/total_correlation", points("epoch") { $0["measures"]?["total_correlation"]?.double })
  }
}
