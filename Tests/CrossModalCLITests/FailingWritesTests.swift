#if os(Linux)
  import Foundation
  import Testing

  /// What is at a place while a command writes there, whatever goes wrong at whichever moment.
  @Suite("Writes that fail", .enabled(if: FaultyCommand.isPossible, FaultyCommand.comment))
  struct FailingWritesTests {
    /// Runs to work with, made once.
    private static let runs = Result { try Runs() }

    final class Runs: Sendable {
      private let (folder, scenes): (TemporaryFolder, TemporaryFolder)
      /// Two vector modalities of 40 rows.
      let vectors: String
      /// A canonical correlation analysis of them, and one with other weights.
      let cca: String
      let other: String
      /// A method of regions and words, whose pairs can be explained.
      let scan: String

      init() throws {
        (folder, scenes) = (try TemporaryFolder(), try TemporaryFolder())
        vectors = folder.url.path
        try folder.write(npy(rows: 40, columns: 3), to: "x.npy")
        try folder.write(npy(rows: 40, columns: 2), to: "y.npy")
        try folder.write(
          """
          name: small
          modalities: { left: { file: x.npy, kind: vector }, right: { file: y.npy, kind: vector } }
          splits: { train: "0:30", test: "30:40" }
          """, to: "dataset.yaml")
        (cca, other, scan) = (folder.path("cca"), folder.path("other"), scenes.path("t2i"))
        for (place, k) in [(cca, 2), (other, 1)] {
          let made = try CommandLine.run(
            "train", "--method", "cca", "--data", vectors, "--out", place, "--set", "k=\(k)")
          try #require(made.status == 0, "\(made.errors)")
        }
        try SCANCommandTests.dataSet(in: scenes)
        try SCANCommandTests.train("t2i", in: scenes)
      }
    }

    private let runs: Runs
    private let folder: TemporaryFolder

    init() throws {
      runs = try Self.runs.get()
      folder = try TemporaryFolder()
    }

    // MARK: - Places

    /// All that is in the folder: names, and the contents of what is the same whenever a command is repeated.
    private var state: [String: Data] {
      get throws { try everything().filter { !$0.key.contains("checkpoints/") } }
    }

    /// The state with the checkpoints, whose number depends on the time that they take.
    private func everything() throws -> [String: Data] {
      var state: [String: Data] = [:]
      for path in try FileManager.default.subpathsOfDirectory(atPath: folder.url.path) {
        let content = FileManager.default.contents(atPath: folder.path(path)) ?? Data()
        // These tell the time. Of a manifest, what it leads to counts; of what is not complete, where it is.
        if path.contains(".tmp") {
          state[path.replacing(/\.[0-9A-F]{8}\.tmp/, with: ".tmp")] = Data()
        } else if path.contains("manifest") {
          state[path] = content.split(separator: UInt8(ascii: "\"")).first {
            $0.starts(with: Data("last-".utf8))
          }
        } else {
          let tellsTime = ["report.html", "metrics.jsonl", "events"].contains { path.contains($0) }
          state[path] = tellsTime ? Data() : content
        }
      }
      return state
    }

    /// The state without what a killed process may leave until the next start.
    private var visible: [String: Data] {
      get throws { try state.filter { !$0.key.contains(".tmp") } }
    }

    /// Puts a copy in place of all that is in the folder.
    private func restore(_ copy: TemporaryFolder) throws {
      let files = FileManager.default
      for name in try files.contentsOfDirectory(atPath: folder.url.path) {
        try files.removeItem(atPath: folder.path(name))
      }
      for name in try files.contentsOfDirectory(atPath: copy.url.path) {
        try files.copyItem(atPath: copy.path(name), toPath: folder.path(name))
      }
    }

    private func copy() throws -> TemporaryFolder {
      let copy = try TemporaryFolder()
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
        try FileManager.default.copyItem(atPath: folder.path(name), toPath: copy.path(name))
      }
      return copy
    }

    /// One sentence that names the place.
    private func expectError(_ outcome: CommandLine.Outcome, at place: String, _ where: String) {
      let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(outcome.status == 1 && lines.count == 1, "\(`where`): \(outcome.errors)")
      #expect(lines.first?.contains(place) == true, "\(`where`): \(outcome.errors)")
      #expect(lines.first?.contains(": cannot write: ") == true, "\(`where`): \(outcome.errors)")
      #expect(!outcome.errors.contains(".tmp"), "\(`where`): \(outcome.errors)")
    }

    // MARK: - Commands that write once

    /// A command that writes a file or a folder, and what stands there before.
    struct SavingCommand: CustomTestStringConvertible, Sendable {
      let testDescription: String
      /// What is written, without the last words.
      let words: @Sendable (Runs) -> [String]
      let out: String
      /// Whether a run, a file or nothing stands at the place before.
      var former: Former = .file

      enum Former { case nothing, file, run }

      init(
        _ name: String, _ out: String, _ former: Former = .file,
        _ words: @escaping @Sendable (Runs) -> [String]
      ) {
        (testDescription, self.out, self.former, self.words) = (name, out, former, words)
      }
    }

    static let commands = [
      SavingCommand("train", "run", .run) {
        ["train", "--method", "cca", "--data", $0.vectors, "--set", "k=2"]
      },
      SavingCommand("export", "run", .run) { ["export", $0.cca] },
      SavingCommand("convert to a run", "run", .run) {
        [
          "convert", $0.cca + "/model.safetensors", "--method", "cca", "--data", $0.vectors, "--set", "k=2",
        ]
      },
      SavingCommand("convert", "weights.safetensors") { ["convert", $0.cca + "/model.safetensors"] },
      SavingCommand("embed", "v.npy") { ["embed", $0.cca, "--modality", "left"] },
      SavingCommand("embed parts", "v.npz") { ["embed", $0.scan, "--modality", "text"] },
      SavingCommand("score", "s.npy") { ["score", $0.cca] },
      SavingCommand("explain as a picture", "why.png") { ["explain", $0.scan, "--pair", "1,3"] },
      SavingCommand("explain as a page", "why.html") { ["explain", $0.scan, "--pair", "1,3"] },
      SavingCommand("data inspect", "page.html") { ["data", "inspect", $0.vectors] },
      SavingCommand("data import", "set", .nothing) {
        ["data", "import", "features", $0.vectors + "/x.npy", "--set", "with=" + $0.vectors + "/y.npy"]
      },
    ]

    @Test("the former file or run is there, or the new one, and nothing else", arguments: commands)
    func saves(command: SavingCommand) throws {
      switch command.former {
      case .nothing: break
      case .file: try folder.write("mine", to: command.out)
      case .run: try FileManager.default.copyItem(atPath: runs.other, toPath: folder.path(command.out))
      }
      let (before, former) = (try copy(), try state)
      let force = command.former == .nothing ? [] : ["--force"]
      let faulty = try FaultyCommand(command.words(runs) + ["--out", folder.path(command.out)] + force)
      let whole = try faulty.run()
      try #require(whole.outcome.status == 0 && whole.operations >= 3, "\(whole.outcome.errors)")
      let new = try state
      #expect(former != new)
      for fault in FaultyCommand.Fault.allCases {
        for n in fault.moments(of: whole.operations) {
          try restore(before)
          let name = "\(fault) \(n)"
          let outcome = try faulty.run((fault, n)).outcome
          let left = try fault == .kills ? visible : state
          #expect(left == former || left == new, "\(name): \(left.keys.sorted())")
          if fault == .kills {
            #expect(outcome.status == 128 + SIGKILL, "\(name): \(outcome.errors)")
            // The next start finds what the killed one left.
            let again = try faulty.run().outcome
            #expect(again.status == 0, "\(name): \(again.errors)")
            let keys = try state.keys.sorted()
            #expect(try state == new, "\(name): \(keys)")
          } else if outcome.status == 0 {
            #expect(left == new, "\(name)")
          } else {
            expectError(outcome, at: command.out, name)
          }
        }
      }
    }

    // MARK: - Training

    /// One step, with a checkpoint before and one after it.
    private func training(_ more: String..., k: Int = 2) -> [String] {
      ["train", "--method", "clip", "--data", runs.vectors, "--out", folder.path("run")] + more
        + ["epochs=1", "batch_size=30", "embed_size=\(k)"].flatMap { ["--set", $0] }
    }

    private func holds(_ place: String) -> Bool { folder.exists("run/\(place)") }

    /// What a run is recognized by.
    private var weights: Data? { FileManager.default.contents(atPath: folder.path("run/model.safetensors")) }

    /// Lets each operation of a training go wrong, and checks that the run is then ended to the same weights: resumed
    /// where it was begun, and begun where it was not.
    ///
    /// - Parameters:
    ///   - before: what is there when it starts.
    ///   - begin: the command that begins it.
    ///   - check: looks at what is there after each.
    private func walk(
      _ faulty: FaultyCommand, from before: TemporaryFolder, _ kind: FaultyCommand.Fault,
      begin: FaultyCommand, isReplacing: Bool = false, check: (Int) -> Void = { _ in }
    ) throws {
      let resume = try FaultyCommand(training("--resume"))
      try restore(before)
      let whole = try faulty.run()
      try #require(whole.outcome.status == 0 && whole.operations > 10, "\(whole.outcome.errors)")
      let (new, made) = (try state, weights)
      // What is left is often what the fault before left; a file with a temporary name goes whatever is in it.
      var seen: Set<[String: Data]> = []
      for n in 1...whole.operations {
        try restore(before)
        let outcome = try faulty.run((kind, n)).outcome
        if kind == .kills {
          #expect(outcome.status == 128 + SIGKILL, "\(n): \(outcome.errors)")
        } else if outcome.status != 0 {
          expectError(outcome, at: "run", "\(n)")
        }
        check(n)
        guard try seen.insert(everything()).inserted else { continue }
        if try state != new {
          let isBegun =
            isReplacing ? weights == made || holds("replacement/config.yaml") : holds("config.yaml")
          let again = try (isBegun ? resume : begin).run().outcome
          #expect(again.status == 0, "\(n): \(again.errors)")
        }
        #expect(weights == made, "\(n)")
        let keys = try state.keys.sorted()
        #expect(try state == new, "\(n): \(keys)")
      }
    }

    @Test(
      "a training that was broken off is resumed to the same weights, and leaves nothing else",
      arguments: [FaultyCommand.Fault.fails, .kills])
    func training(fault: FaultyCommand.Fault) throws {
      let begin = try FaultyCommand(training())
      try walk(begin, from: TemporaryFolder(), fault, begin: begin)
    }

    @Test(
      "a training that was resumed and broken off again is resumed to the same weights",
      arguments: [FaultyCommand.Fault.fails, .kills])
    func resuming(fault: FaultyCommand.Fault) throws {
      let begin = try FaultyCommand(training())
      // Half-way, when the first checkpoint is there and the second is not.
      let all = try begin.run().operations
      try restore(TemporaryFolder())
      _ = try begin.run((.kills, all / 2))
      #expect(holds("checkpoints/manifest.json") && !holds("model.safetensors"))
      let resume = try FaultyCommand(training("--resume"))
      try walk(resume, from: copy(), fault, begin: begin)
    }

    @Test(
      "of a training that replaces a run, one of the two stands there at every moment, whole",
      arguments: [FaultyCommand.Fault.fails, .kills])
    func replacing(fault: FaultyCommand.Fault) throws {
      #expect(try CommandLine.run(training(k: 3)).status == 0)
      let (before, former) = (try copy(), weights)
      let record = FileManager.default.contents(atPath: folder.path("run/config.yaml"))
      let force = try FaultyCommand(training("--force"))
      try walk(force, from: before, fault, begin: force, isReplacing: true) { n in
        let isFormer = weights == former
        #expect(isFormer || !holds("replacement"), "\(n)")
        let now = FileManager.default.contents(atPath: folder.path("run/config.yaml"))
        #expect((now == record) == isFormer && holds("report.html"), "\(n)")
      }
    }

    @Test("a training on a disk that is full, or that can only be read, says so", arguments: [1, 8, 30])
    func disk(n: Int) throws {
      let begin = try FaultyCommand(training())
      for fault in [FaultyCommand.Fault.full, .readOnly] {
        let outcome = try begin.run((fault, n)).outcome
        expectError(outcome, at: "run", "\(fault)")
        if holds("config.yaml") {
          let resumed = try CommandLine.run(training("--resume"))
          #expect(resumed.status == 0, "\(resumed.errors)")
        }
        try restore(TemporaryFolder())
      }
    }
  }
#endif
