import CSpng
import CTurboJPEG
import Foundation
import Torch

/// JPEG through TurboJPEG, PNG through libspng and WebP through libwebp, told apart by their first bytes. Sizes are held against
/// ``Limits`` before anything is allocated.
enum PictureDecoder {
  /// One of the formats that are read.
  private static func format(
    of bytes: UnsafeRawBufferPointer, name: String
  ) throws(DataError) -> PictureFormat {
    guard let format = PictureFormat(bytes) else {
      let found = bytes.isEmpty ? "is empty" : "is neither a JPEG, a PNG nor a WebP picture"
      throw .unsupported(file: name, reason: found)
    }
    guard [.jpeg, .png, .webp].contains(format) else {
      throw .unsupported(
        file: name,
        reason:
          "is a \(format.rawValue) picture; JPEG, PNG and WebP are read (\(format.conversion) makes a PNG)")
    }
    return format
  }

  private static func check(
    width: Int, height: Int, name: String, limits: Limits
  ) throws(DataError) {
    guard width > 0, height > 0 else { throw .malformed(file: name, reason: "has no pixels") }
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    if overflow || pixels > limits.pixels {
      throw .tooLarge(
        file: name, what: "the number of pixels (\(width) x \(height))", size: overflow ? .max : pixels,
        limit: limits.pixels)
    }
  }

  static func size(
    of bytes: UnsafeRawBufferPointer, name: String, limits: Limits
  ) throws -> (height: Int, width: Int) {
    switch try format(of: bytes, name: name) {
    case .jpeg:
      let jpeg = try JPEG(bytes, name: name)
      return (jpeg.height, jpeg.width)
    case .webp:
      let webp = try WebPPicture(bytes, name: name)
      return (webp.height, webp.width)
    default:
      let png = try PNG(bytes, name: name, limits: limits)
      return (png.height, png.width)
    }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer, name: String, limits: Limits) throws -> Tensor {
    switch try format(of: bytes, name: name) {
    case .jpeg:
      let jpeg = try JPEG(bytes, name: name)
      try check(width: jpeg.width, height: jpeg.height, name: name, limits: limits)
      return try jpeg.pixels(bytes)
    case .webp:
      let webp = try WebPPicture(bytes, name: name)
      try check(width: webp.width, height: webp.height, name: name, limits: limits)
      return try webp.pixels(bytes)
    default:
      let png = try PNG(bytes, name: name, limits: limits)
      return try png.pixels()
    }
  }

  static func indices(_ bytes: UnsafeRawBufferPointer, name: String, limits: Limits) throws -> Tensor {
    let format = try format(of: bytes, name: name)
    guard format == .png else {
      throw DataError.unsupported(
        file: name, reason: "is a \(format.rawValue) picture, which does not keep exact numbers; use PNG")
    }
    return try PNG(bytes, name: name, limits: limits).indices()
  }

  /// One JPEG and the decompressor that has read its header.
  private final class JPEG {
    let name: String
    let height: Int
    let width: Int
    private let isCMYK: Bool
    private let handle: tjhandle

    init(_ bytes: UnsafeRawBufferPointer, name: String) throws(DataError) {
      guard let handle = tjInitDecompress() else {
        throw .unreadable(file: name, reason: "TurboJPEG could not start")
      }
      var (width, height, sampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
      let status = tjDecompressHeader3(
        handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count), &width, &height,
        &sampling, &space)
      self.handle = handle
      self.name = name
      self.width = Int(width)
      self.height = Int(height)
      isCMYK = space == Int32(TJCS_CMYK.rawValue) || space == Int32(TJCS_YCCK.rawValue)
      if status != 0, isDamage { throw damaged() }
    }

    deinit { tjDestroy(handle) }

    /// Whether the last failure means that pixels are missing or wrong. TurboJPEG also reports, as warnings, what every
    /// program shows without a word.
    private var isDamage: Bool {
      guard tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) else { return true }
      let said = String(cString: tjGetErrorStr2(handle))
      let harmless = [
        "extraneous bytes before marker", "unknown JFIF revision", "Unknown Adobe color transform",
        "Invalid SOS parameters",
      ]
      return !harmless.contains(where: said.contains)
    }

    private func damaged() -> DataError {
      .malformed(
        file: name,
        reason: "the JPEG data are damaged or cut short: \(String(cString: tjGetErrorStr2(handle)))")
    }

