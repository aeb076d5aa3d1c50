import Foundation
import Torch

/// Arrays of .safetensors files, mapped into memory.
enum SafeTensorsReader {
  static func open(_ url: URL, _ variable: String?) throws -> any ArraySource {
    let name = url.relativeName
    let contents: SafeTensors.Contents
    do {
      contents = try SafeTensors.read(url.path, checked: false)
    } catch let error as SafeTensorsError {
      throw DataError.malformed(file: name, reason: error.reason)
    }
    guard let variable, let tensor = contents[variable] else {
      throw DataError.unknownVariable(file: name, name: variable, known: contents.tensors.map(\.name))
    }
    let wide = try tensor.dtype.nextSigned.map { try tensor.to($0) } ?? tensor
    return TensorArray(wide, name: name + ":" + variable)
  }
}
