import Foundation

/// The safetensors format: named tensors in one file, mapped rather than read.
///
/// What is written here carries a CRC-32 of the header and of each tensor in its metadata, so that a changed
/// bit is refused; apart from that the bytes are those of Python's writer.
public enum SafeTensors {
  /// The tensors of a file in the order of their bytes, and its metadata.
  public struct Contents {
    public let tensors: [(name: String, tensor: Tensor)]
    public let metadata: [String: String]

    /// A tensor by name.
    public subscript(_ name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
  }

  private static let formatKey = "format"
  private static let format = "crossmodal"
  private static let headerKey = "crc32"
  private static let tensorPrefix = "crc32."
  /// Stands for the header's checksum while it is computed.
  private static let noChecksum = "00000000"
  /// Longest header that is read, as in the reference implementation.
  private static let longestHeader = 100_000_000
}

/// A file that is not what it should be, or not what was written.
public struct SafeTensorsError: LocalizedError, Equatable {
  public let path: String
  public let reason: String

  public var errorDescription: String? { "\(path): \(reason)" }
}

// MARK: - Reading

extension SafeTensors {
  /// Maps a file; elements are read from the disk when they are used.
  ///
  /// - Parameter checked: compare checksums where the file carries them, which reads every byte once.
  /// - Throws: ``SafeTensorsError`` when header or checksums are not right, ``FileError`` when the file
  ///   cannot be read.
  public static func read(_ path: String, checked: Bool = true) throws -> Contents {
    let file = try MappedFile(path)
    let whole = file.bytes
    guard whole.count >= 8 else {
      throw SafeTensorsError(path: path, reason: "is no safetensors file: shorter than its first 8 bytes")
    }
    let length = whole.loadUnaligned(as: UInt64.self).littleEndian
    guard length <= longestHeader, Int(length) <= whole.count - 8 else {
      throw SafeTensorsError(
        path: path,
        reason: "is no whole safetensors file: a header of \(length) bytes in a file of \(whole.count)")
    }
    let data = UnsafeRawBufferPointer(rebasing: whole[(8 + Int(length))...])
    let header = try SafeTensorsHeader(
      UnsafeRawBufferPointer(rebasing: whole[8..<8 + Int(length)]), dataCount: data.count, path: path)
    if checked {
      try check(header, UnsafeRawBufferPointer(rebasing: whole[..<(8 + Int(length))]), data, path: path)
    }
    let tensors = try header.tensors.map { entry in
      let bytes = UnsafeRawBufferPointer(rebasing: data[entry.range])
      let isAligned = UInt(bitPattern: bytes.baseAddress).isMultiple(of: UInt(entry.dtype.size))
      let tensor =
        isAligned
        ? try Tensor(sharing: bytes, owner: file, shape: entry.shape, dtype: entry.dtype)
        : try Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype)
      return (name: entry.name, tensor: tensor)
    }
    return Contents(tensors: tensors, metadata: header.metadata)
  }

  /// Checksums of a file that was written here; others have none.
  private static func check(
    _ header: SafeTensorsHeader, _ head: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer, path: String
  ) throws(SafeTensorsError) {
    let metadata = header.metadata
    let isMarked = metadata.keys.contains { $0 == headerKey || $0.hasPrefix(tensorPrefix) }
    guard metadata[formatKey] == format || isMarked else { return }
    let changed = { (what: String) in
      SafeTensorsError(path: path, reason: "was changed after it was written: \(what)")
    }
    guard metadata[formatKey] == format, let recorded = metadata[headerKey] else {
      throw changed("its checksums are not complete")
    }
    var blank = Data(head)
    guard let place = blank.range(of: mark(recorded)) else { throw changed("its checksums are not complete") }
    blank.replaceSubrange(place, with: mark(noChecksum))
    guard Checksum.text(of: blank) == recorded else {
      throw changed("the header does not match its checksum")
    }
    for entry in header.tensors {
      let bytes = UnsafeRawBufferPointer(rebasing: data[entry.range])
      guard Checksum.text(of: bytes) == metadata[tensorPrefix + entry.name] else {
        throw changed("tensor '\(entry.name)' does not match its checksum")
      }
    }
  }

  private static func mark(_ checksum: String) -> Data { Data("\"\(headerKey)\":\"\(checksum)\"".utf8) }
}

// MARK: - Writing

extension SafeTensors {
  /// Writes tensors to a file that appears when it is complete.
  ///
  /// - Parameter metadata: texts beside ours: `format`, and those that begin with `crc32`.
  /// - Throws: ``SafeTensorsError`` for a name that occurs twice or that the format does not allow;
  ///   ``FileError``.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
  ) throws {
    let sorted = try tensors.map { (name: $0.name, tensor: try $0.tensor.detached().to(.cpu).contiguous()) }
      .sorted { isBefore(($0.tensor.dtype, $0.name), ($1.tensor.dtype, $1.name)) }
    let names = sorted.map(\.name)
    guard Set(names).count == names.count, !names.contains(SafeTensorsHeader.metadataKey) else {
      throw SafeTensorsError(
        path: path,
        reason: "tensor names must differ, and none may be \(SafeTensorsHeader.metadataKey)")
    }
    var metadata = metadata.filter { $0.key != headerKey && !$0.key.hasPrefix(tensorPrefix) }
    metadata[formatKey] = format
    metadata[headerKey] = noChecksum
    var entries: [SafeTensorsHeader.Entry] = []
    var end = 0
    for (name, tensor) in sorted {
      metadata[tensorPrefix + name] = try tensor.withUnsafeBytes { Checksum.text(of: $0) }
      let start = end
      end += tensor.count * tensor.dtype.size
      entries.append(.init(name: name, dtype: tensor.dtype, shape: tensor.shape, range: start..<end))
    }
    var head = Data(SafeTensorsHeader.bytes(of: entries, metadata: metadata))
    if let place = head.range(of: mark(noChecksum)) {
      head.replaceSubrange(place, with: mark(Checksum.text(of: head)))
    }
    try AtomicFile.write(to: path) { append in
      try append(head)
      for (_, tensor) in sorted { try tensor.withUnsafeBytes { try append(Data($0)) } }
    }
  }

  /// Python's order: the type of the higher rank first, then names by their bytes.
  private static func isBefore(_ a: (DataType, String), _ b: (DataType, String)) -> Bool {
    a.0 == b.0 ? a.1.utf8.lexicographicallyPrecedes(b.1.utf8) : a.0.safeTensorsRank > b.0.safeTensorsRank
  }
}
