import CFormats
import CrossModal
import Foundation
import Torch

/// Variables of MATLAB files up to version 7. MATLAB keeps columns together; rows are given as rows.
enum MATLABFile {
  static func open(_ url: URL, _ variable: String?, _ limits: Limits) throws -> any ArraySource {
    let path = url.path
    let fileBytes = try InputFile(url).bytes.count
    return try librariesLock.withLock {
      guard let file = cf_mat_open(path) else { throw failure(url.relativeName) }
      defer { cf_mat_close(file) }
      guard let names = collect({ cf_mat_list(file, $0, $1) }) else { throw failure(url.relativeName) }
      guard let variable, names.contains(variable) else {
        throw DataError.unknownVariable(file: url.relativeName, name: variable, known: names)
      }
      let name = url.relativeName + ":" + variable
      var info = cf_info()
      guard cf_mat_describe(file, variable, &info) else { throw failure(url.relativeName) }
      try info.check(name, fileBytes: fileBytes, limits)
      return TensorArray(try read(file, variable, info, name: name), name: name)
    }
  }

  private static func read(
    _ file: cf_mat, _ variable: String, _ info: cf_info, name: String
  ) throws -> Tensor {
    guard let dtype = info.dtype, let given = info.given else { throw failure(name) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(info.bytes), alignment: 64)
    let owner = OwnedMemory(memory)
    guard cf_mat_read(file, variable, memory.baseAddress, info.bytes) else { throw failure(name) }
    let sizes = info.sizes
    let columns = try Tensor(
      sharing: UnsafeRawBufferPointer(memory), owner: owner, shape: sizes.reversed(), dtype: dtype)
    let numbers = try given == .bool ? columns .!= 0 : columns.to(given)
    return try numbers.permuted(to: (0..<sizes.count).reversed())
  }
}

/// Memory that goes away with its owner.
final class OwnedMemory {
  private let memory: UnsafeMutableRawBufferPointer
  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }
  deinit { memory.deallocate() }
}
