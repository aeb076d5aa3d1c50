import Foundation

/// Tokenizers as published models carry them.
public enum PublishedTokenizers {
  /// The tokenizer of a model's folder, or of one of the files that hold one.
  ///
  /// - Parameters:
  ///   - place: a folder, or a tokenizer's file.
  ///   - contextLength: numbers of a row; nil for what the files say, else 77 for CLIP and 64 for SigLIP.
  ///   - clean: what is done to texts first; nil for what goes with the kind of file.
  /// - Returns: nil where a folder holds none.
  /// - Throws: ``VocabularyError`` for a file that is damaged or of a kind that is not read.
  public static func load(
    from place: URL, contextLength: Int? = nil, clean: TextCleaning? = nil
  ) throws -> (any TextTokenizer)? { nil }

  /// A tokenizer from what ``TextTokenizer/document`` gave.
  public static func make(
    _ document: JSON, contextLength: Int? = nil, from source: String = "the stored tokenizer"
  ) throws -> any TextTokenizer { throw VocabularyError(source, "is no tokenizer") }
}
