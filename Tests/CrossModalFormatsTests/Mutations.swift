import Foundation

/// Damaged copies of a file, the same for the same seed: cut short, bits flipped, pieces moved, and numbers
/// where lengths may be replaced by small, large and negative ones.
struct Mutations {
  let original: [UInt8]
  private var state: UInt64

  init(of original: Data, seed: UInt64) {
    self.original = Array(original)
    state = seed
  }

  /// SplitMix64 (Steele, Lea, Flood, 2014).
  private mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(max(bound, 1)))
  }

  mutating func next() -> Data {
    var bytes = original
    switch next(below: 4) {
    case 0: bytes.removeLast(bytes.count - next(below: bytes.count))
    case 1:
      for _ in 0...next(below: 8) { bytes[next(below: bytes.count)] ^= 1 << next(below: 8) }
    case 2:
      let piece = next(below: min(64, bytes.count))
      let (from, to) = (next(below: bytes.count - piece), next(below: bytes.count - piece))
      bytes.replaceSubrange(to..<to + piece, with: original[from..<from + piece])
    default:
      let values: [UInt64] = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, 1 << 62, .max]
      let value = values[next(below: values.count)]
      let width = min([1, 2, 4, 8][next(below: 4)], bytes.count)
      let at = next(below: bytes.count - width + 1)
      let isBig = next(below: 2) == 0
      for i in 0..<width {
        bytes[at + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(isBig ? width - 1 - i : i)))
      }
    }
    return Data(bytes)
  }
}
