import CrossModal
import Foundation
import Testing
import Torch

/// A case of the `golden` folder with what it expects; nil members never reach the code under test.
struct RecordedCase {
  let reference: ReferenceCase
  let expected: [String: Tensor]
  let relative: Double
  let absolute: Double

  /// `CROSSMODAL_GOLDEN`, else `../shared/golden` beside the repository; nil when there is none.
  static let root: URL? = {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    let folder =
      ProcessInfo.processInfo.environment["CROSSMODAL_GOLDEN"].map { URL(filePath: $0) }
      ?? repository.appending(path: "../shared/golden").standardizedFileURL
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()

  /// The case at `path` below the root, such as `cca/basic`.
  init(_ path: String) throws {
    let folder = try #require(RecordedCase.root).appending(path: path)
    let json = try JSON(json: Data(contentsOf: folder.appending(path: "case.json")))
    relative = json["rtol"]?.double ?? 0
    absolute = json["atol"]?.double ?? 0
    expected = try RecordedCase.tensors(folder.appending(path: "expected.safetensors"))
    reference = ReferenceCase(
      folder: folder, method: json["method"]?.string ?? "", component: json["component"]?.string ?? "",
      config: json["config"] ?? .null,
      inputs: try RecordedCase.tensors(folder.appending(path: "inputs.safetensors")),
      weights: try RecordedCase.tensors(folder.appending(path: "weights.safetensors")),
      outputs: json["outputs"]?.array?.compactMap(\.string) ?? [], mode: json["mode"]?.string,
      dataFolder: json["config"]?["data"]?.string.map { folder.appending(path: "../../../data/\($0)") })
  }

  /// Names of outputs that are missing or differ, with their largest difference.
  func failures(of outputs: [String: ReferenceOutput]) throws -> [String] {
    try reference.outputs.compactMap { name in
      guard case .tensor(let found)? = outputs[name] else { return "\(name) is missing" }
      let wanted = try #require(expected[name])
      guard found.shape == wanted.shape else { return "\(name) has \(found.shape), not \(wanted.shape)" }
      let (a, b) = (try found.to(.float64), try wanted.to(.float64))
      guard try !a.isClose(to: b, relative: relative, absolute: absolute) else { return nil }
      return "\(name) differs by \(try (a - b).magnitude().max().item(as: Double.self))"
    }
  }

  private static func tensors(_ file: URL) throws -> [String: Tensor] {
    guard let data = try? Data(contentsOf: file) else { return [:] }
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSON(json: data[8..<(8 + length)])
    var found: [String: Tensor] = [:]
    for member in header.members ?? [] where member.key != "__metadata__" {
      let range = try #require(member.value["data_offsets"]?.array).compactMap(\.int)
      let shape = try #require(member.value["shape"]?.array).compactMap(\.int)
      let name = member.value["dtype"]?.string ?? ""
      let types: [String: DataType] = ["F32": .float32, "F64": .float64, "I64": .int64, "I32": .int32]
      let dtype = try #require(types[name])
      found[member.key] = try data[(8 + length + range[0])..<(8 + length + range[1])].withUnsafeBytes {
        try Tensor(bytes: $0, shape: shape, dtype: dtype)
      }
    }
    return found
  }
}
