/// What is done to a text before CLIP's byte pairs are looked for.
public enum TextCleaning: String, Sendable, Codable, CaseIterable {
  /// Repaired, HTML characters written out, white space to single blanks, lower case: OpenAI's and open_clip's.
  case openai
  /// Normal form C, white space to single blanks, lower case: Hugging Face's.
  case huggingface
  /// As ``openai`` without lower case.
  case whitespace
  /// As ``openai``, and without punctuation.
  case canonicalize
}
