import Foundation
import Torch

/// The words that a model knows, each with its number, and four marks: padding, start, end, and the word that stands
/// for all others.
///
/// Files are those of the field's programs: JSON `{"word2idx": {word: number}, "idx2word": {"0": word, …}, "idx":
/// count}`, an object of words and numbers alone, or a Python pickle of an object with the same members.
public struct Vocabulary: Sendable, Equatable {
  /// How the marks are written.
  public enum Mark: String, Sendable, CaseIterable {
    case padding = "<pad>"
    case start = "<start>"
    case end = "<end>"
    case unknown = "<unk>"
  }

  /// Every word in the order of its number, marks among them.
  public let words: [String]
  /// The number behind the last word of a shorter text.
  public let padding: Int
  /// The number in front of the first word.
  public let start: Int
  /// The number behind the last word.
  public let end: Int
  /// The number of words that are not known.
  public let unknown: Int
  private let numbers: [ExactText: Int]

  /// Number of words, marks included.
  public var count: Int { words.count }

  /// - Parameters:
  ///   - words: every word in the order of its number, each once, the four marks among them.
  ///   - source: the file, for messages.
  /// - Throws: ``VocabularyError`` when a mark is missing or a word occurs twice.
  public init(words: [String], from source: String = "the vocabulary") throws(VocabularyError) {
    var numbers: [ExactText: Int] = [:]
    numbers.reserveCapacity(words.count)
    for (number, word) in words.enumerated() {
      if let other = numbers.updateValue(number, forKey: ExactText(word)) {
        throw VocabularyError(source, "has the word '\(word)' twice, as \(other) and \(number)")
      }
    }
    func number(_ mark: Mark) throws(VocabularyError) -> Int {
      guard let number = numbers[ExactText(mark.rawValue)] else {
        throw VocabularyError(source, "has no word '\(mark.rawValue)'")
      }
      return number
    }
    padding = try number(.padding)
    start = try number(.start)
    end = try number(.end)
    unknown = try number(.unknown)
    self.words = words
    self.numbers = numbers
  }

  /// The words that occur at least `threshold` times: the marks as 0 to 3, then the most frequent first, words of
  /// one frequency in the order of their characters.
  ///
  /// - Parameter counts: how often each word occurs.
  public init(counts: [ExactText: Int], threshold: Int) {
    let marks = Mark.allCases.map { ExactText($0.rawValue) }
    let kept = counts.filter { $0.value >= threshold && !marks.contains($0.key) }
    let all = marks + kept.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    words = all.map(\.text)
    numbers = Dictionary(all.enumerated().map { ($1, $0) }) { first, _ in first }
    (padding, start, end, unknown) = (0, 1, 2, 3)
  }

  /// The number of a word; nil when it is not known.
  public subscript(_ word: String) -> Int? { numbers[ExactText(word)] }

  /// The word of a number; nil for a mark and for a number that there is not.
  func word(_ number: Int) -> String? {
    let marks = [padding, start, end, unknown]
    return words.indices.contains(number) && !marks.contains(number) ? words[number] : nil
  }

  /// The words' numbers between those of start and end; words that are not known have ``unknown``.
  public func numbers(of words: [String]) -> [Int] {
    [start] + words.map { numbers[ExactText($0)] ?? unknown } + [end]
  }
}

/// A vocabulary that cannot be used; one sentence that names the file.
public struct VocabularyError: LocalizedError, Equatable {
  public let file: String
  public let reason: String

  init(_ file: String, _ reason: String) {
    self.file = file
    self.reason = reason
  }

  public var errorDescription: String? { "\(file): \(reason)" }
}

// MARK: - Files

extension Vocabulary {
  /// The vocabulary in a file: JSON, or a pickle as the programs before 2018 wrote it. Nothing in it is executed.
  ///
  /// - Throws: ``VocabularyError``; ``CheckpointError`` for a damaged pickle.
  public init(file: String) throws {
    guard FileManager.default.fileExists(atPath: file) else {
      throw VocabularyError(file, "there is no such file")
    }
    let data = try InputFile(URL(fileURLWithPath: file)).data
    let first = data.first { !$0.isJSONBlank }
    if first == UInt8(ascii: "{") {
      guard let json = try? JSON(json: data) else { throw VocabularyError(file, "is no JSON") }
      try self.init(json: json, from: file)
    } else {
      let pickled = try PickledData(file)
      try self.init(
        numbers: pickled["word2idx"]?.members?.map { ($0.key.string, $0.value.int) },
        words: pickled["idx2word"]?.members?.map {
          ($0.key.int ?? $0.key.string.flatMap(Int.init), $0.value.string)
        },
        from: file)
    }
  }

  /// A vocabulary from the tree of its JSON file.
  ///
  /// - Throws: ``VocabularyError``.
  public init(json: JSON, from source: String) throws(VocabularyError) {
    // Where neither is there, the object may be the words with their numbers itself.
    let members = json.members ?? []
    let isPlain =
      json["idx2word"] == nil && json["word2idx"] == nil && !members.isEmpty
      && members.allSatisfy { $0.value.int != nil }
    let given = isPlain ? members : json["word2idx"]?.members
    try self.init(
      numbers: given?.map { ($0.key, $0.value.int) },
      words: json["idx2word"]?.members?.map { (Int($0.key), $0.value.string) }, from: source)
  }

  /// Words with their numbers, and numbers with their words: either may be absent, and both say the same.
  private init(
    numbers: [(word: String?, number: Int?)]?, words: [(number: Int?, word: String?)]?, from source: String
  ) throws(VocabularyError) {
    guard let pairs = numbers ?? words?.map({ ($0.word, $0.number) }) else {
      throw VocabularyError(source, "is no vocabulary (an object with 'word2idx' and 'idx2word')")
    }
    var list = [String?](repeating: nil, count: pairs.count)
    for (word, number) in pairs {
      guard let word, let number else {
        throw VocabularyError(source, "'word2idx' is to give every word a whole number")
      }
      guard list.indices.contains(number) else {
        throw VocabularyError(source, "gives '\(word)' the number \(number), expected 0 to \(list.count - 1)")
      }
      if let other = list[number] {
        throw VocabularyError(source, "gives the number \(number) to '\(other)' and to '\(word)'")
      }
      list[number] = word
    }
    for (number, word) in words ?? [] {
      guard let number, let word, list.indices.contains(number), list[number]?.hasSameBytes(as: word) == true
      else {
        throw VocabularyError(
          source,
          "'word2idx' and 'idx2word' differ at \(number.map(String.init) ?? "a key that is no number")")
      }
    }
    try self.init(words: list.compactMap { $0 }, from: source)
  }

  /// The tree of the JSON file.
  public var json: JSON {
    [
      "word2idx": .object(words.enumerated().map { JSON.Member($1, .int($0)) }),
      "idx2word": .object(words.enumerated().map { JSON.Member(String($0), .string($1)) }),
      "idx": .int(count),
    ]
  }
}

extension UInt8 {
  fileprivate var isJSONBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
