import CFormats
import CrossModal
import Foundation
import Torch

/// Readers that need system libraries: MATLAB files through matio, HDF5 files through the HDF5 library.
public enum Formats {
  /// Makes the readers known to ``DataSet``; call it once at the start of the program.
  public static func register() {
    ArrayReaders.register(
      ArrayReader(extensions: ["mat"], isContainer: true) { url, variable, limits in
        // Version 7.3 is HDF5 with MATLAB's mark and its order of dimensions; without the mark it is plain HDF5.
        try HDF5File.isHDF5(url)
          ? HDF5File.open(url, variable, isMATLAB: HDF5File.isMATLAB(url), limits)
          : MATLABFile.open(url, variable, limits)
      })
    ArrayReaders.register(
      ArrayReader(extensions: ["h5", "hdf5", "hdf"], isContainer: true) { url, variable, limits in
        try HDF5File.open(url, variable, isMATLAB: false, limits)
      })
  }
}

extension cf_info {
  /// What it is instead of an array of numbers.
  private var kind: String {
    withUnsafeBytes(of: what) { bytes in
      let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      return text.isEmpty ? "no array of numbers" : text
    }
  }

  /// Sizes of the dimensions.
  var sizes: [Int] {
    withUnsafeBytes(of: shape) { bytes in
      bytes.bindMemory(to: Int64.self).prefix(Int(rank)).map { Int($0) }
    }
  }

  /// The type of the numbers; nil when they are no plain numbers.
  var dtype: DataType? {
    switch Int(type) {
    case Int(CF_INT8): .int8
    case Int(CF_UINT8): .uint8
    case Int(CF_INT16): .int16
    case Int(CF_UINT16): .uint16
    case Int(CF_INT32): .int32
    case Int(CF_UINT32): .uint32
    case Int(CF_INT64): .int64
    case Int(CF_UINT64): .uint64
    case Int(CF_FLOAT32): .float32
    case Int(CF_FLOAT64): .float64
    default: nil
    }
  }

  /// The type that rows are given in.
  var given: DataType? {
    switch dtype {
    case .uint16: .int32
    case .uint32, .uint64: .int64
    case let other: logical != 0 ? .bool : other
    }
  }

  /// Checks that it is an array of numbers no larger than `limits` allow for a file of `fileBytes`.
  ///
  /// - Returns: the type of the numbers in the file, and the type that rows are given in.
  func check(
    _ name: String, fileBytes: Int, _ limits: Limits
  ) throws(DataError) -> (stored: DataType, given: DataType) {
    guard let dtype, let given else {
      throw .unsupported(file: name, reason: "holds \(kind)")
    }
    guard Int(rank) <= limits.dimensions else {
      throw .tooLarge(file: name, what: "the number of dimensions", size: Int(rank), limit: limits.dimensions)
    }
    try limits.check(inflated: Int(bytes), compressed: fileBytes, file: name)
    try limits.check(inflated: Int(piece), compressed: fileBytes, file: name)
    return (dtype, given)
  }
}
