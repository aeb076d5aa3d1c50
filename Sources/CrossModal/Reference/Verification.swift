import Foundation
import Torch

/// Recomputes recorded reference cases and compares.
public struct Verification: Sendable {
  /// How one case came out.
  public struct Outcome: Sendable {
    /// The case's folder as it was given or found.
    public let path: String
    public let method: String
    public let component: String
    public let passed: Bool
    /// The output with the largest error relative to what is allowed, and its largest absolute error.
    public let worst: (output: String, error: Double)?
    /// Why the case could not be computed or compared, or which outputs are off.
    public let reason: String?

    /// `{"path", "method", "component", "passed", "worst": {"output", "error"}}`.
    public var json: JSON {
      var json: JSON = [
        "path": .string(path), "method": .string(method), "component": .string(component),
        "passed": .bool(passed),
        "worst": worst.map { ["output": .string($0.output), "error": .double($0.error)] } ?? .null,
      ]
      if let reason { json["reason"] = .string(reason) }
      return json
    }
  }

  /// Data sets that cases name are looked up here, else beside the cases (`golden/../data`).
  public let dataRoot: URL?

  public init(dataRoot: URL? = nil) { self.dataRoot = dataRoot }

  /// All case folders at or below the given paths, in order of their names.
  ///
  /// - Throws: ``VerificationError`` when a path does not exist or holds no case.
  public static func cases(at paths: [String]) throws -> [String] {
    try paths.flatMap { path -> [String] in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
        throw VerificationError.noFolder(path)
      }
      let found = casesBelow(path)
      guard !found.isEmpty else { throw VerificationError.noCases(path) }
      return found
    }
  }

  private static func casesBelow(_ path: String) -> [String] {
    if FileManager.default.fileExists(atPath: path + "/case.json") { return [path] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? []
    return names.filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
      let child = path.hasSuffix("/") ? path + name : path + "/" + name
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: child, isDirectory: &isFolder)
      return exists && isFolder.boolValue ? casesBelow(child) : []
    }
  }

  /// Recomputes one case. Never throws: what goes wrong is the outcome.
  public func outcome(of path: String) -> Outcome {
    var method = ""
    var component = ""
    do {
      let folder = URL(fileURLWithPath: path)
      let record = try JSON(json: try Data(contentsOf: folder.appendingPathComponent("case.json")))
      method = record["method"]?.string ?? ""
      component = record["component"]?.string ?? ""
      let reference = try self.reference(record, in: folder)
      let components = try ReferenceList.components(of: method, for: component)
      try reference.check(ranks: components.ranks(of: component))
      let computed = try components.compute(reference)
      return try compare(computed, record, folder, path: path)
    } catch {
      return Outcome(
        path: path, method: method, component: component, passed: false, worst: nil,
        reason: ((FileError(error) ?? error) as? any LocalizedError)?.errorDescription ?? "\(error)")
    }
  }

  private func reference(_ record: JSON, in folder: URL) throws -> ReferenceCase {
    let config = record["config"] ?? .object([])
    let dataFolder = config["data"]?.string.map { name in
      (dataRoot
        ?? folder.standardizedFileURL.deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("data")).appendingPathComponent(name)
    }
    return ReferenceCase(
      folder: folder, method: record["method"]?.string ?? "", component: record["component"]?.string ?? "",
      config: config, inputs: try Self.tensors(folder, "inputs.safetensors").filter { $0.key != "_none" },
      text: try Self.tree(folder, "inputs.json"),
      weights: try Self.tensors(folder, "weights.safetensors").filter { $0.key != "_none" },
      outputs: record["outputs"]?.array?.compactMap(\.string) ?? [], mode: record["mode"]?.string,
      dataFolder: dataFolder)
  }

  private static func tensors(_ folder: URL, _ name: String) throws -> [String: Tensor] {
    let file = folder.appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: try SafeTensors.read(file.path).tensors.map { ($0.name, $0.tensor) })
  }

  private static func tree(_ folder: URL, _ name: String) throws -> JSON {
    let file = folder.appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return .null }
    return try JSON(json: try Data(contentsOf: file))
  }

  private func compare(
    _ computed: [String: ReferenceOutput], _ record: JSON, _ folder: URL, path: String
  ) throws -> Outcome {
    let numbers = try Self.tensors(folder, "expected.safetensors").filter { $0.key != "_none" }
    var text = try Self.tree(folder, "expected.json")
    // The tokens of some cases stand beside their settings.
    if let tokens = record["expected_tokens"] ?? record["config"]?["expected_tokens"] {
      text["expected_tokens"] = tokens
    }
    let skipped = Set(record["not_checked"]?.array?.compactMap(\.string) ?? [])
    let tolerance = Tolerance(relative: record["rtol"]?.double ?? 0, absolute: record["atol"]?.double ?? 0)
    var names = record["outputs"]?.array?.compactMap(\.string) ?? []
    for name in numbers.keys.sorted() + (text.members?.map(\.key) ?? []) where !names.contains(name) {
      names.append(name)
    }
    var worst: (output: String, difference: Difference)?
    var failures: [String] = []
    for name in names where !skipped.contains(name) {
      let difference: Difference
      switch (computed[name], numbers[name], text[name]) {
      case (.tensor(let found)?, let expected?, _): difference = try tolerance.compare(found, expected)
      case (.text(let found)?, _, let expected?): difference = tolerance.compare(found, expected)
      case (.tensor(let found)?, nil, let expected?):
        difference = tolerance.compare(try JSON(found), expected)
      case (.text?, _?, nil): difference = .failure("is text, expected numbers")
      case (nil, _, _): difference = .failure("was not computed")
      case (_, nil, nil): difference = .failure("has no expected value in the case")
      }
      if let reason = difference.reason { failures.append("\(name) \(reason)") }
      if difference.ratio > worst?.difference.ratio ?? -1 { worst = (name, difference) }
    }
    return Outcome(
      path: path, method: record["method"]?.string ?? "", component: record["component"]?.string ?? "",
      passed: failures.isEmpty && !names.isEmpty, worst: worst.map { ($0.output, $0.difference.error) },
      reason: names.isEmpty
        ? "the case names no outputs" : failures.isEmpty ? nil : failures.joined(separator: "; "))
  }
}

