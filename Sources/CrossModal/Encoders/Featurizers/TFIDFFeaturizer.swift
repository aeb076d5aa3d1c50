import Foundation
import Torch

/// Texts as weighted word counts: (1 + log count) · (log((1 + n) / (1 + n_word)) + 1), rows of length one
/// (Salton and Buckley, 1988), along their leading singular vectors (latent semantic analysis, Deerwester
/// et al., 1990).
///
/// Words are runs of letters and digits in lower case; of scripts without blanks between words every
/// character is one. Words that the training part lacks count nothing.
public struct TFIDFFeaturizer: VectorFeaturizer, WordFeaturizing {
  public static let name = "tfidf"
  public static let accepts: [ModalityKind] = [.text]
  /// Width unless told otherwise.
  public static let standardSize = 120
  /// The most frequent words are kept up to this number.
  static let largestVocabulary = 100_000

  private let places: [ExactText: Int]
  private let words: [String]
  /// Weight of each word, `[words]`.
  private let weights: Tensor
  private let weightValues: [Double]
  /// Right singular vectors, `[words, size]`.
  private let components: Tensor

  public var size: Int { components.size(along: 1) }

  /// Learns words, their weights, and the leading singular vectors of the weighted counts.
  ///
  /// - Throws: ``FeaturizerError`` when the items are no texts or hold no word.
  public init(fittedTo source: FeaturizerSource, size: Int, seed: UInt64 = 0) throws {
    var frequency: [ExactText: Int] = [:]
    var texts: [[String]] = []
    try source.forEachChunk(rows: 4096) { items in
      for text in try TFIDFFeaturizer.texts(of: items) {
        let words = TFIDFFeaturizer.words(of: text)
        for word in Set(words.map { ExactText($0) }) { frequency[word, default: 0] += 1 }
        texts.append(words)
      }
    }
    guard !frequency.isEmpty else {
      throw FeaturizerError.nothingToLearn(
        featurizer: TFIDFFeaturizer.name, reason: "the texts hold no words")
    }
    let byFrequency = frequency.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let kept = byFrequency.prefix(TFIDFFeaturizer.largestVocabulary).map(\.key).sorted()
    words = kept.map(\.text)
    places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let count = Double(texts.count)
    weightValues = kept.map { log((1 + count) / (1 + Double(frequency[$0] ?? 0))) + 1 }
    weights = try Tensor(weightValues)
    let rows = TFIDFFeaturizer.rows(of: texts, places, weightValues)
    components = try rows.singularVectors(
      width: words.count, count: min(size, words.count, texts.count), seed: seed)
  }

  /// The width of the vectors, and whose words they are of.
  public struct Configuration: MethodConfiguration {
    /// Nil for ``standardSize``.
    public var size: Int?
    /// Whether the words are counted together with those of the other texts; nil asks the texts.
    public var shared: Bool?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey("size", "width of the vectors", in: .units),
      ConfigurationKey(
        "shared",
        "one vocabulary for all texts of the pairs; null: where they have \(Int(100 * SharedWords.enough)) % of their words in common. features.shared sets it for all texts",
        reason: "text against text in one language gains by it, a translation loses"),
    ]
  }

  public init(
    fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64
  ) throws {
    try self.init(fittedTo: source, size: configuration.size ?? TFIDFFeaturizer.standardSize, seed: seed)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON? = nil) throws {
    func bad(_ reason: String) -> FeaturizerError {
      .badState(featurizer: TFIDFFeaturizer.name, reason: reason)
    }
    guard let stored = settings["words"]?.array?.map(\.string), !stored.contains(nil) else {
      throw bad("'words' is missing or no list of texts")
    }
    words = stored.compactMap { $0 }
    guard let weights = state["weights"], let components = state["components"],
      weights.shape == [words.count], components.rank == 2, components.size(along: 0) == words.count
    else { throw bad("'weights' and 'components' do not fit its \(words.count) words") }
    places = Dictionary(words.enumerated().map { (ExactText($1), $0) }) { first, _ in first }
    self.weights = weights
    self.components = components
    weightValues = try weights.values(as: Double.self)
  }

  public var settings: JSON { ["words": .array(words.map(JSON.string))] }
  public var state: [String: Tensor] { ["weights": weights, "components": components] }

  public func vectors(of items: Items) throws -> Tensor {
    let texts = try TFIDFFeaturizer.texts(of: items).map(TFIDFFeaturizer.words)
    return try TFIDFFeaturizer.rows(of: texts, places, weightValues).times(components)
  }

  public func words(of text: String) -> [TextToken] {
    TFIDFFeaturizer.words(of: text).map { word in
      TextToken(word, number: places[ExactText(word)] ?? 0, isUnknown: places[ExactText(word)] == nil)
    }
  }

  private static func texts(of items: Items) throws(FeaturizerError) -> [String] {
    guard case .texts(let texts) = items else {
      throw .wrongKind(featurizer: name, kind: items.kind, accepts: accepts)
    }
    return texts
  }

  /// Words of a text in order.
  static func words(of text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func end() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in text.lowercased().unicodeScalars {
      if scalar.isASCII {
        let isPart = (0x30...0x39).contains(scalar.value) || (0x61...0x7A).contains(scalar.value)
        if isPart { word.append(scalar) } else { end() }
      } else if standsAlone(scalar) {
        end()
        words.append(String(scalar))
      } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || scalar.properties.generalCategory == .nonspacingMark
      {
        word.append(scalar)
      } else {
        end()
      }
    }
    end()
    return words
  }

  /// Han characters, kana and the scripts of mainland South-East Asia, which put no blanks between words.
  private static func standsAlone(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xF900...0xFAFF, 0x20000...0x3FFFF:
      true
    default: false
    }
  }

  /// Weighted counts, a row a text.
  private static func rows(
    of texts: [[String]], _ places: [ExactText: Int], _ weights: [Double]
  ) -> SparseRows {
    var rows = SparseRows()
    for words in texts {
      var counts: [Int: Int] = [:]
      for word in words { if let place = places[ExactText(word)] { counts[place, default: 0] += 1 } }
      let entries = counts.sorted { $0.key < $1.key }.map { place, count in
        (column: place, value: (1 + log(Double(count))) * weights[place])
      }
      let length = entries.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
      rows.append(entries.map { ($0.column, $0.value / length) })
    }
    return rows
  }
}
