import Foundation

/// What a picture's first bytes say it is.
enum PictureFormat: String, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"
  case gif = "GIF"
  case bmp = "BMP"
  case tiff = "TIFF"
  case heic = "HEIC"
  case avif = "AVIF"
  case jpegXL = "JPEG XL"
  case jpeg2000 = "JPEG 2000"
  case psd = "Photoshop"

  /// Nil for what is no picture that is known.
  init?(_ bytes: UnsafeRawBufferPointer) {
    func begins(_ start: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + start.count && bytes[offset...].starts(with: start)
    }
    func begins(_ start: String, at offset: Int = 0) -> Bool { begins(Array(start.utf8), at: offset) }
    if begins([0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if begins("RIFF"), begins("WEBP", at: 8) {
      self = .webp
    } else if begins("GIF87a") || begins("GIF89a") {
      self = .gif
    } else if begins("BM"), begins([0, 0, 0, 0], at: 6) {
      self = .bmp
    } else if begins([0x49, 0x49, 0x2A, 0]) || begins([0x4D, 0x4D, 0, 0x2A]) || begins([0x49, 0x49, 0x2B, 0])
      || begins([0x4D, 0x4D, 0, 0x2B])
    {
      self = .tiff
    } else if begins("ftyp", at: 4) {
      let brands = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
      if brands.contains(where: { begins($0, at: 8) }) {
        self = .heic
      } else if begins("avif", at: 8) || begins("avis", at: 8) {
        self = .avif
      } else {
        return nil
      }
    } else if begins([0xFF, 0x0A]) || begins([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20]) {
      self = .jpegXL
    } else if begins([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]) || begins([0xFF, 0x4F, 0xFF, 0x51]) {
      self = .jpeg2000
    } else if begins("8BPS") {
      self = .psd
    } else {
      return nil
    }
  }

  /// The end of its files' names.
  var ending: String {
    switch self {
    case .jpeg: "jpg"
    case .tiff: "tif"
    case .jpegXL: "jxl"
    case .jpeg2000: "jp2"
    default: rawValue.lowercased()
    }
  }

  /// A command that makes a PNG of it.
  var conversion: String {
    switch self {
    case .heic: "heif-convert IN.heic OUT.png"
    case .avif: "avifdec IN.avif OUT.png"
    case .jpegXL: "djxl IN.jxl OUT.png"
    default: "magick IN.\(ending) OUT.png"
    }
  }
}
