import CWebP
import Foundation
import Torch

/// One WebP picture whose header has been read.
struct WebPPicture {
  let name: String
  let height: Int
  let width: Int

  /// - Throws: ``DataError`` when it is damaged, or moves.
  init(_ bytes: UnsafeRawBufferPointer, name: String) throws(DataError) {
    var features = WebPBitstreamFeatures()
    let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard WebPGetFeatures(data, bytes.count, &features) == VP8_STATUS_OK else {
      throw .malformed(file: name, reason: "the WebP data are damaged or cut short")
    }
    guard features.has_animation == 0 else {
      throw .unsupported(file: name, reason: "is a WebP of several pictures; save one as PNG")
    }
    self.name = name
    (height, width) = (Int(features.height), Int(features.width))
  }

  /// Red, green and blue, `[h, w, 3]`; transparency is dropped.
  func pixels(_ bytes: UnsafeRawBufferPointer) throws -> Tensor {
    var isDecoded = false
    let size = height * width * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      isDecoded = WebPDecodeRGBInto(data, bytes.count, buffer.baseAddress, size, Int32(width * 3)) != nil
      if !isDecoded { buffer.initialize(repeating: 0) }
      count = size
    }
    guard isDecoded else {
      throw DataError.malformed(file: name, reason: "the WebP data are damaged or cut short")
    }
    return try Tensor(pixels, shape: [height, width, 3])
  }
}
