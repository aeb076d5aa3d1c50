import Foundation

/// What a SentencePiece file says: pieces with their scores, and how texts are prepared. A message of protocol buffers.
struct SentencePieceModel: Sendable {
  /// What a piece is.
  enum Kind: Int, Sendable {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  struct Piece: Sendable {
    var text = ""
    var score: Float = 0
    var kind = Kind.normal
  }

  var pieces: [Piece] = []
  /// Empty for none.
  var characterMap: [UInt8] = []
  var removesExtraBlanks = true
  /// 1 for unigram.
  private var modelType = 1

  init(pieces: [Piece], characterMap: [UInt8], removesExtraBlanks: Bool) {
    self.pieces = pieces
    self.characterMap = characterMap
    self.removesExtraBlanks = removesExtraBlanks
  }

  /// - Throws: ``VocabularyError`` for a file that is damaged or of another kind; ``DataError`` from reading.
  init(file: URL) throws {
    let input = try InputFile(file)
    let bytes = withExtendedLifetime(input) { Array(input.bytes) }
    if let reason = bytes.withUnsafeBytes(LargeFilePointer.reason) {
      throw VocabularyError(input.name, reason)
    }
    try read(bytes, input.name)
  }

  private mutating func read(_ bytes: [UInt8], _ name: String) throws(VocabularyError) {
    var message = ProtocolBuffer(bytes[...], name: name)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let own)): pieces.append(try Self.piece(own, name, place: pieces.count))
      case (2, .bytes(let own)):
        var trainer = ProtocolBuffer(own, name: name)
        while let setting = try trainer.next() {
          if setting.number == 3, case .whole(let type) = setting.value { modelType = Int(clamping: type) }
        }
      case (3, .bytes(let own)):
        var normalizer = ProtocolBuffer(own, name: name)
        while let setting = try normalizer.next() {
          switch (setting.number, setting.value) {
          case (2, .bytes(let map)): characterMap = Array(map)
          case (4, .whole(let flag)): removesExtraBlanks = flag != 0
          default: break
          }
        }
      default: break
      }
    }
    guard modelType == 1 else {
      throw VocabularyError(
        name,
        "is a SentencePiece model of another kind than unigram (byte pairs, as SigLIP 2 has), which is not read: give the "
          + "numbers of its texts as a modality of kind tokens")
    }
    guard !pieces.isEmpty else { throw VocabularyError(name, "is no SentencePiece model: it has no pieces") }
  }

  private static func piece(
    _ bytes: ArraySlice<UInt8>, _ name: String, place: Int
  ) throws(VocabularyError) -> Piece {
    var piece = Piece()
    var message = ProtocolBuffer(bytes, name: name)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let text)):
        guard let text = String(validating: text, as: UTF8.self) else {
          throw VocabularyError(name, "piece \(place) is not UTF-8")
        }
        piece.text = text
      case (2, .four(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .whole(let kind)): piece.kind = Kind(rawValue: Int(clamping: kind)) ?? .unused
      default: break
      }
    }
    guard piece.score.isFinite else { throw VocabularyError(name, "piece \(place) has no finite score") }
    return piece
  }
}

/// Fields of a message of protocol buffers, one after the other.
private struct ProtocolBuffer {
  enum Value {
    case whole(UInt64)
    case four(UInt32)
    case eight(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>
  private let name: String

  init(_ bytes: ArraySlice<UInt8>, name: String) {
    rest = bytes
    self.name = name
  }

  private var damage: VocabularyError {
    VocabularyError(name, "is no SentencePiece model, or damaged or cut short")
  }

  private mutating func whole() throws(VocabularyError) -> UInt64 {
    var (value, shift) = (UInt64(0), UInt64(0))
    while let byte = rest.popFirst(), shift < 64 {
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw damage
  }

  private mutating func take(_ count: UInt64) throws(VocabularyError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else { throw damage }
    let found = rest.prefix(Int(count))
    rest = rest.dropFirst(Int(count))
    return found
  }

  /// - Returns: nil at the end.
  mutating func next() throws(VocabularyError) -> (number: Int, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let key = try whole()
    let number = Int(clamping: key >> 3)
    func little(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    switch key & 7 {
    case 0: return (number, .whole(try whole()))
    case 1: return (number, .eight(little(try take(8))))
    case 2: return (number, .bytes(try take(try whole())))
    case 5: return (number, .four(UInt32(truncatingIfNeeded: little(try take(4)))))
    default: throw damage
    }
  }
}
