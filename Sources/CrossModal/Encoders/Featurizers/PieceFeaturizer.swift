import Foundation
import Torch

/// Texts as the numbers of the pieces that a published network was trained on: byte pairs of CLIP, unigrams of SigLIP,
/// word pieces of sentence encoders.
///
/// A tokenizer belongs to its weights and is read from their files; a run folder holds it as `tokenizer.json`.
public struct PieceFeaturizer: TokenFeaturizer {
  public static let name = "pieces"
  public static let documentName: String? = "tokenizer"
  public static let fileKeys = ["tokenizer"]

  public struct Configuration: MethodConfiguration {
    public var tokenizer: String?
    public var clean: TextCleaning?
    public var contextLength: Int?
    public var prompt: String?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "tokenizer",
        "the file or folder of a published tokenizer (tokenizer.json, vocab.json with merges.txt, "
          + "bpe_simple_vocab_16e6.txt.gz, spiece.model, vocab.txt); needed"),
      ConfigurationKey(
        "clean",
        "what is done to texts first, of CLIP's: "
          + "\(TextCleaning.allCases.map(\.rawValue).joined(separator: ", ")); null: as the kind of file has it"
      ),
      ConfigurationKey(
        "context_length", "most pieces of a text, marks included; null: as the files say",
        aliases: ["max_words", "max_length"], in: .count(2...1 << 16)),
      ConfigurationKey("prompt", "put in front of every text; null for nothing"),
    ]

    public func validateRelations() throws { _ = try place }

    var place: URL {
      get throws {
        guard let tokenizer else {
          throw ConfigurationError.badValue(
            key: "tokenizer", value: "null",
            expected: "a file or folder: the featurizer 'pieces' needs the tokenizer of its weights")
        }
        return URL(fileURLWithPath: tokenizer)
      }
    }
  }

  public let tokenizer: any TextTokenizer
  /// What is put in front of every text.
  public let prompt: String

  public init(_ tokenizer: any TextTokenizer, prompt: String = "") {
    self.tokenizer = tokenizer
    self.prompt = prompt
  }

  /// Reads the file that the configuration names; nothing is learned from the texts.
  ///
  /// - Throws: ``ConfigurationError`` without a file; ``PublishedModelError`` for a folder without a tokenizer.
  public init(fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64 = 0) throws {
    let place = try configuration.place
    guard
      let tokenizer = try PublishedTokenizers.load(
        from: place, contextLength: configuration.contextLength, clean: configuration.clean)
    else { throw PublishedModelError.unusable(place.relativeName, reason: PublishedTokenizers.missing) }
    self.init(tokenizer, prompt: configuration.prompt ?? "")
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON?) throws {
    guard let document else {
      throw FeaturizerError.badState(featurizer: Self.name, reason: "its tokenizer is missing")
    }
    self.init(
      try PublishedTokenizers.make(document, contextLength: settings["context_length"]?.int),
      prompt: settings["prompt"]?.string ?? "")
  }

  public var settings: JSON {
    var json: JSON = ["context_length": .int(tokenizer.contextLength)]
    if !prompt.isEmpty { json["prompt"] = .string(prompt) }
    return json
  }
  public var state: [String: Tensor] { [:] }
  public var document: JSON? { tokenizer.document }
  public var vocabularySize: Int { tokenizer.vocabularySize }

  public func output(named name: String) -> DataDescription.Modality {
    .init(name: name, kind: .tokens, vocabulary: vocabularySize, longest: tokenizer.contextLength)
  }

  public func tokens(of text: String) -> [TextToken] { tokenizer.tokens(of: prompt + text) }

  /// Rows up to their end marks; of networks that read the padding, too, all with it.
  public func featurized(_ items: Items) throws -> Items {
    guard case .texts(let texts) = items else {
      throw FeaturizerError.wrongKind(featurizer: Self.name, kind: items.kind, accepts: Self.accepts)
    }
    let rows = texts.map { text in
      let numbers = tokenizer.numbers(of: prompt + text)
      guard tokenizer.readsPadding else { return numbers }
      return numbers
        + [Int](repeating: tokenizer.padding, count: max(0, tokenizer.contextLength - numbers.count))
    }
    return try TokenRows(rows).all()
  }
}
