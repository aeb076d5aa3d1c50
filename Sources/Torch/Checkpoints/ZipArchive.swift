import CZlib
import Foundation

/// A zip file with stored and deflated members, as NumPy's .npz and PyTorch's .pt are; zip64 included.
///
/// The directory is read and checked when the archive is opened: sizes are compared with the file and with
/// ``Limits`` before anything is unpacked or memory is taken.
public final class ZipArchive: Sendable {
  /// One file in the archive.
  public struct Member: Sendable, Equatable {
    public let name: String
    /// Bytes after unpacking.
    public let size: Int
    /// Bytes in the file.
    public let packedSize: Int
    /// Whether the bytes are stored as they are.
    public var isStored: Bool { method == 0 }
    let method: Int
    let checksum: UInt32
    let headerOffset: Int
  }

  /// What is refused by its header.
  public struct Limits: Sendable {
    /// Members of an archive.
    public var members = 1_000_000
    /// Bytes of one unpacked member.
    public var memberSize = 1 << 40
    /// Unpacked bytes for each packed byte, for members that unpack to more than ``freeSize``.
    public var ratio = 100
    /// Members that unpack to no more than this may have any ratio.
    public var freeSize = 64 << 20

    public init() {}
  }

  public let path: String
  /// The members in the order of the directory; names are unique.
  public let members: [Member]
  private let file: MappedFile

  /// - Throws: ``ZipError`` when the file is no whole zip file or a limit is passed; ``FileError``.
  public init(_ path: String, limits: Limits = Limits()) throws {
    self.path = path
    file = try MappedFile(path)
    members = try ZipDirectory(file.bytes, path: path).members(limits)
  }

  /// A member by name.
  public subscript(_ name: String) -> Member? { members.first { $0.name == name } }

  /// The bytes of a member, unpacked; shared with the file where they are stored.
  ///
  /// - Throws: ``ZipError`` when they are not what the directory says.
  public func bytes(of member: Member) throws -> SharedBytes {
    let packed = try packedBytes(of: member)
    let unpacked: SharedBytes
    if member.isStored {
      unpacked = SharedBytes(packed, owner: file)
    } else {
      unpacked = try inflate(packed, member)
    }
    let sum = unpacked.withUnsafeBytes { crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count) }
    guard UInt32(truncatingIfNeeded: sum) == member.checksum || unpacked.count == 0 else {
      throw ZipError(path: path, member: member.name, reason: "does not match its checksum")
    }
    return unpacked
  }

  private func packedBytes(of member: Member) throws -> UnsafeRawBufferPointer {
    let bytes = file.bytes
    let start = member.headerOffset
    guard start >= 0, start <= bytes.count - 30, bytes.little(at: start, as: UInt32.self) == 0x0403_4B50
    else {
      throw ZipError(path: path, member: member.name, reason: "has no local header where the directory says")
    }
    let first =
      start + 30 + Int(bytes.little(at: start + 26, as: UInt16.self))
      + Int(bytes.little(at: start + 28, as: UInt16.self))
    guard first <= bytes.count, member.packedSize <= bytes.count - first else {
      throw ZipError(path: path, member: member.name, reason: "reaches beyond the end of the file")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[first..<first + member.packedSize])
  }

  private func inflate(_ packed: UnsafeRawBufferPointer, _ member: Member) throws -> SharedBytes {
    let out = OwnedMemory(count: member.size)
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw ZipError(path: path, member: member.name, reason: "cannot be unpacked")
    }
    defer { inflateEnd(&stream) }
    var taken = 0
    var given = 0
    var status = Z_OK
    // zlib counts in 32 bits: large members go through in pieces.
    while status == Z_OK {
      let input = min(packed.count - taken, 1 << 30)
      let output = min(member.size - given, 1 << 30)
      stream.next_in = UnsafeMutablePointer(
        mutating: packed.baseAddress?.advanced(by: taken).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(input)
      stream.next_out = out.bytes.baseAddress?.advanced(by: given).assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(output)
      status = CZlib.inflate(&stream, Z_NO_FLUSH)
      taken += input - Int(stream.avail_in)
      given += output - Int(stream.avail_out)
      if status == Z_BUF_ERROR || (input == 0 && output == 0) { break }
    }
    guard status == Z_STREAM_END, given == member.size else {
      throw ZipError(
        path: path, member: member.name, reason: "does not unpack to the \(member.size) bytes it promises")
    }
    return SharedBytes(UnsafeRawBufferPointer(out.bytes), owner: out)
  }
}

