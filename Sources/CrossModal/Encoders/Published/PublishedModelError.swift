import Foundation

/// A published model that cannot be used as it is.
public enum PublishedModelError: LocalizedError, Equatable {
  /// Pictures of another size than a network has positions for; `shape` is `[n, 3, height, width]`.
  case pictureSize([Int], patch: Int, rows: Int)
  /// Positions that fill no square.
  case grid(rows: Int)
  /// More pieces in a text than there are positions.
  case contextLength(found: Int, most: Int)
  case token(Int, vocabulary: Int)
  /// What is wrong with a file or folder, in words that follow its name.
  case unusable(String, reason: String)

  public var errorDescription: String? {
    switch self {
    case .pictureSize(let shape, let patch, let rows):
      "pictures of \(shape.dropFirst(2).map(String.init).joined(separator: " by ")) have "
        + "\(shape.dropFirst(2).map { $0 / max(1, patch) }.reduce(1, *)) patches of \(patch) by \(patch); the network "
        + "has positions for \(rows)"
    case .grid(let rows): "\(rows) positions of patches fill no square"
    case .contextLength(let found, let most):
      "a text of \(found) pieces; the network has positions for \(most)"
    case .token(let number, let vocabulary):
      "a piece has number \(number); the network has \(vocabulary) pieces, from 0"
    case .unusable(let file, let reason): "\(file): \(reason)"
    }
  }
}
