import CFormats
import CrossModal
import Foundation
import Torch

/// An HDF5 file, closed with this object. Every call holds ``librariesLock``.
final class HDF5File: @unchecked Sendable {
  let name: String
  private let handle: cf_h5

  private init(_ url: URL) throws {
    name = url.relativeName
    let opened = librariesLock.withLock { cf_h5_probe(url.path, probeBytes) ? cf_h5_open(url.path) : nil }
    guard let opened else { throw failure(name) }
    handle = opened
  }

  deinit { librariesLock.withLock { cf_h5_close(handle) } }

  /// Whether the file has the signature of HDF5, at its start or behind MATLAB's 512 bytes.
  static func isHDF5(_ url: URL) throws -> Bool {
    let file = try InputFile(url)
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return withExtendedLifetime(file) {
      [0, 512].contains { file.bytes.count > $0 && file.bytes[$0...].starts(with: signature) }
    }
  }

  static func open(
    _ url: URL, _ variable: String?, isMATLAB: Bool, _ limits: Limits
  ) throws -> any ArraySource {
    guard try isHDF5(url) else {
      throw DataError.malformed(
        file: url.relativeName, reason: "is no HDF5 file: it does not start with the bytes of one")
    }
    let file = try HDF5File(url)
    return try HDF5Array(
      file, variable, isMATLAB: isMATLAB, fileBytes: InputFile(url).bytes.count, limits)
  }

  /// Paths of all data sets.
  func names(limits: Limits) throws(DataError) -> [String] {
    let names = librariesLock.withLock {
      collect { cf_h5_list(handle, Int64(limits.members), $0, $1) }
    }
    guard let names else { throw failure(name) }
    // What MATLAB keeps beside its variables.
    return names.filter { !$0.hasPrefix("#") }
  }

  func describe(_ variable: String) throws(DataError) -> cf_info {
    var info = cf_info()
    guard librariesLock.withLock({ cf_h5_describe(handle, variable, &info) }) else { throw failure(name) }
    return info
  }

  /// A block of a data set in row-major order.
  func read(
    _ variable: String, starts: [Int], counts: [Int], dtype: DataType
  ) throws -> Tensor {
    let bytes = counts.reduce(dtype.size, *)
    guard bytes > 0 else { return try Tensor.zeros(counts, dtype) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    let owner = OwnedMemory(memory)
    let done = librariesLock.withLock {
      cf_h5_read(
        handle, variable, starts.map(Int64.init), counts.map(Int64.init), memory.baseAddress, Int64(bytes))
    }
    guard done else { throw failure(name) }
    return try Tensor(sharing: UnsafeRawBufferPointer(memory), owner: owner, shape: counts, dtype: dtype)
  }
}

/// A data set of an HDF5 file, read a block of rows at a time. MATLAB's files have their dimensions in
/// reverse, so that rows lie along the last.
struct HDF5Array: ArraySource {
  let name: String
  let dtype: DataType
  let shape: [Int]
  private let file: HDF5File
  private let variable: String
  private let stored: DataType
  private let isMATLAB: Bool

  init(
    _ file: HDF5File, _ variable: String?, isMATLAB: Bool, fileBytes: Int, _ limits: Limits
  ) throws {
    let names = try file.names(limits: limits)
    let wanted = variable.map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
    guard let wanted, names.contains(wanted) else {
      throw DataError.unknownVariable(file: file.name, name: variable, known: names)
    }
    let info = try file.describe(wanted)
    name = file.name + ":" + wanted
    try info.check(name, fileBytes: fileBytes, limits)
    guard let stored = info.dtype, let given = info.given else { throw failure(file.name) }
    (self.file, self.variable, self.stored, self.isMATLAB) = (file, wanted, stored, isMATLAB)
    dtype = given
    shape = isMATLAB ? info.sizes.reversed() : info.sizes
  }

  func rows(in range: Range<Int>) throws -> Tensor {
    var starts = shape.map { _ in 0 }
    var counts = shape
    guard !shape.isEmpty, range.lowerBound >= 0, range.upperBound <= shape[0] else {
      throw DataError.rowOutOfRange(file: name, place: "\(range)", row: range.upperBound, count: count)
    }
    starts[0] = range.lowerBound
    counts[0] = range.count
    if isMATLAB { (starts, counts) = (starts.reversed(), counts.reversed()) }
    let block = try file.read(variable, starts: starts, counts: counts, dtype: stored)
    let numbers = try dtype == .bool ? block .!= 0 : block.to(dtype)
    return isMATLAB ? try numbers.permuted(to: (0..<shape.count).reversed()) : numbers
  }

  /// Runs of neighbouring rows are read at once, each row once.
  func rows(at places: [Int]) throws -> Tensor {
    var blocks: [Tensor] = []
    var position: [Int: Int] = [:]
    let order = Array(Set(places)).sorted()
    var at = 0
    while at < order.count {
      var end = at + 1
      while end < order.count, order[end] == order[end - 1] + 1 { end += 1 }
      for place in at..<end { position[order[place]] = place }
      blocks.append(try rows(in: order[at]..<order[end - 1] + 1))
      at = end
    }
    guard !blocks.isEmpty else { return try rows(in: 0..<0) }
    return try Tensor.concatenated(blocks).rows(at: places.map { position[$0] ?? 0 })
  }
}
