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

  // MARK: - Every write that fails

  #if os(Linux)
    /// Makes the operation that `FAULT_AT` counts to, among those that write to files, fail or kill the process.
    private static let shim = #"""
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <errno.h>
      #include <fcntl.h>
      #include <signal.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <sys/stat.h>
      #include <unistd.h>
      static int count;
      static int falls(int code) {
        const char *at = getenv("FAULT_AT");
        if (!at || __sync_add_and_fetch(&count, 1) != atoi(at)) return 0;
        close(creat(getenv("FAULT_MARK"), 0600));
        if (getenv("FAULT_KILLS")) kill(getpid(), SIGKILL);
        errno = code;
        return 1;
      }
      static int is_file(int fd) { struct stat s; return fd > 2 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode); }
      #define REAL(name) __typeof__(name) *real = dlsym(RTLD_NEXT, #name)
      ssize_t write(int fd, const void *bytes, size_t size) {
        REAL(write);
        return is_file(fd) && falls(ENOSPC) ? -1 : real(fd, bytes, size);
      }
      int fsync(int fd) { REAL(fsync); return is_file(fd) && falls(EIO) ? -1 : real(fd); }
      int rename(const char *one, const char *other) { REAL(rename); return falls(EIO) ? -1 : real(one, other); }
      int renameat2(int a, const char *one, int b, const char *other, unsigned flags) {
        REAL(renameat2);
        return falls(EIO) ? -1 : real(a, one, b, other, flags);
      }
      """#

    /// The environment that lets the `n`th operation fail; nil where there is no compiler for the shim.
    private func faulty(at n: Int, kills: Bool) throws -> [String: String]? {
      if !folder.exists("shim.so") {
        try folder.write(Self.shim, to: "shim.c")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/cc")
        compiler.arguments = [
          "-shared", "-fPIC", "-o", folder.path("shim.so"), folder.path("shim.c"), "-ldl",
        ]
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/cc") else { return nil }
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
      }
      var environment = [
        "LD_PRELOAD": folder.path("shim.so"), "FAULT_AT": "\(n)", "FAULT_MARK": folder.path("mark"),
      ]
      if kills { environment["FAULT_KILLS"] = "1" }
      return environment
    }

    /// Runs a command once for every operation that can fail, and checks what is there after each.
    private func forEachFault(
      kills: Bool, _ body: ([String: String]) throws -> CommandLine.Outcome,
      check: (Int, CommandLine.Outcome) throws -> Void
    ) throws {
      for n in 1... {
        try? FileManager.default.removeItem(atPath: folder.path("mark"))
        guard let environment = try faulty(at: n, kills: kills) else { return }
        let outcome = try body(environment)
        guard folder.exists("mark") else {
          #expect(outcome.status == 0 && n > 3, "\(n): \(outcome.errors)")
          return
        }
        if kills {
          #expect(outcome.status == 128 + SIGKILL, "\(n): \(outcome.errors)")
        } else {
          expectError(outcome, says: "cannot write: ")
        }
        try check(n, outcome)
      }
    }

    private var model: Data? { FileManager.default.contents(atPath: folder.path("run/model.safetensors")) }

    @Test("of a fit that replaces another, one of the two is there whatever fails", arguments: [false, true])
    func fit(kills: Bool) throws {
      #expect(try train("--set", "k=2").status == 0)
      let new = model
      #expect(try train("--set", "k=1", "--force").status == 0)
      let former = model
      let files = try names
      try forEachFault(kills: kills) {
        try train("--set", "k=2", "--force", in: $0)
      } check: { n, _ in
        #expect(model == former || model == new, "\(n)")
        #expect(folder.exists("run/config.yaml") && folder.exists("run/report.html"), "\(n)")
        let mine = files.union(["mark", "shim.c", "shim.so"])
        if kills {
          let again = try train("--set", "k=1", "--force")
          #expect(again.status == 0, "\(n): \(again.errors)")
          #expect(model == former, "\(n)")
        }
        let left = try names.subtracting(mine)
        #expect(left == [], "\(n)")
      }
    }

    @Test(
      "of a file that replaces another, one of the two is there whatever fails", arguments: [false, true])
    func file(kills: Bool) throws {
      #expect(try train().status == 0)
      try folder.write("mine", to: "s.npy")
      let files = try names.union(["mark", "shim.c", "shim.so"])
      let score = ["score", folder.path("run"), "--out", folder.path("s.npy"), "--force"]
      try forEachFault(kills: kills) {
        try CommandLine.run(score, environment: $0)
      } check: { n, _ in
        #expect(FileManager.default.contents(atPath: folder.path("s.npy")) == Data("mine".utf8), "\(n)")
        if kills {
          #expect(try CommandLine.run(score).status == 0)
          try folder.write("mine", to: "s.npy")
        }
        let left = try names.subtracting(files)
        #expect(left == [], "\(n)")
      }
    }

    @Test("a training whose writing failed tells the file and is resumed to the same weights")
    func training() throws {
      let settings = ["--set", "epochs=1", "--set", "batch_size=30", "--set", "embed_size=2"]
      func begin(_ environment: [String: String] = [:]) throws -> CommandLine.Outcome {
        try? FileManager.default.removeItem(atPath: folder.path("run"))
        return try CommandLine.run(
          ["train", "--method", "clip", "--data", folder.url.path, "--out", folder.path("run")] + settings,
          environment: environment)
      }
      #expect(try begin().status == 0)
      let whole = model
      try forEachFault(kills: false, begin) { n, _ in
        guard folder.exists("run") else { return }
        let resumed = try CommandLine.run(
          ["train", "--method", "clip", "--data", folder.url.path, "--out", folder.path("run"), "--resume"]
            + settings)
        #expect(resumed.status == 0, "\(n): \(resumed.errors)")
        #expect(model == whole, "\(n)")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path("run"))
        #expect(!names.contains { $0.hasSuffix(".tmp") }, "\(n)")
      }
    }
  #endif
}