    func pixels(_ bytes: UnsafeRawBufferPointer) throws -> Tensor {
      if let pixels = decoded(bytes) { return try tensor(pixels) }
      // A file may lack the mark at its end and nothing else: with it, no pixel is missing.
      if tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue), !bytes.suffix(2).elementsEqual(Self.end),
        let pixels = (Array(bytes) + Self.end).withUnsafeBytes(decoded)
      {
        return try tensor(pixels)
      }
      throw damaged()
    }

    private static let end: [UInt8] = [0xFF, 0xD9]

    /// Red, green and blue, or four inks; nil when the data are damaged.
    private func decoded(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
      let format = isCMYK ? TJPF_CMYK : TJPF_RGB
      let channels = isCMYK ? 4 : 3
      var failed = false
      let pixels = [UInt8](unsafeUninitializedCapacity: height * width * channels) { buffer, count in
        // TurboJPEG reports damage that it could paint over as a warning: also a failure here.
        failed =
          tjDecompress2(
            handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count),
            buffer.baseAddress, Int32(width), 0, Int32(height), Int32(format.rawValue), TJFLAG_ACCURATEDCT)
          != 0 && isDamage
        if failed { buffer.initialize(repeating: 0) }
        count = height * width * channels
      }
      return failed ? nil : pixels
    }

    private func tensor(_ pixels: [UInt8]) throws -> Tensor {
      let tensor = try Tensor(pixels, shape: [height, width, isCMYK ? 4 : 3])
      guard isCMYK else { return tensor }
      // Adobe stores ink inverted, so a colour is its own channel times black.
      let ink = try tensor.to(.float32)
      return try (ink.narrowed(to: 0..<3, along: 2) * ink.narrowed(to: 3..<4, along: 2) / 255).rounded()
        .to(.uint8)
    }
  }

  /// One PNG and the context that has read its header.
  private final class PNG {
    let name: String
    let height: Int
    let width: Int
    private let header: spng_ihdr
    private let context: OpaquePointer

    init(_ bytes: UnsafeRawBufferPointer, name: String, limits: Limits) throws(DataError) {
      guard let context = spng_ctx_new(0) else {
        throw .unreadable(file: name, reason: "libspng could not start")
      }
      var header = spng_ihdr()
      // What stands beside the pixels may take no more than a few megabytes.
      spng_set_chunk_limits(context, 8 << 20, 16 << 20)
      spng_set_png_buffer(context, bytes.baseAddress, bytes.count)
      let status = spng_get_ihdr(context, &header)
      self.context = context
      self.header = header
      self.name = name
      width = Int(header.width)
      height = Int(header.height)
      if status != 0 { throw damaged(status) }
      try check(width: width, height: height, name: name, limits: limits)
      // Deflate gives at most 1032 times its input: a header that claims more lies.
      let depth = Int(header.bit_depth)
      if width * height / 8 * depth / 1032 > bytes.count {
        throw .malformed(
          file: name, reason: "is cut short: \(bytes.count) bytes cannot hold \(width) x \(height) pixels")
      }
    }

    deinit { spng_ctx_free(context) }

    private func damaged(_ status: Int32) -> DataError {
      .malformed(
        file: name, reason: "the PNG data are damaged or cut short: \(String(cString: spng_strerror(status)))"
      )
    }

    func pixels() throws -> Tensor {
      try Tensor(try decoded(as: SPNG_FMT_RGB8), shape: [height, width, 3])
    }

    func indices() throws -> Tensor {
      let isGrey = Int32(header.color_type) == Int32(SPNG_COLOR_TYPE_GRAYSCALE.rawValue)
      let isPalette = Int32(header.color_type) == Int32(SPNG_COLOR_TYPE_INDEXED.rawValue)
      let depth = Int(header.bit_depth)
      guard isGrey || isPalette, depth <= 8 else {
        throw DataError.unsupported(
          file: name, reason: "is in colour or has 16 bits; expected one number of 8 bits a pixel")
      }
      let packed = try decoded(as: SPNG_FMT_RAW)
      guard depth < 8 else { return try Tensor(packed, shape: [height, width]) }
      let perByte = 8 / depth
      let stride = (width + perByte - 1) / perByte
      var numbers: [UInt8] = []
      numbers.reserveCapacity(height * width)
      for y in 0..<height {
        for x in 0..<width {
          let byte = packed[y * stride + x / perByte]
          numbers.append(byte >> (8 - depth - x % perByte * depth) & UInt8((1 << depth) - 1))
        }
      }
      return try Tensor(numbers, shape: [height, width])
    }

    private func decoded(as format: spng_format) throws(DataError) -> [UInt8] {
      var size = 0
      let sized = spng_decoded_image_size(context, Int32(format.rawValue), &size)
      if sized != 0 { throw damaged(sized) }
      var status: Int32 = 0
      let pixels = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        status = spng_decode_image(context, buffer.baseAddress, size, Int32(format.rawValue), 0)
        if status != 0 { buffer.initialize(repeating: 0) }
        count = size
      }
      if status != 0 { throw damaged(status) }
      return pixels
    }
  }
}

extension Picture {
  /// Pixels `[h, w]` or `[h, w, c]` (uint8; 1, 3 or 4 channels) as the bytes of a PNG file.
  ///
  /// - Throws: ``DataError`` when they have another shape.
  public static func png(_ pixels: Tensor) throws -> Data {
    let channels = pixels.rank == 3 ? pixels.size(along: 2) : 1
    let types = [
      1: SPNG_COLOR_TYPE_GRAYSCALE, 3: SPNG_COLOR_TYPE_TRUECOLOR, 4: SPNG_COLOR_TYPE_TRUECOLOR_ALPHA,
    ]
    guard pixels.rank == 2 || pixels.rank == 3, pixels.count > 0, let type = types[channels],
      let context = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue))
    else {
      throw DataError.wrongShape(
        file: "a picture", shape: pixels.shape, expected: "[h, w] or [h, w, c] with 1, 3 or 4 channels")
    }
    defer { spng_ctx_free(context) }
    var header = spng_ihdr()
    header.height = UInt32(pixels.size(along: 0))
    header.width = UInt32(pixels.size(along: 1))
    header.bit_depth = 8
    header.color_type = UInt8(type.rawValue)
    let bytes = try pixels.to(.uint8).contiguous().bytes()
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1)
    var status = spng_set_ihdr(context, &header)
    if status == 0 {
      status = bytes.withUnsafeBytes {
        spng_encode_image(
          context, $0.baseAddress, $0.count, Int32(SPNG_FMT_PNG.rawValue),
          Int32(SPNG_ENCODE_FINALIZE.rawValue))
      }
    }
    var (size, failure): (Int, Int32) = (0, 0)
    guard status == 0, let encoded = spng_get_png_buffer(context, &size, &failure), failure == 0 else {
      throw DataError.unreadable(file: "a picture", reason: String(cString: spng_strerror(status)))
    }
    defer { free(encoded) }
    return Data(bytes: encoded, count: size)
  }
}
