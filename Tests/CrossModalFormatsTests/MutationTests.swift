import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalFormats

/// A reader and a good file for it.
struct MutatedReader: Sendable, CustomTestStringConvertible {
  let fixture: String
  let variable: String?
  let read: @Sendable (FileReference) throws -> Void

  init(
    _ fixture: String, _ variable: String? = nil,
    read: @escaping @Sendable (FileReference) throws -> Void = { _ = try $0.array(limits: .standard).all() }
  ) {
    (self.fixture, self.variable, self.read) = (fixture, variable, read)
  }

  var testDescription: String { fixture }

  /// Readers of our own.
  static let own = [
    MutatedReader("f4.npy"), MutatedReader("fortran.npy"), MutatedReader("images-idx3-ubyte"),
    MutatedReader("images-idx3-ubyte.gz"), MutatedReader("floats.idx"), MutatedReader("named.csv"),
    MutatedReader("plain.tsv"), MutatedReader("arrays.safetensors", "x"),
    MutatedReader("stored.npz", "x"), MutatedReader("deflated.npz", "y"), MutatedReader("zip64.npz", "x"),
    MutatedReader("lines.txt") { _ = try $0.texts(field: nil, limits: .standard).all() },
    MutatedReader("lines.txt.gz") { _ = try $0.texts(field: nil, limits: .standard).all() },
    MutatedReader("lines.jsonl") { _ = try $0.texts(field: "text", limits: .standard).all() },
    MutatedReader("colour.png", read: decode), MutatedReader("palette.png", read: decode),
    MutatedReader("colour.jpg", read: decode), MutatedReader("ink.jpg", read: decode),
  ]

  private static let decode: @Sendable (FileReference) throws -> Void = {
    _ = try Picture(.file($0.url)).decoded()
  }

  /// Reads five hundred copies in all with readers that start a process for every file. Neither this process nor
  /// any of those, which begin with what this one holds, takes more than 64 MB beside that.
  static func expectBounded(_ readers: [MutatedReader]) throws {
    for reader in readers { _ = try reader.complaints(mutations: 10, seed: 1) }
    ProcessMemory.resetPeak()
    let before = ProcessMemory.now.resident
    for reader in readers {
      let complaints = try reader.complaints(mutations: 500 / readers.count + 1, seed: 4)
      #expect(complaints.isEmpty, "\(reader): \(complaints.prefix(5))")
    }
    #expect(before > 0 && ProcessMemory.now.peak - before < 64 << 20)
    #expect(peakOfChildren() - before < 64 << 20)
  }

  /// Reads damaged copies; gives the errors that are not what a user should see.
  func complaints(mutations count: Int, seed: UInt64) throws -> [String] {
    Formats.register()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "mutations-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var mutations = Mutations(
      of: try Data(contentsOf: Fixtures.folder.appendingPathComponent(fixture)), seed: seed)
    var complaints: [String] = []
    for number in 0..<count {
      // A mapped file must not shrink under its mapping, so every copy is a new file.
      let file = folder.appendingPathComponent("\(number)-\(fixture)")
      try mutations.next().write(to: file)
      do {
        try read(FileReference(file.path + (variable.map { ":" + $0 } ?? ""), in: folder))
      } catch let error as DataError {
        if !error.description.contains(file.lastPathComponent) || error.description.contains("\n") {
          complaints.append("\(number): \(error.description)")
        }
      } catch { complaints.append("\(number): \(type(of: error)): \(error)") }
      try FileManager.default.removeItem(at: file)
    }
    return complaints
  }
}

@Suite("Damaged files")
struct MutationTests {
  @Test("five hundred damaged copies are read or refused in words", arguments: MutatedReader.own)
  func damaged(reader: MutatedReader) throws {
    let complaints = try reader.complaints(mutations: 500, seed: 4)
    #expect(complaints.isEmpty, "\(complaints.prefix(5))")
  }

  // In small processes, which start others faster, and whose memory is their own.