/// A zip file that cannot be used.
public struct ZipError: LocalizedError, Equatable {
  public let path: String
  /// The member at fault; nil for the archive.
  public let member: String?
  public let reason: String

  public var errorDescription: String? { path + (member.map { ": member '\($0)' " } ?? ": ") + reason }
}

/// Bytes that something else owns and that live as long as this object.
///
/// `@unchecked Sendable`: nobody writes to the bytes once the object exists.
public final class SharedBytes: @unchecked Sendable {
  /// For those who keep this object alive themselves while they use it.
  let buffer: UnsafeRawBufferPointer
  private let owner: AnyObject

  /// Number of bytes.
  public var count: Int { buffer.count }

  /// The bytes, for as long as `body` runs.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(buffer) }
  }

  /// A tensor over the bytes, which it keeps alive; copied only where they are not aligned.
  ///
  /// - Throws: ``TorchError`` when the bytes do not fill the shape.
  public func tensor(shape: [Int], dtype: DataType) throws(TorchError) -> Tensor {
    let isAligned = UInt(bitPattern: buffer.baseAddress).isMultiple(of: UInt(dtype.size))
    return isAligned
      ? try Tensor(sharing: buffer, owner: self, shape: shape, dtype: dtype)
      : try Tensor(bytes: buffer, shape: shape, dtype: dtype)
  }

  init(_ buffer: UnsafeRawBufferPointer, owner: AnyObject) {
    self.buffer = buffer
    self.owner = owner
  }
}

private final class OwnedMemory {
  let bytes: UnsafeMutableRawBufferPointer
  init(count: Int) { bytes = .allocate(byteCount: count, alignment: 64) }
  deinit { bytes.deallocate() }
}

// MARK: - Directory

/// The list of members at the end of a zip file.
private struct ZipDirectory {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private let count: Int
  private let range: Range<Int>

