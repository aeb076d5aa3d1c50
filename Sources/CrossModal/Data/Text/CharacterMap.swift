/// The characters that a SentencePiece model replaces before it cuts a text: the longest keys of a trie, as its file holds
/// them.
struct CharacterMap: Sendable {
  /// The file's bytes: for a run to keep.
  let bytes: [UInt8]
  /// A node or a value each.
  private let units: [UInt32]
  /// Where the texts begin.
  private let texts: Int

  /// - Returns: nil for bytes that are no such map; an empty map changes nothing.
  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    guard !bytes.isEmpty else {
      (units, texts) = ([], 0)
      return
    }
    func unit(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
    }
    guard bytes.count >= 4, bytes.last == 0 || bytes.count == Int(unit(0)) + 4 else { return nil }
    let size = Int(unit(0))
    guard size % 4 == 0, size > 0, size <= bytes.count - 4 else { return nil }
    units = (0..<size / 4).map { unit(4 + 4 * $0) }
    texts = 4 + size
  }

  /// A text after replacement.
  func applied(to text: String) -> String {
    guard !units.isEmpty else { return text }
    let source = Array(text.utf8)
    var (result, place) = ([UInt8](), 0)
    while place < source.count {
      if let (start, length) = longest(in: source[place...]) {
        var at = texts + start
        while at < bytes.count, bytes[at] != 0 {
          result.append(bytes[at])
          at += 1
        }
        place += length
      } else {
        repeat {
          result.append(source[place])
          place += 1
        } while place < source.count && source[place] & 0xC0 == 0x80
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Where the text of the longest key begins, and the key's length in bytes.
  private func longest(in source: ArraySlice<UInt8>) -> (start: Int, length: Int)? {
    var best: (Int, Int)?
    var node = Self.offset(units[0])
    for (place, byte) in source.enumerated() {
      node ^= Int(byte)
      guard node < units.count else { break }
      let unit = units[node]
      guard unit & 0x8000_00FF == UInt32(byte) else { break }
      node ^= Self.offset(unit)
      guard node < units.count else { break }
      if unit >> 8 & 1 == 1 { best = (Int(units[node] & 0x7FFF_FFFF), place + 1) }
    }
    return best
  }

  private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 512) >> 6)) }
}
