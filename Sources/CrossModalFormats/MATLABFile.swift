import CFormats
import CrossModal
import Foundation
import Torch

/// Variables of MATLAB files up to version 7. MATLAB keeps columns together; rows are given as rows.
enum MATLABFile {
  static func open(_ url: URL, _ variable: String?, _ limits: Limits) throws -> any ArraySource {
    let file = try ForeignFile.open(url, .matlab)
    let names = try file.names(limits: limits)
    guard let variable, names.set.contains(variable) else {
      throw DataError.unknownVariable(file: file.name, name: variable, known: names.all)
    }
    let name = file.name + ":" + variable
    let info = try file.describe(variable)
    let (stored, given) = try info.check(name, fileBytes: file.bytes, limits)
    let sizes = info.sizes
    let lying = try file.read(variable, starts: sizes.map { _ in 0 }, counts: sizes, dtype: stored)
    let columns = try lying.reshaped(to: sizes.reversed())
    let numbers = try given == .bool ? columns .!= 0 : columns.to(given)
    return TensorArray(try numbers.permuted(to: (0..<sizes.count).reversed()), name: name)
  }
}
