import Foundation
import Testing

/// What is at a place while something is written there, whatever goes wrong.
@Suite("Saving", .serialized)
struct SavingTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(npy(rows: 40, columns: 3), to: "x.npy")
    try folder.write(npy(rows: 40, columns: 2), to: "y.npy")
    try folder.write(
      """
      name: small
      modalities: { left: { file: x.npy, kind: vector }, right: { file: y.npy, kind: vector } }
      splits: { train: "0:30", test: "30:40" }
      """, to: "dataset.yaml")
  }

  private func train(_ more: String..., method: String = "cca", in environment: [String: String] = [:]) throws
    -> CommandLine.Outcome
  {
    try CommandLine.run(
      ["train", "--method", method, "--data", folder.url.path, "--out", folder.path("run")] + more,
      environment: environment)
  }

  private var names: Set<String> {
    get throws { Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path)) }
  }

  private func expectError(_ outcome: CommandLine.Outcome, says words: String...) {
    #expect(outcome.status == 1, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    #expect(lines.count == 1, "\(outcome.errors)")
    for word in words { #expect(lines.first?.contains(word) == true, "\(outcome.errors)") }
  }

  // MARK: - What stands at the place

  @Test("a file is replaced with --force alone, by every command that writes one")
  func replacing() throws {
    #expect(try train().status == 0)
    let run = folder.path("run")
    let commands: [(words: [String], file: String)] = [
      (["data", "inspect", folder.url.path], "page.html"), (["score", run], "scores.npy"),
      (["embed", run, "--modality", "left"], "vectors.npy"),
    ]
    for (words, name) in commands {
      let file = folder.path(name)
      try folder.write("mine", to: name)
      expectError(try CommandLine.run(words + ["--out", file]), says: name, "--force")
      #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
      let forced = try CommandLine.run(words + ["--out", file, "--force"])
      #expect(forced.status == 0, "\(forced.errors)")
      #expect(FileManager.default.contents(atPath: file) != Data("mine".utf8))
    }
    #expect(try names.filter { $0.contains(".tmp") } == [])
  }

  @Test(
    "a link stays and leads to what was written; a device is written into; a folder and an idle pipe are told"
  )
  func places() throws {
    #expect(try train().status == 0)
    func score(_ place: String) throws -> CommandLine.Outcome {
      try CommandLine.run("score", folder.path("run"), "--out", place, "--force")
    }
    try folder.write("mine", to: "real.npy")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.npy"), withDestinationPath: "real.npy")
    #expect(try score(folder.path("link.npy")).status == 0)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link.npy")) == "real.npy")
    #expect(FileManager.default.contents(atPath: folder.path("real.npy"))?.prefix(6) == Data(npyMark))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("null.npy"), withDestinationPath: "/dev/null")
    #expect(try score(folder.path("null.npy")).status == 0)
    #expect(
      try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
        == .typeCharacterSpecial)
    #expect(mkfifo(folder.path("pipe.npy"), 0o600) == 0)
    expectError(try score(folder.path("pipe.npy")), says: "pipe.npy", "nobody reads")
    try FileManager.default.createDirectory(atPath: folder.path("f.npy"), withIntermediateDirectories: true)
    expectError(try score(folder.path("f.npy")), says: "f.npy", "it is a folder")
    expectError(try score(folder.path("none/s.npy")), says: "none/s.npy")
  }

  private var npyMark: [UInt8] { [0x93] + Array("NUMPY".utf8) }

  @Test("a pipe that is read gets all bytes")
  func pipe() throws {
    #expect(try train().status == 0)
    #expect(mkfifo(folder.path("pipe.npy"), 0o600) == 0)
    // Kept open at both ends, so that nobody waits.
    let reader = open(folder.path("pipe.npy"), O_RDWR)
    defer { close(reader) }
    let outcome = try CommandLine.run("score", folder.path("run"), "--out", folder.path("pipe.npy"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(reader, &bytes, bytes.count)
    #expect(bytes.prefix(6) == npyMark[...] && count == 128 + 10 * 10 * 4)
  }

  @Test("a folder that may not be written to is told before the work", .enabled(if: getuid() != 0))
  func readOnly() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path("closed"), withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o555])
    let outcome = try CommandLine.run(
      "train", "--method", "cca", "--data", folder.url.path, "--out", folder.path("closed/run"))
    expectError(outcome, says: "closed/run: cannot write: Permission denied")
    #expect(!outcome.errors.contains("fitting"))
  }

  @Test(
    "a run that cannot be measured is there, and the end says so, also where it is to be quiet",
    arguments: ["cca", "kcca"])
  func notMeasured(method: String) throws {
    try folder.write(npy(rows: 40, columns: 3) { $0 == 35 && $1 == 1 ? .nan : nil }, to: "x.npy")
    let outcome = try train("--quiet", method: method)
    expectError(outcome, says: "x.npy", "35")
    #expect(folder.exists("run/model.safetensors") && folder.exists("run/metrics.jsonl"))
  }
}
