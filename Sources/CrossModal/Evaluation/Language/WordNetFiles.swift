import Foundation

/// The database files of WordNet 3.0 (`index.noun`, `data.noun`, `noun.exc` and so on), mapped and read line
/// by line.
struct WordNetFiles: Sendable {
  /// Parts of speech, as the files are named.
  enum Part: String, Sendable, CaseIterable {
    case noun, verb
    case adjective = "adj"
    case adverb = "adv"
  }

  let folder: URL

  /// - Parameter folder: nil looks in `WNSEARCHDIR`, `WNHOME/dict` and `/usr/share/wordnet`.
  /// - Throws: ``WordNetError`` when no such folder has `index.noun`.
  init(folder: URL? = nil) throws {
    let environment = ProcessInfo.processInfo.environment
    let usual = [
      environment["WNSEARCHDIR"], environment["WNHOME"].map { $0 + "/dict" }, "/usr/share/wordnet",
    ].compactMap { $0.map { URL(fileURLWithPath: $0) } }
    let places = folder.map { [$0] } ?? usual
    let found = places.first {
      FileManager.default.fileExists(atPath: $0.appendingPathComponent("index.noun").path)
    }
    guard let found else { throw WordNetError.notFound(places.map(\.path)) }
    self.folder = found
  }

  func mapped(_ name: String) throws -> Data {
    let file = folder.appendingPathComponent(name)
    do {
      return try Data(contentsOf: file, options: .alwaysMapped)
    } catch {
      throw WordNetError.notFound([file.path])
    }
  }

  /// The index of a part of speech: for each lemma the offsets of its synsets, most frequent sense first.
  func index(_ part: Part) throws -> WordNetIndex {
    try WordNetIndex(mapped("index.\(part.rawValue)"), name: "index.\(part.rawValue)")
  }

  /// The base forms of irregular words of a part of speech; none when there is no such file.
  func exceptions(_ part: Part) -> [String: [String]] {
    let file = folder.appendingPathComponent("\(part.rawValue).exc")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [:] }
    var bases: [String: [String]] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ").map(String.init)
      if words.count > 1 { bases[words[0], default: []] += words.dropFirst() }
    }
    return bases
  }
}

/// Where each lemma's line is in an index file.
struct WordNetIndex: Sendable {
  private let bytes: Data
  private let name: String
  private var lines: [String: Range<Int>] = [:]

  /// - Throws: ``WordNetError`` when the file holds no line of an index.
  init(_ bytes: Data, name: String) throws {
    self.bytes = bytes
    self.name = name
    let (newline, space) = (UInt8(ascii: "\n"), UInt8(ascii: " "))
    bytes.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        var end = start
        var wordEnd = -1
        while end < bytes.count, bytes[end] != newline {
          if wordEnd < 0, bytes[end] == space { wordEnd = end }
          end += 1
        }
        // Lines that begin with a space are the licence.
        if wordEnd > start {
          lines[String(decoding: bytes[start..<wordEnd], as: UTF8.self)] = wordEnd + 1..<end
        }
        start = end + 1
      }
    }
    guard !lines.isEmpty else { throw WordNetError.badLine(file: name, place: 0) }
  }

  func contains(_ lemma: String) -> Bool { lines[lemma] != nil }

  /// Offsets of the lemma's synsets; none when it is unknown.
  ///
  /// - Throws: ``WordNetError`` when its line is not one of an index.
  func offsets(of lemma: String) throws -> [Int] {
    guard let line = lines[lemma] else { return [] }
    // pos synset_cnt p_cnt [ptr_symbol]*p_cnt sense_cnt tagsense_cnt offset*synset_cnt
    let fields = String(decoding: bytes[line], as: UTF8.self).split(separator: " ")
    guard fields.count > 2, let synsets = Int(fields[1]), let pointers = Int(fields[2]), synsets >= 0,
      pointers >= 0, fields.count >= 5 + pointers + synsets
    else { throw WordNetError.badLine(file: name, place: line.lowerBound) }
    return try fields.dropFirst(5 + pointers).prefix(synsets).map { field in
      guard let offset = Int(field) else { throw WordNetError.badLine(file: name, place: line.lowerBound) }
      return offset
    }
  }
}

/// WordNet files that cannot be used.
public enum WordNetError: LocalizedError, Equatable {
  /// None of the folders or files is there.
  case notFound([String])
  /// A line that is not in WordNet's format.
  case badLine(file: String, place: Int)

  public var errorDescription: String? {
    switch self {
    case .notFound(let places):
      "WordNet's files are not in \(places.joined(separator: ", ")); install the package wordnet-base, "
        + "or name their folder in WNSEARCHDIR"
    case .badLine(let file, let place): "\(file): no line in WordNet's format at byte \(place)"
    }
  }
}
