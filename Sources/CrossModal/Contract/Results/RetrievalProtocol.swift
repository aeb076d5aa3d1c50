/// Which items a retrieval test searches among.
public enum RetrievalProtocol: Sendable, Equatable {
  /// Every item of the split at once (COCO 5K, Flickr 1K).
  case full
  /// The mean over folds of `size` rows of the first modality, in order, each with its paired items; a rest
  /// smaller than a fold is left out (COCO 1K: five folds of 1,000 images with their 5,000 captions).
  case folds(size: Int)

  /// Names that the command accepts.
  public static let names = ["full", "5k", "1k", "folds:SIZE"]

  /// - Throws: ``EvaluationError`` with the known names.
  public init(named name: String) throws {
    switch name.lowercased() {
    case "full", "5k": self = .full
    case "1k": self = .folds(size: 1000)
    case let name where name.hasPrefix("folds:"):
      guard let size = Int(name.dropFirst("folds:".count)), size > 0 else { fallthrough }
      self = .folds(size: size)
    default: throw EvaluationError.unknownName("protocol", name, known: Self.names)
    }
  }
}
