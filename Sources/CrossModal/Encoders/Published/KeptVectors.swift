import Foundation
import Torch

/// Vectors that a frozen encoder made of items, kept in a folder so that no item is encoded twice.
///
/// A file holds the keys of some items and their vectors; one that is damaged is as if it were not there. A folder that
/// cannot be written to costs time, nothing else.
final class KeptVectors: @unchecked Sendable {
  // Every access to what changes is under the lock.
  private let lock = NSLock()
  private let folder: URL?
  private let width: Int
  private var parts: [Tensor] = []
  private var places: [ItemKey: Place] = [:]
  private var isRead = false

  private struct Place {
    let part: Int32
    let row: Int32
  }

  /// - Parameters:
  ///   - folder: where files are; nil to keep vectors in memory only.
  ///   - width: of the vectors.
  init(in folder: URL?, width: Int) {
    self.folder = folder
    self.width = width
  }

  /// Where vectors are kept unless told otherwise: `crossmodal/vectors` in the user's folder for what may be thrown away.
  static var standardFolder: URL? {
    let environment = ProcessInfo.processInfo.environment
    if let own = environment["XDG_CACHE_HOME"], own.hasPrefix("/") {
      return URL(fileURLWithPath: own).appendingPathComponent("crossmodal/vectors")
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return URL(fileURLWithPath: home).appendingPathComponent(".cache/crossmodal/vectors")
  }

  /// Vectors of items, float32 `[n, width]`: those that are known, and the others as they are computed now.
  ///
  /// - Parameter encode: gives vectors of the items at some places, `[places, width]`.
  func vectors(
    of keys: [ItemKey], progress: (Int) -> Void, encode: ([Int], (Int) -> Void) throws -> Tensor
  ) throws -> Tensor {
    let missing = lock.withLock { () -> [Int] in
      read()
      var seen: Set<ItemKey> = []
      return keys.indices.filter { places[keys[$0]] == nil && seen.insert(keys[$0]).inserted }
    }
    let known = keys.count - missing.count
    if !missing.isEmpty {
      let new = try withoutActuallyEscaping(progress) { progress in
        try encode(missing) { progress(known + $0) }
      }.to(.cpu).to(.float32).contiguous()
      let own = missing.map { keys[$0] }
      try write(own, new)
      lock.withLock { add(own, new) }
    }
    progress(keys.count)
    return try lock.withLock { try gathered(keys) }
  }

  private func add(_ keys: [ItemKey], _ vectors: Tensor) {
    for (row, key) in keys.enumerated() { places[key] = Place(part: Int32(parts.count), row: Int32(row)) }
    parts.append(vectors)
  }

  private func gathered(_ keys: [ItemKey]) throws -> Tensor {
    var rows = [Float](repeating: 0, count: keys.count * width)
    let wanted = Dictionary(grouping: keys.indices) { places[keys[$0]]?.part ?? -1 }
    for (part, own) in wanted where part >= 0 {
      try parts[Int(part)].withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Float.self)
        for place in own {
          let start = Int(places[keys[place]]?.row ?? 0) * width
          for column in 0..<width { rows[place * width + column] = values[start + column] }
        }
      }
    }
    return try Tensor(rows, shape: [keys.count, width])
  }

  // MARK: - Files

  private static let suffix = ".safetensors"
  /// Files beyond this many become one.
  private static let mostFiles = 32

  private func read() {
    guard !isRead, let folder else { return }
    isRead = true
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let files = names.filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }.sorted()
    for name in files {
      let file = folder.appendingPathComponent(name)
      guard let contents = try? SafeTensors.read(file.path), let vectors = contents["vectors"],
        let stored = contents["keys"], vectors.rank == 2, vectors.size(along: 1) == width,
        vectors.dtype == .float32, stored.shape == [vectors.size(along: 0), 2],
        let numbers = try? stored.values(as: Int64.self), let own = try? vectors.contiguous()
      else { continue }
      let keys = (0..<stored.size(along: 0)).map { row in
        ItemKey(
          first: UInt64(bitPattern: numbers[2 * row]), second: UInt64(bitPattern: numbers[2 * row + 1]))
      }
      add(keys, own)
    }
    if files.count > Self.mostFiles { join(files, in: folder) }
  }

  /// Many small files as one. Another process that reads them meanwhile encodes some items anew.
  private func join(_ files: [String], in folder: URL) {
    let keys = Array(places.keys)
    guard let all = try? gathered(keys), (try? write(keys, all)) == true else { return }
    for name in files { try? FileManager.default.removeItem(at: folder.appendingPathComponent(name)) }
  }

  @discardableResult
  private func write(_ keys: [ItemKey], _ vectors: Tensor) throws -> Bool {
    guard let folder else { return false }
    let numbers = keys.flatMap { [Int64(bitPattern: $0.first), Int64(bitPattern: $0.second)] }
    let stored = try Tensor(numbers, shape: [keys.count, 2])
    let name = UUID().uuidString.lowercased() + Self.suffix
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try SafeTensors.write(
        [("keys", stored), ("vectors", vectors)], to: folder.appendingPathComponent(name).path)
      return true
    } catch { return false }
  }
}
