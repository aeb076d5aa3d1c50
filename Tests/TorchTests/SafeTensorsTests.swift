import Foundation
import Testing
import Torch

@Suite("Safetensors")
struct SafeTensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file's header and data.
  private func parts(_ path: String) throws -> (header: String, data: Data) {
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    let length = file.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    return (String(decoding: file[8..<8 + length], as: UTF8.self), Data(file[(8 + length)...]))
  }

  private func write(_ header: String, data: Int = 0, to name: String = "file") throws -> String {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    let path = folder.path(name)
    try (length + Data(header.utf8) + Data(count: data)).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test(
    "a file of Python's with every type is read, and written here it has the same bytes beside our checksums")
  func bytesOfPython() throws {
    let original = Recorded.path("every_type.safetensors")
    let contents = try SafeTensors.read(original)
    #expect(contents.tensors.count == 15)
    #expect(contents["scalar"]?.shape == [])
    #expect(try contents["6.float16"]?.isClose(to: Tensor.ones([2, 0], .float16)) == true)
    let path = folder.path("ours.safetensors")
    try SafeTensors.write(contents.tensors.reversed(), to: path)
    let (theirs, ours) = (try parts(original), try parts(path))
    #expect(ours.data == theirs.data)
    let metadata = try #require(ours.header.range(of: "},"))
    let header = "{" + ours.header[metadata.upperBound...]
    #expect(header.trimmingCharacters(in: .whitespaces) == theirs.header.trimmingCharacters(in: .whitespaces))
    #expect(ours.header.utf8.count.isMultiple(of: 8))
    let again = try SafeTensors.read(path)
    #expect(again.tensors.map(\.name) == contents.tensors.map(\.name))
    for (name, tensor) in contents.tensors {
      #expect(try again[name]?.bytes() == tensor.bytes(), "\(name)")
    }
  }

  @Test("texts of the metadata come back, and views are written in row-major order")
  func metadata() throws {
    let path = folder.path("file")
    let texts = ["note": "a \"quoted\"\n\u{1} line \\ / é\u{2028}", "crc32.other": "left out"]
    let matrix = try Tensor([1.0, 2, 3, 4], shape: [2, 2])
    try SafeTensors.write([("t", matrix.transposed()), ("v", matrix[1])], metadata: texts, to: path)
    let contents = try SafeTensors.read(path)
    #expect(contents.metadata["note"] == texts["note"])
    #expect(contents.metadata["crc32.other"] == nil)
    #expect(try contents["t"]?.values() == [1.0, 3, 2, 4])
    #expect(try contents["v"]?.values() == [3.0, 4])
  }

  @Test("every changed bit and every truncation of a file written here is refused")
  func damage() throws {
    let path = folder.path("whole")
    let tensors = [
      (name: "a", tensor: try Tensor([1.0, -2])), (name: "b", tensor: try Tensor([7] as [Int32])),
      (name: "none", tensor: try Tensor.zeros([0, 3])),
    ]
    try SafeTensors.write(tensors, metadata: ["note": "x"], to: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let damaged = URL(fileURLWithPath: folder.path("damaged"))
    var accepted: [String] = []
    for bit in 0..<whole.count * 8 {
      var bytes = whole
      bytes[bit / 8] ^= 1 << (bit % 8)
      try bytes.write(to: damaged)
      do {
        _ = try SafeTensors.read(damaged.path)
        accepted.append("bit \(bit)")
      } catch is SafeTensorsError {}
    }
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: damaged)
      do {
        _ = try SafeTensors.read(damaged.path)
        accepted.append("length \(length)")
      } catch is SafeTensorsError {}
    }
    try (whole + Data([0])).write(to: damaged)
    #expect(throws: SafeTensorsError.self) { try SafeTensors.read(damaged.path) }
    #expect(accepted == [])
  }

  @Test(
    "a malformed header is refused by a typed error that names the file",
    arguments: [
      "", "{", "[]", " {}", "{}x", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":{\"k\":1}}",
      "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", "{\"__metadata__\":{},\"__metadata__\":{}}",
      entry("\"F32\"", "[2]", "[0,8]") + "x", "{\"a\":" + body("\"F32\"", "[2]", "[0,8]") + ",}",
      entry("\"F33\"", "[2]", "[0,8]"), entry("32", "[2]", "[0,8]"), entry("\"F32\"", "2", "[0,8]"),
      entry("\"F32\"", "[2.0]", "[0,8]"), entry("\"F32\"", "[-2]", "[0,8]"),
      entry("\"F32\"", "[02]", "[0,8]"),
      entry("\"F32\"", "[2e0]", "[0,8]"), entry("\"F32\"", "[3]", "[0,8]"), entry("\"F32\"", "[2]", "[8,0]"),
      entry("\"F32\"", "[2]", "[0]"), entry("\"F32\"", "[2]", "[0,16]"), entry("\"F32\"", "[1]", "[4,8]"),
      entry("\"F32\"", "[1]", "[0,4]"), entry("\"F32\"", "[4294967296,4294967296,2]", "[0,8]"),
      entry("\"F32\"", "[99999999999999999999]", "[0,8]"), entry("\"F32\"", "[2]", "[0,8],\"x\":1"),
      "{\"a\":" + body("\"F32\"", "[2]", "[0,8]") + ",\"a\":" + body("\"F32\"", "[2]", "[0,8]") + "}",
      "{\"a\":" + body("\"F32\"", "[2]", "[0,8]") + ",\"b\":" + body("\"F32\"", "[1]", "[4,8]") + "}",
      "{\"a\\ud800\":" + body("\"F32\"", "[2]", "[0,8]") + "}",
      "{\"a\\x\":" + body("\"F32\"", "[2]", "[0,8]") + "}",
      "{\"a\n\":" + body("\"F32\"", "[2]", "[0,8]") + "}",
    ])
  func malformed(header: String) throws {
    let path = try write(header, data: 8)
    let error = #expect(throws: SafeTensorsError.self) { try SafeTensors.read(path) }
    #expect(error?.localizedDescription.hasPrefix(path) == true)
  }

  private static func body(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    "{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  private static func entry(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    "{\"a\":\(body(dtype, shape, offsets))}"
  }

  @Test("spaces between the parts, other orders of fields and escaped names are understood")
  func tolerance() throws {
    let header =
      "{ \"\\u00e9\\ud83d\\ude00\\/\" : { \"shape\" : [ 2 , 1 ] , \"data_offsets\":[0,8] ,\"dtype\":\"F32\"} }  "
    let contents = try SafeTensors.read(write(header, data: 8))
    #expect(contents["é😀/"]?.shape == [2, 1])
    #expect(try SafeTensors.read(write("{}")).tensors.isEmpty)
  }

  @Test("an impossible length, a missing file, and names that may not be written are refused")
  func refusals() throws {
    let path = folder.path("file")
    for bytes in [Data(), Data(count: 7), Data(repeating: 0xFF, count: 40)] {
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(throws: SafeTensorsError.self) { try SafeTensors.read(path) }
    }
    #expect(throws: FileError.self) { try SafeTensors.read(folder.path("nothing")) }
    #expect(throws: FileError.self) { try SafeTensors.read(folder.url.path) }
    let one = try Tensor(1.0)
    #expect(throws: SafeTensorsError.self) { try SafeTensors.write([("a", one), ("a", one)], to: path) }
    #expect(throws: SafeTensorsError.self) { try SafeTensors.write([("__metadata__", one)], to: path) }
    #expect(throws: FileError.self) { try SafeTensors.write([("a", one)], to: folder.path("no/such/file")) }
  }
}