  @Test("five hundred damaged copies of MATLAB files are read or refused in words, in bounded memory")
  func matlab() async {
    await #expect(processExitsWith: .success) {
      try MutatedReader.expectBounded([.init("v4.mat", "f8"), .init("v5.mat", "cube"), .init("v7.mat", "f8")])
    }
  }

  @Test("five hundred damaged copies of HDF5 files are read or refused in words, in bounded memory")
  func hdf5() async {
    await #expect(processExitsWith: .success) {
      try MutatedReader.expectBounded([.init("v73.mat", "f8"), .init("arrays.h5", "chunked")])
    }
  }

  @Test("damaged copies never take more memory than the file and 64 MB")
  func memory() async {
    await #expect(processExitsWith: .success) {
      // The first round brings in what is loaded once.
      for reader in MutatedReader.own { _ = try reader.complaints(mutations: 10, seed: 1) }
      ProcessMemory.resetPeak()
      let before = ProcessMemory.now.resident
      for reader in MutatedReader.own { _ = try reader.complaints(mutations: 100, seed: 9) }
      #expect(before > 0 && ProcessMemory.now.peak - before < 64 << 20)
    }
  }

  @Test("a piece of an HDF5 file that inflates a thousandfold is refused in bounded memory")
  func pieceBomb() async {
    await #expect(processExitsWith: .success) {
      Formats.register()
      let before = ProcessMemory.now.resident
      var said = "nothing"
      do { _ = try FileReference("bomb.h5:x", in: Fixtures.folder).array(limits: .standard).all() } catch {
        said = error.localizedDescription
      }
      #expect(said.hasSuffix("bomb.h5: 'x' is damaged or cut short"), "said: \(said)")
      #expect(before > 0 && peakOfChildren() - before < 64 << 20)
    }
  }

  @Test("a damaged dataset.yaml is read or refused in words")
  func yaml() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("yaml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["f4.npy", "f8.npy", "lines.txt"] {
      try FileManager.default.copyItem(
        at: Fixtures.folder.appendingPathComponent(name), to: folder.appendingPathComponent(name))
    }
    let text = """
      name: small
      modalities:
        x: { file: f4.npy, kind: vector, scale: 0.5 }
        y: { file: "f8.npy", kind: vector }
      labels: { x: f4.npy }
      splits:
        train: "0:2"
        test: [2, "2:3"]
        other: { x: f8.npy, y: f4.npy }
      """
    var mutations = Mutations(of: Data(text.utf8), seed: 5)
    for number in 0..<500 {
      let file = folder.appendingPathComponent("\(number).dataset.yaml")
      try mutations.next().write(to: file)
      do { _ = try DataSet(at: file.path) } catch let error as DataError {
        #expect(!error.description.contains("\n"))
      }
      try FileManager.default.removeItem(at: file)
    }
  }

  @Test(
    "trees that are built to exhaust a reader are refused",
    arguments: ["nested lists", "nested items", "nested maps", "anchors"])
  func exhausting(kind: String) {
    let text =
      switch kind {
      case "nested lists": String(repeating: "[", count: 100_000)
      case "nested items": String(repeating: "- ", count: 100_000) + "a"
      case "nested maps": String(repeating: "{a: ", count: 50_000)
      default:
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
          + zip("abcdefghi", "bcdefghij").map { old, new in
            "\(new): &\(new) [" + Array(repeating: "*\(old)", count: 9).joined(separator: ",") + "]\n"
          }.joined()
      }
    #expect(throws: (any Error).self) { try JSON(yaml: text) }
  }

  @Test("a PNG of 3.6 thousand million pixels is refused by its header")
  func hugePicture() throws {
    var data = try Data(contentsOf: Fixtures.folder.appendingPathComponent("colour.png"))
    let size = withUnsafeBytes(of: UInt32(60_000).bigEndian) { Data($0) }
    data.replaceSubrange(16..<24, with: size + size)
    // The header's checksum, as PNG counts it.
    let sum = PNGChecksum.crc(data[12..<29])
    data.replaceSubrange(29..<33, with: withUnsafeBytes(of: sum.bigEndian) { Data($0) })
    let picture = Picture(.bytes(data, name: "huge.png"))
    #expect(
      throws: DataError.tooLarge(
        file: "huge.png", what: "the number of pixels (60000 x 60000)", size: 3_600_000_000,
        limit: 200_000_000)
    ) { try picture.decoded() }
  }

  @Test("a .npz of a megabyte that would inflate to a gigabyte is refused by its header")
  func zipBomb() throws {
    // The sizes of the only member, in the directory, as a bomb would have them.
    var data = try Data(contentsOf: Fixtures.folder.appendingPathComponent("deflated.npz"))
    let directory = try #require(data.range(of: Data([0x50, 0x4B, 0x01, 0x02])))
    let gigabyte = withUnsafeBytes(of: UInt32(1 << 30).littleEndian) { Data($0) }
    data.replaceSubrange(directory.lowerBound + 24..<directory.lowerBound + 28, with: gigabyte)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("bomb-\(UUID().uuidString).npz")
    try data.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var said = "nothing"
    do { _ = try FileReference(file.path + ":x", in: file).array(limits: .standard) } catch {
      said = error.localizedDescription
    }
    #expect(said.contains("to 1073741824, more than 200 times as many"), "said: \(said)")
  }

  @Test("a gzip file that grows a thousandfold is refused")
  func gzipBomb() throws {
    // 40 MB of zeros in about 40 kB.
    let zeros = try #require(Gzip.deflatedZeros(40 << 20))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bomb-\(UUID().uuidString).txt.gz")
    try zeros.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(throws: DataError.self) { try TextLines(file, limits: .standard) }
  }
}

/// Largest resident memory of any process that this one has started and seen the end of, in bytes.
private func peakOfChildren() -> Int {
  var usage = rusage()
  #if os(Linux)
    getrusage(Int32(RUSAGE_CHILDREN.rawValue), &usage)
    return Int(usage.ru_maxrss) << 10
  #else
    getrusage(RUSAGE_CHILDREN, &usage)
    return Int(usage.ru_maxrss)
  #endif
}
