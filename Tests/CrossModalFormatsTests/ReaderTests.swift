import Foundation
import Testing
import Torch

@testable import CrossModal
@testable import CrossModalFormats

/// Files that NumPy, SciPy and h5py wrote; `Tests/Fixtures/make.py` says how.
enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  struct Expected: Decodable {
    let dtype: String
    let shape: [Int]
    let bytes: String
  }

  static let expected: [String: Expected] = {
    guard let data = try? Data(contentsOf: folder.appendingPathComponent("expected.json")) else { return [:] }
    return (try? JSONDecoder().decode([String: Expected].self, from: data)) ?? [:]
  }()

  static let names = expected.keys.sorted().filter { name in
    ![".png", ".jpg"].contains { name.contains($0) }
  }

  static func array(_ name: String) throws -> any ArraySource {
    Formats.register()
    return try FileReference(name, in: folder).array(limits: .standard)
  }
}

@Suite("Readers of arrays")
struct ReaderTests {
  @Test("files of NumPy, SciPy and h5py read back equal to the last bit", arguments: Fixtures.names)
  func bitEqual(name: String) throws {
    let expected = try #require(Fixtures.expected[name])
    let array = try Fixtures.array(name)
    #expect(array.shape == expected.shape)
    #expect("\(array.dtype)" == expected.dtype)
    let bytes = try array.all().contiguous().bytes()
    #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected.bytes)
  }

  @Test("rows in any order are those of the whole", arguments: Fixtures.names)
  func rows(name: String) throws {
    let array = try Fixtures.array(name)
    let places = [array.count - 1, 0, array.count - 1, array.count / 2]
    let whole = try array.all().rows(at: places)
    #expect(try array.rows(at: places).values(as: Double.self) == whole.values(as: Double.self))
    let part = 1..<array.count
    #expect(try array.rows(in: part).values(as: Double.self) == array.all()[part].values(as: Double.self))
    #expect(try array.rows(at: []).count == 0)
  }

  @Test(
    "what a container does not hold is named, with what it does",
    arguments: [
      ("v5.mat:f9", "holds no array 'f9', only 'f8'"), ("v5.mat", "name the array as"),
      ("v5.mat:cell", "holds a cell array"), ("v7.mat:word", "holds text"),
      ("v7.mat:record", "holds a structure"),
      ("v5.mat:wave", "holds complex numbers"), ("arrays.h5:words", "holds text"),
      ("kinds.h5:animals", "holds an enumeration"), ("kinds.h5:swapped", "holds an enumeration"),
      ("arrays.h5:outside", "holds no array 'outside'"), ("arrays.h5:soft", "holds no array 'soft'"),
      ("v73.mat:x", "did you mean"), ("arrays.safetensors:z", "only 'x', 'y'"),
      ("stored.npz:z", "only 'x', 'y'"), ("stored.npz", "name the array as"),
      ("named.csv:q", "holds no array 'q', only 'a', 'b, c', 'd'"), ("f4.npy:x", "means nothing"),
      ("lines.txt", "of no known array format"), ("missing.npy", "there is no such file"),
    ])
  func unknown(name: String, says: String) {
    var said = "nothing"
    do { _ = try Fixtures.array(name) } catch { said = error.localizedDescription }
    #expect(said.contains(says), "said: \(said)")
  }

  @Test("a row may be larger than the memory that a reader has for small files")
  func wideRow() throws {
    Formats.register()
    var limits = Limits.standard
    limits.ratio = 1 << 20
    let array = try FileReference("wide.h5:x", in: Fixtures.folder).array(limits: limits)
    #expect(array.shape == [1, 80 << 20])
    #expect(try array.all().max().item(as: Int.self) == 0)
  }

