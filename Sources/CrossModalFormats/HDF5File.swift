import CFormats
import CrossModal
import Foundation
import Torch

/// HDF5 files, which MATLAB's of version 7.3 are too.
enum HDF5File {
  /// Whether the file has the signature of HDF5, at its start or behind MATLAB's 512 bytes.
  static func isHDF5(_ url: URL) throws -> Bool {
    let file = try InputFile(url)
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return withExtendedLifetime(file) {
      [0, 512].contains { file.bytes.count > $0 && file.bytes[$0...].starts(with: signature) }
    }
  }

  /// Whether MATLAB's mark stands in front of an HDF5 file.
  static func isMATLAB(_ url: URL) throws -> Bool {
    let file = try InputFile(url)
    return withExtendedLifetime(file) { file.bytes.starts(with: "MATLAB 7.3 MAT-file".utf8) }
  }

  static func open(
    _ url: URL, _ variable: String?, isMATLAB: Bool, _ limits: Limits
  ) throws -> any ArraySource {
    guard try isHDF5(url) else {
      throw DataError.malformed(
        file: url.relativeName, reason: "is no HDF5 file: it does not start with the bytes of one")
    }
    return try HDF5Array(ForeignFile.open(url, .hdf5), variable, isMATLAB: isMATLAB, limits)
  }
}

/// A data set of an HDF5 file, read a block of rows at a time. MATLAB's files have their dimensions in
/// reverse, so that rows lie along the last.
struct HDF5Array: ArraySource {
  let name: String
  let dtype: DataType
  let shape: [Int]
  private let file: ForeignFile
  private let variable: String
  private let stored: DataType
  private let isMATLAB: Bool

  init(_ file: ForeignFile, _ variable: String?, isMATLAB: Bool, _ limits: Limits) throws {
    let names = try file.names(limits: limits)
    guard let wanted = variable.flatMap(names.path) else {
      throw DataError.unknownVariable(file: file.name, name: variable, known: names.all)
    }
    let info = try file.describe(wanted)
    name = file.name + ":" + wanted
    let (stored, given) = try info.check(name, fileBytes: file.bytes, limits)
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
