import Foundation
import Testing

@Suite("Bad input")
struct BadInputTests {
  private let folder: TemporaryFolder

  /// Two vector modalities of 40 rows that any method can learn from.
  init() throws {
    folder = try TemporaryFolder()
    try folder.write(npy(rows: 40, columns: 3), to: "x.npy")
    try folder.write(npy(rows: 40, columns: 2), to: "y.npy")
    try describe()
  }

  private func describe(x: String = "x.npy", y: String = "y.npy", train: String = "0:30", more: String = "")
    throws
  {
    try folder.write(
      """
      name: small
      modalities:
        left: { file: \(x), kind: vector }
        right: { file: \(y), kind: vector }
      splits:
        train: "\(train)"
        test: "30:40"
      \(more)
      """, to: "dataset.yaml")
  }

  private func train(_ more: String..., method: String = "cca", data: String? = nil) throws
    -> CommandLine.Outcome
  {
    try CommandLine.run(
      ["train", "--method", method, "--data", data ?? folder.url.path, "--out", folder.path("run")] + more)
  }

  private func expect(_ outcome: CommandLine.Outcome, status: Int32, says words: String...) {
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect(outcome.output == "")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("error: ") } == 1, "\(outcome.errors)")
    for word in words { #expect(outcome.errors.contains(word), "\(word) in: \(outcome.errors)") }
    #expect(!folder.exists("run"))
    let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.url.path)) ?? []
    #expect(!left.contains { $0.contains(".tmp") })
  }

  @Test("the small data set is right, so that each error below is the only one")
  func works() throws {
    let outcome = try train()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(folder.exists("run/model.safetensors"))
  }

  @Test("a number below 0 is taken for the option's value, and refused")
  func negativeSeed() throws {
    let outcome = try train("--seed", "-1")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("The value '-1' is invalid for '--seed <seed>'"), "\(outcome.errors)")
  }

  @Test("a file that holds no settings is named, not recited")
  func wrongSettings() throws {
    try folder.write(String(repeating: "a picture\ta caption of it\n", count: 500), to: "captions.txt")
    let outcome = try train("--config", folder.path("captions.txt"))
    expect(outcome, status: 2, says: "captions.txt: holds no settings")
    #expect(outcome.errors.count < 400)
  }

  @Test("a path that does not exist is named")
  func wrongPath() throws {
    expect(try train(data: "/no/such/place"), status: 1, says: "/no/such/place")
    try describe(x: "lost.npy")
    expect(try train(), status: 1, says: "lost.npy")
  }

  @Test("NaN and infinity are named by file, row and column", arguments: [Float.nan, .infinity])
  func notFinite(number: Float) throws {
    try folder.write(npy(rows: 40, columns: 3) { $0 == 17 && $1 == 2 ? number : nil }, to: "x.npy")
    expect(try train(), status: 1, says: "x.npy", "row 17", "column 2")
  }

  @Test("a file that ends too early is refused")
  func truncated() throws {
    try folder.write(npy(rows: 40, columns: 3).dropLast(5), to: "x.npy")
    expect(try train(), status: 1, says: "x.npy")
  }

  @Test("a header that promises more than the file holds is refused before memory is taken")
  func terabytes() throws {
    try folder.write(npy(rows: 40, columns: 3, claiming: "(1000000000, 1000)"), to: "x.npy")
    expect(try train(), status: 1, says: "x.npy")
    try folder.write(npy(rows: 40, columns: 3, claiming: "(9000000000000000000, 9000000000)"), to: "x.npy")
    expect(try train(), status: 1, says: "x.npy")
  }

  @Test("an array of Python objects is refused by name")
  func objects() throws {
    try folder.write(npy(rows: 40, columns: 3, type: "|O"), to: "x.npy")
    expect(try train(), status: 1, says: "x.npy", "object")
  }

  @Test("an unknown method or key gets the nearest known one")
  func unknownNames() throws {
    expect(try train(method: "ccaa"), status: 2, says: "'ccaa'", "did you mean 'cca'?")
    expect(try train("--set", "ridge_mod=none"), status: 2, says: "'ridge_mod'", "did you mean 'ridge_mode'?")
    expect(try train("--set", "k=many"), status: 2, says: "k:")
    try describe(more: "capitons_per_item: 5")
    expect(try train(), status: 1, says: "capitons_per_item", "captions_per_item")
  }

  @Test("unequal counts of rows are named")
  func unequalCounts() throws {
    try folder.write(npy(rows: 39, columns: 2), to: "y.npy")
    expect(try train(), status: 1, says: "39", "40")
  }

  @Test("rows beyond the end are named")
  func outOfRange() throws {
    try describe(train: "0:41")
    expect(try train(), status: 1, says: "train", "41", "40")
  }

  @Test("a run is not overwritten unless asked, and never anything else")
  func overwriting() throws {
    _ = try train()
    let second = try train()
    #expect(second.status == 1)
    #expect(second.errors.contains("--force"))
    #expect(try train("--force").status == 0)
  }

  @Test("a place that cannot be written is named with the system's reason, in one sentence")
  func unwritable() throws {
    let below = folder.path("x.npy/below")
    for outcome in try [
      train("--out", below), CommandLine.run("data", "inspect", folder.url.path, "--out", below + ".html"),
    ] {
      expect(outcome, status: 1, says: "x.npy", "cannot write: ")
      #expect(!outcome.errors.contains("Error Domain"))
    }
    #expect(try train().status == 0)
    for (command, out, more) in [
      ("export", below, [String]()), ("score", below + ".npy", []),
      ("embed", below + ".npy", ["--modality", "left"]),
    ] {
      let outcome = try CommandLine.run([command, folder.path("run"), "--out", out] + more)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("cannot write: "), "\(outcome.errors)")
      #expect(!outcome.errors.contains("Error Domain"))
    }
  }

  @Test("embed refuses a name that says another form than it writes, and two sources of items")
  func embedNames() throws {
    #expect(try train().status == 0)
    let words = ["embed", folder.path("run"), "--modality", "left", "--out"]
    let ending = try CommandLine.run(words + [folder.path("v.npz")])
    #expect(ending.status == 2 && ending.errors.contains("name a .npy"), "\(ending.errors)")
    let pair = try CommandLine.run(
      words + [folder.path("v.npy"), folder.path("x.npy"), "--data", folder.url.path])
    #expect(pair.status == 2 && pair.errors.contains("exclude each other"), "\(pair.errors)")
    #expect(!folder.exists("v.npz") && !folder.exists("v.npy"))
  }

  @Test("a command that is interrupted while it writes leaves nothing half-written")
  func interrupted() throws {
    try folder.write(npy(rows: 6000, columns: 3), to: "x.npy")
    try folder.write(npy(rows: 6000, columns: 2), to: "y.npy")
    try describe(train: "0:6000")
    #expect(try train().status == 0)
    let results = folder.url.appendingPathComponent("results")
    try FileManager.default.createDirectory(at: results, withIntermediateDirectories: true)
    let process = try CommandLine.start(
      ["score", folder.path("run"), "--split", "train", "--out", results.path + "/s.npy"])
    func written() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: results.path) }
    while process.isRunning, try written().isEmpty { usleep(1000) }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + SIGINT)
    #expect(try written() == [])
  }

  @Test(
    "settings that training cannot begin with leave no folder, and keep the run that --force would replace")
  func cannotBegin() throws {
    // There is no held-out part whose measure could stand still.
    let wanted = ["--set", "schedule.kind=plateau"]
    expect(try train(wanted[0], wanted[1], method: "clip"), status: 2, says: "schedule.kind", "held-out")
    #expect(try train().status == 0)
    let model = folder.url.appending(path: "run/model.safetensors")
    let before = try Data(contentsOf: model)
    let outcome = try train("--force", wanted[0], wanted[1], method: "clip")
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(try Data(contentsOf: model) == before)
  }

  @Test("a value that is no choice of its key is answered with the choices")
  func noChoice() throws {
    expect(
      try train("--set", "ridge_mode=abs"), status: 2, says: "ridge_mode: \"abs\" is not a choice", "absolute"
    )
    expect(
      try train("--set", "optimizer=addam", method: "clip"), status: 2,
      says: "optimizer: \"addam\" is not a choice", "adamw")
  }

  @Test("a key that nobody knows is answered with the nearest, and with where the list is")
  func unknownKey() throws {
    let outcome = try train("--set", "lerning_rate=1", method: "clip")
    expect(
      outcome, status: 2, says: "unknown key 'lerning_rate'; did you mean 'learning_rate'?", "methods clip`")
    let line = outcome.errors.split(separator: "\n").first { $0.hasPrefix("error: ") }
    #expect((line?.count ?? .max) < 140, "\(outcome.errors)")
    expect(try train("--set", "size=3", method: "clip"), status: 2, says: "'embed_size'", "'chunk_size'")
    expect(
      try train("--set", "schedule.kind=cosin", method: "clip"), status: 2,
      says:
        "schedule.kind: \"cosin\" is not a choice of this key: constant, step, exponential, cosine, linear,",
      "did you mean 'cosine'?")
    expect(try train("--set", "schedule.evry=3", method: "clip"), status: 2, says: "'schedule.every'")
  }

  @Test("usage errors end with 2 and show the usage", arguments: [["train"], ["search", "x"], ["nonsense"]])
  func usage(arguments: [String]) throws {
    let outcome = try CommandLine.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(!outcome.errors.isEmpty)
  }
}

/// A .npy file of float32 with numbers that are in no way special, except where `special` says.
func npy(
  rows: Int, columns: Int, claiming shape: String? = nil, type: String = "<f4",
  special: (Int, Int) -> Float? = { _, _ in nil }
) -> Data {
  var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape ?? "(\(rows), \(columns))"), }"
  header += String(repeating: " ", count: 118 - header.utf8.count - 1) + "\n"
  var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8))
  for row in 0..<rows {
    for column in 0..<columns {
      let number =
        special(row, column) ?? Float(sin(Double(row * 7 + column * 13) * 0.37) + 0.1 * Double(column))
      withUnsafeBytes(of: number) { data.append(contentsOf: $0) }
    }
  }
  return data
}
