import Foundation
import Torch

/// A picture: a file or bytes of JPEG, PNG or WebP, pixels in memory, or a frame of a video. Decoded only when it is needed.
public struct Picture: Sendable {
  /// Where the picture is.
  public enum Source: Sendable {
    case file(URL)
    case bytes(Data, name: String)
    /// Already decoded: `[h, w]` or `[h, w, c]`.
    case pixels(Tensor)
    /// What a video shows so many seconds after its start.
    case frame(of: URL, seconds: Double)
  }

  public let source: Source
  /// What pixels are multiplied with after decoding.
  public var scale: Double?
  private let limits: Limits

  public init(_ source: Source, limits: Limits = .standard) {
    self.source = source
    self.limits = limits
  }

  /// The file or source as messages name it.
  public var name: String {
    switch source {
    case .file(let url): url.relativeName
    case .bytes(_, let name): name
    case .pixels: "a picture in memory"
    case .frame(let url, let seconds): url.relativeName + String(format: " at %.2f s", seconds)
    }
  }

  /// The path of the file; nil for what is in memory.
  public var path: String? { if case .file(let url) = source { url.path } else { nil } }

  /// The encoded bytes, when there are any.
  public func encoded() throws -> Data? {
    switch source {
    case .file(let url):
      let file = try InputFile(url)
      return withExtendedLifetime(file) { Data(file.bytes) }
    case .bytes(let data, _): return data
    case .pixels, .frame: return nil
    }
  }

  /// Red, green and blue as uint8 `[h, w, 3]`; float32 and multiplied when there is a ``scale``.
  ///
  /// Grey becomes three equal channels; transparency is dropped as Pillow's `convert("RGB")` does.
  /// - Throws: ``DataError`` when it is neither JPEG, PNG nor WebP, damaged, cut short, or too large.
  public func decoded() throws -> Tensor {
    let pixels =
      switch source {
      case .pixels(let pixels): try Picture.rgb(pixels)
      case .frame(let url, let seconds): try Videos.frame(of: url, at: seconds)
      default: try withBytes { try PictureDecoder.decode($0, name: name, limits: limits) }
      }
    return try scale.map { try pixels.to(.float32) * $0 } ?? pixels
  }

  /// Height and width, from the header alone.
  public func size() throws -> (height: Int, width: Int) {
    switch source {
    case .pixels(let pixels): (pixels.size(along: 0), pixels.size(along: 1))
    case .frame:
      try { frame in (frame.size(along: 0), frame.size(along: 1)) }(decoded())
    default: try withBytes { try PictureDecoder.size(of: $0, name: name, limits: limits) }
    }
  }

  /// The stored numbers of a picture of one channel, uint8 `[h, w]`: grey levels, or places in its palette.
  /// Masks are such pictures.
  public func indices() throws -> Tensor {
    if case .pixels(let pixels) = source {
      let plane = pixels.rank == 3 && pixels.size(along: 2) == 1 ? try pixels.squeezed(at: 2) : pixels
      guard plane.rank == 2 else {
        throw DataError.wrongShape(file: name, shape: pixels.shape, expected: "[h, w]: one channel")
      }
      return try plane.to(.uint8)
    }
    return try withBytes { try PictureDecoder.indices($0, name: name, limits: limits) }
  }

  /// Decoded and resized to `height` times `width`, uint8 (or scaled float32) `[height, width, 3]`.
  public func resized(height: Int, width: Int) throws -> Tensor {
    var plain = self
    plain.scale = nil
    let pixels = try Picture.resized(try plain.decoded(), height: height, width: width)
    return try scale.map { try pixels.to(.float32) * $0 } ?? pixels
  }

  /// A picture `[h, w, c]` resized with antialiased bilinear weights, as Pillow's `BILINEAR` does (within
  /// one grey level).
  public static func resized(_ pixels: Tensor, height: Int, width: Int) throws -> Tensor {
    guard pixels.size(along: 0) != height || pixels.size(along: 1) != width else { return pixels }
    return try pixels.permuted(2, 0, 1).unsqueezed(at: 0).resizedBilinearly(height: height, width: width)[0]
      .permuted(1, 2, 0).contiguous()
  }

  private static func rgb(_ pixels: Tensor) throws -> Tensor {
    let three = pixels.rank == 2 ? try pixels.unsqueezed(at: 2) : pixels
    let bytes = try three.dtype == .uint8 ? three : (three.to(.float32)).clamped(from: 0, to: 255).to(.uint8)
    switch bytes.size(along: 2) {
    case 3: return bytes
    case 4: return try bytes.narrowed(to: 0..<3, along: 2).contiguous()
    default: return try bytes.narrowed(to: 0..<1, along: 2).expanded(to: [-1, -1, 3]).contiguous()
    }
  }

  private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    switch source {
    case .file(let url):
      let file = try InputFile(url)
      return try withExtendedLifetime(file) { try body(file.bytes) }
    case .bytes(let data, _): return try data.withUnsafeBytes { try body($0) }
    case .pixels, .frame:
      throw DataError.unsupported(file: name, reason: "is not encoded")
    }
  }
}

extension Items {
  /// Pictures of one size, `[n, height, width, 3]`; uint8 unless the data set scales them.
  ///
  /// - Throws: ``DataError`` for kinds that are no pictures.
  public func pixels(height: Int, width: Int) throws -> Tensor {
    switch self {
    case .pictures(let pictures):
      return try Tensor.stacked(pictures.map { try $0.resized(height: height, width: width) })
    case .images(let rows):
      let colour = rows.size(along: 3) == 1 ? try rows.expanded(to: [-1, -1, -1, 3]) : rows
      guard rows.size(along: 1) != height || rows.size(along: 2) != width else {
        return try colour.contiguous()
      }
      return try colour.permuted(0, 3, 1, 2).resizedBilinearly(height: height, width: width)
        .permuted(0, 2, 3, 1).contiguous()
    default: throw DataError.unsupported(file: "items", reason: "of kind \(kind.rawValue) are no pictures")
    }
  }
}