  @Test("HDF5 that MATLAB did not write keeps its order of rows, whatever the file is called")
  func plainNamedMAT() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).mat")
    defer { try? FileManager.default.removeItem(at: file) }
    try FileManager.default.copyItem(at: Fixtures.folder.appendingPathComponent("arrays.h5"), to: file)
    Formats.register()
    let folder = file.deletingLastPathComponent()
    let expected = Fixtures.expected.keys.filter { $0.hasPrefix("arrays.h5:") }.sorted()
    let name = try #require(expected.first { Fixtures.expected[$0]?.shape.count == 2 })
    let found = try FileReference(file.lastPathComponent + name.dropFirst("arrays.h5".count), in: folder)
      .array(limits: .standard)
    #expect(found.shape == Fixtures.expected[name]?.shape)
  }

  @Test("data that were packed with a filter that is not here are no damaged data")
  func filters() throws {
    let array = try Fixtures.array("lzf.h5:features")
    let error = #expect(throws: DataError.self) { try array.all() }
    #expect(
      error?.description.contains(
        "lzf.h5: 'features' is packed with the filter lzf (32000), which is not read here") == true)
  }

  @Test("texts are the same from a plain, a gzipped and a JSON-lines file")
  func texts() throws {
    let expected = ["one line", "Γειά σου κόσμε", "", "blanks", "last without end"]
    for (name, field) in [("lines.txt", nil), ("lines.txt.gz", nil), ("lines.jsonl", "text")] {
      let reference = FileReference(name, in: Fixtures.folder)
      #expect(reference.isText)
      #expect(try reference.texts(field: field, limits: .standard).all() == expected)
    }
  }

  @Test(
    "Wikipedia's original MATLAB file gives the recorded arrays", .enabled(if: ReaderTests.sharedData != nil))
  func wikipedia() throws {
    Formats.register()
    let root = try #require(ReaderTests.sharedData)
    let matlab = try DataSet(at: root.appendingPathComponent("wikipedia/matlab.dataset.yaml").path)
    let numpy = try DataSet(at: root.appendingPathComponent("wikipedia").path)
    for split in ["train", "test"] {
      let (a, b) = try (matlab.split(split).all(), numpy.split(split).all())
      for (x, y) in zip(a.items, b.items) {
        guard case .vectors(let x) = x, case .vectors(let y) = y else { continue }
        #expect(x.dtype == .float64)
        #expect(try x.to(.float32).values(as: Float.self) == y.values(as: Float.self))
      }
    }
  }

  static let sharedData: URL? = {
    let beside = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("shared/data")
    let named = ProcessInfo.processInfo.environment["CROSSMODAL_DATA"].map { URL(fileURLWithPath: $0) }
    return [named, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
  }()
}

@Suite("Videos in one HDF5 file")
struct VideoFileTests {
  @Test("activitynet: a group of the file for each video, as published")
  func groups() throws {
    Formats.register()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("videos-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(
      #"""
      {"v_a": {"duration": 6, "timestamps": [[0, 2]], "sentences": ["One."]},
       "v_b": {"duration": 10, "timestamps": [[1, 9.5], [2, 3]], "sentences": ["Two.", "Three."]}}
      """#.utf8
    ).write(to: folder.appendingPathComponent("train.json"))
    let request = ImportRequest(
      source: folder, options: ["features": Fixtures.folder.appendingPathComponent("videos.h5").path])
    let out = folder.appendingPathComponent("out")
    try Importers.run("activitynet", request, into: out)
    let split = try DataSet(at: out.path).split("train")
    #expect(split.rate(side: 0) == 0.5)
    #expect(split.moments == [0...2, 1...9.5, 2...3])
    guard case .sequences(let rows, let lengths) = try split.items(side: 0) else {
      throw ImportError.empty("")
    }
    #expect(lengths == [3, 5])
    let expected = try ["v_a", "v_b"].map { try Fixtures.array("videos.h5:\($0)").all() }
    #expect(try rows[0].narrowed(to: 0..<3, along: 0).values(as: Float.self) == expected[0].values())
    #expect(try rows[1].values(as: Float.self) == expected[1].values())
  }

  @Test("a group of several data sets is no array, and a file that was written anew is read anew")
  func refreshed() throws {
    #expect(throws: DataError.self) { try Fixtures.array("videos.h5:v_c") }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("anew-\(UUID().uuidString).h5")
    defer { try? FileManager.default.removeItem(at: file) }
    let read = { try FileReference(file.path + ":v_a", in: file).array(limits: .standard) }
    try FileManager.default.copyItem(at: Fixtures.folder.appendingPathComponent("videos.h5"), to: file)
    let kept = try read()
    try Data("no longer HDF5".utf8).write(to: file, options: .atomic)
    #expect(throws: DataError.self) { try read() }
    // What was open stays what it was.
    #expect(try kept.all().values(as: Float.self) == Fixtures.array("videos.h5:v_a").all().values())
  }
}

@Suite("The Wikipedia importer")
struct WikipediaImporterTests {
  @Test("the published files give the recorded data set", .enabled(if: ReaderTests.sharedData != nil))
  func published() throws {
    Formats.register()
    let root = try #require(ReaderTests.sharedData).appendingPathComponent("wikipedia")
    let out = FileManager.default.temporaryDirectory.appendingPathComponent("wikipedia-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: out) }
    try Importers.run("wikipedia", ImportRequest(source: root), into: out)
    let (found, recorded) = try (DataSet(at: out.path), DataSet(at: root.path))
    for name in ["train", "test"] {
      let (a, b) = try (found.split(name).all(), recorded.split(name).all())
      #expect(a.labels == b.labels)
      guard case .vectors(let x) = a.items[1], case .vectors(let y) = b.items[1] else { continue }
      #expect(try x.to(.float32).values(as: Float.self) == y.values(as: Float.self))
    }
  }
}