  init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
    self.bytes = bytes
    self.path = path
    let refuse = { (reason: String) in ZipError(path: path, member: nil, reason: reason) }
    // The end record stands before a comment of at most 65,535 bytes.
    let earliest = max(0, bytes.count - 22 - 65_535)
    guard bytes.count >= 22,
      let end = stride(from: bytes.count - 22, through: earliest, by: -1)
        .first(where: { bytes.little(at: $0, as: UInt32.self) == 0x0605_4B50 })
    else { throw refuse("is no whole zip file: its directory is missing") }
    var count = UInt64(bytes.little(at: end + 10, as: UInt16.self))
    var size = UInt64(bytes.little(at: end + 12, as: UInt32.self))
    var start = UInt64(bytes.little(at: end + 16, as: UInt32.self))
    if end >= 20, bytes.little(at: end - 20, as: UInt32.self) == 0x0706_4B50 {
      let offset = bytes.little(at: end - 12, as: UInt64.self)
      guard bytes.count >= 56, offset <= UInt64(bytes.count - 56),
        bytes.little(at: Int(offset), as: UInt32.self) == 0x0606_4B50
      else { throw refuse("is no whole zip file: its zip64 record is missing") }
      count = bytes.little(at: Int(offset) + 32, as: UInt64.self)
      size = bytes.little(at: Int(offset) + 40, as: UInt64.self)
      start = bytes.little(at: Int(offset) + 48, as: UInt64.self)
    }
    guard start <= UInt64(end), size <= UInt64(end) - start, count <= size / 46 + 1 else {
      throw refuse("is no whole zip file: its directory lies outside of it")
    }
    self.count = Int(count)
    range = Int(start)..<Int(start + size)
  }

  func members(_ limits: ZipArchive.Limits) throws -> [ZipArchive.Member] {
    guard count <= limits.members else {
      throw ZipError(
        path: path, member: nil, reason: "has \(count) members, at most \(limits.members) are read")
    }
    var members: [ZipArchive.Member] = []
    var names: Set<String> = []
    var at = range.lowerBound
    for _ in 0..<count {
      let member = try self.member(at: &at)
      guard names.insert(member.name).inserted else {
        throw ZipError(path: path, member: member.name, reason: "occurs twice")
      }
      try check(member, limits)
      members.append(member)
    }
    return members
  }

  private func member(at: inout Int) throws -> ZipArchive.Member {
    let refuse = { (reason: String) in ZipError(path: path, member: nil, reason: reason) }
    guard at <= range.upperBound - 46, bytes.little(at: at, as: UInt32.self) == 0x0201_4B50 else {
      throw refuse("is no whole zip file: its directory is damaged")
    }
    let lengths = [28, 30, 32].map { Int(bytes.little(at: at + $0, as: UInt16.self)) }
    let next = at + 46 + lengths.reduce(0, +)
    guard next <= range.upperBound else { throw refuse("is no whole zip file: its directory is damaged") }
    let name = String(decoding: bytes[at + 46..<at + 46 + lengths[0]], as: UTF8.self)
    var packed = UInt64(bytes.little(at: at + 20, as: UInt32.self))
    var size = UInt64(bytes.little(at: at + 24, as: UInt32.self))
    var offset = UInt64(bytes.little(at: at + 42, as: UInt32.self))
    // Sizes that do not fit 32 bits stand in the zip64 part of the extra field, in this order.
    var field = at + 46 + lengths[0]
    let extraEnd = field + lengths[1]
    while field <= extraEnd - 4 {
      let kind = bytes.little(at: field, as: UInt16.self)
      let end = min(extraEnd, field + 4 + Int(bytes.little(at: field + 2, as: UInt16.self)))
      var value = field + 4
      func wide(_ number: inout UInt64) {
        guard number == 0xFFFF_FFFF, value <= end - 8 else { return }
        number = bytes.little(at: value, as: UInt64.self)
        value += 8
      }
      if kind == 1 {
        wide(&size)
        wide(&packed)
        wide(&offset)
      }
      field = end
    }
    guard bytes.little(at: at + 8, as: UInt16.self) & 1 == 0 else {
      throw ZipError(path: path, member: name, reason: "is encrypted")
    }
    let method = Int(bytes.little(at: at + 10, as: UInt16.self))
    guard method == 0 || method == 8 else {
      throw ZipError(path: path, member: name, reason: "is packed in a way (\(method)) that is not read")
    }
    let member = ZipArchive.Member(
      name: name, size: Int(clamping: size), packedSize: Int(clamping: packed), method: method,
      checksum: bytes.little(at: at + 16, as: UInt32.self), headerOffset: Int(clamping: offset))
    at = next
    return member
  }

  private func check(_ member: ZipArchive.Member, _ limits: ZipArchive.Limits) throws {
    guard member.packedSize <= bytes.count else {
      throw ZipError(path: path, member: member.name, reason: "is larger than the file")
    }
    guard member.method == 8 || member.size == member.packedSize else {
      throw ZipError(path: path, member: member.name, reason: "is stored with two different sizes")
    }
    guard member.size <= limits.memberSize else {
      throw ZipError(
        path: path, member: member.name,
        reason: "would unpack to \(member.size) bytes; at most \(limits.memberSize) are read")
    }
    let allowed = member.packedSize.multipliedReportingOverflow(by: limits.ratio)
    guard member.size <= limits.freeSize || allowed.overflow || member.size <= allowed.partialValue else {
      throw ZipError(
        path: path, member: member.name,
        reason:
          "would unpack \(member.packedSize) bytes to \(member.size), more than \(limits.ratio) times as many"
      )
    }
  }
}

extension UnsafeRawBufferPointer {
  /// A little-endian number at any offset; the caller has checked that it lies inside.
  func little<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
  }
}