extension JSON {
  /// The elements of a tensor as nested lists; a scalar as a number.
  public init(_ tensor: Tensor) throws {
    let shape = tensor.shape
    let flat: [JSON] =
      switch tensor.dtype {
      case .bool: try tensor.values(as: Bool.self).map(JSON.bool)
      case let type where type.isFloatingPoint: try tensor.values(as: Double.self).map(JSON.double)
      default: try tensor.values(as: Int.self).map(JSON.int)
      }
    self = shape.isEmpty ? flat[0] : JSON.nested(flat[...], shape[...])
  }

  private static func nested(_ flat: ArraySlice<JSON>, _ shape: ArraySlice<Int>) -> JSON {
    guard shape.count > 1, let rows = shape.first, rows > 0 else { return .array(Array(flat)) }
    let width = flat.count / rows
    return .array(
      (0..<rows).map {
        nested(flat[flat.startIndex + $0 * width..<flat.startIndex + ($0 + 1) * width], shape.dropFirst())
      })
  }
}

/// Paths or cases that cannot be verified.
public enum VerificationError: LocalizedError, Equatable {
  case noFolder(String)
  case noCases(String)
  case unknownMethod(String, known: [String])
  case unknownComponent(String, method: String, known: [String])

  public var errorDescription: String? {
    switch self {
    case .noFolder(let path): return "\(path): no such folder"
    case .noCases(let path): return "\(path): holds no reference case (a folder with case.json)"
    case .unknownMethod(let name, let known):
      return "no reference components for method '\(name)'; known: \(known.joined(separator: ", "))"
    case .unknownComponent(let name, let method, let known):
      let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ";"
      return "\(method) has no component '\(name)'\(hint) known: \(known.joined(separator: ", "))"
    }
  }
}
