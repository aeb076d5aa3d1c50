import Foundation
import Torch

/// Arrays of NumPy's .npz files: .npy files in a zip, mapped where they are stored, inflated where they are
/// compressed.
enum NPZReader {
  static func open(_ url: URL, _ variable: String?, limits: Limits) throws -> any ArraySource {
    let name = url.relativeName
    let input = try InputFile(url)
    do {
      var sizes = ZipArchive.Limits()
      sizes.memberSize = limits.inflatedBytes
      sizes.ratio = limits.ratio
      sizes.freeSize = limits.alwaysInflated
      sizes.members = limits.members
      let archive = try ZipArchive(url.path, limits: sizes)
      let arrays = archive.members.filter { $0.name.hasSuffix(".npy") }
      guard let variable, let member = arrays.first(where: { $0.name == variable + ".npy" }) else {
        throw DataError.unknownVariable(
          file: name, name: variable, known: arrays.map { String($0.name.dropLast(4)) })
      }
      let contents = try archive.bytes(of: member)
      let full = input.name + ":" + variable
      // The tensor keeps the bytes alive.
      let tensor = try contents.withUnsafeBytes {
        try NPYReader.tensor(in: $0, owner: contents, name: full, limits: limits)
      }
      return TensorArray(tensor, name: full)
    } catch let error as ZipError {
      throw DataError.malformed(
        file: name, place: error.member.map { "member '\($0)'" }, reason: error.reason)
    }
  }

  /// Every array of numbers by its name, in the order of the file; arrays of Python objects are passed over.
  static func all(_ url: URL, limits: Limits) throws -> [(name: String, tensor: Tensor)] {
    var names: [String] = []
    do {
      names = try ZipArchive(url.path).members.map(\.name).filter { $0.hasSuffix(".npy") }
    } catch let error as ZipError {
      throw DataError.malformed(
        file: url.relativeName, place: error.member.map { "member '\($0)'" }, reason: error.reason)
    }
    return try names.compactMap { member -> (name: String, tensor: Tensor)? in
      let name = String(member.dropLast(4))
      do {
        return (try open(url, name, limits: limits) as? TensorArray).map { (name: name, tensor: $0.tensor) }
      } catch DataError.unsupported {
        return nil
      }
    }
  }
}
