import Torch

/// What the rows of a modality are.
public enum ModalityKind: String, Sendable, Codable, CaseIterable {
  /// One vector a row.
  case vector
  /// A set of vectors a row; their order means nothing.
  case set
  /// A sequence of vectors a row.
  case sequence
  /// A line of text a row.
  case text
  /// A sequence of word numbers a row.
  case tokens
  /// A picture a row.
  case images
}

/// Rows of one modality, as they come from a data set or a user, before any method has seen them.
public enum Items: Sendable {
  /// `[n, d]`.
  case vectors(Tensor)
  /// `[n, l, d]`; row i has `lengths[i]` vectors, the rest is padding.
  case sets(Tensor, lengths: [Int])
  /// `[n, l, d]`; row i has `lengths[i]` steps, the rest is padding.
  case sequences(Tensor, lengths: [Int])
  /// One line of text each.
  case texts([String])
  /// int64 `[n, l]`; row i has `lengths[i]` words, the rest is padding.
  case tokens(Tensor, lengths: [Int])
  /// Pictures of one size, `[n, h, w, c]`, numbers as stored (uint8 unless the data set scales them).
  case images(Tensor)
  /// Pictures of any size, decoded when they are needed.
  case pictures([Picture])

  /// Number of rows.
  public var count: Int {
    switch self {
    case .vectors(let rows), .images(let rows): rows.size(along: 0)
    case .sets(_, let lengths), .sequences(_, let lengths), .tokens(_, let lengths): lengths.count
    case .texts(let lines): lines.count
    case .pictures(let pictures): pictures.count
    }
  }

  /// What the rows are.
  public var kind: ModalityKind {
    switch self {
    case .vectors: .vector
    case .sets: .set
    case .sequences: .sequence
    case .texts: .text
    case .tokens: .tokens
    case .images, .pictures: .images
    }
  }

  /// The rows at the given places, in that order; a place may occur more than once.
  public func rows(at places: [Int]) throws -> Items {
    switch self {
    case .vectors(let rows): .vectors(try rows.rows(at: places))
    case .sets(let rows, let lengths): .sets(try rows.rows(at: places), lengths: places.map { lengths[$0] })
    case .sequences(let rows, let lengths):
      .sequences(try rows.rows(at: places), lengths: places.map { lengths[$0] })
    case .texts(let lines): .texts(places.map { lines[$0] })
    case .tokens(let rows, let lengths):
      .tokens(try rows.rows(at: places), lengths: places.map { lengths[$0] })
    case .images(let rows): .images(try rows.rows(at: places))
    case .pictures(let pictures): .pictures(places.map { pictures[$0] })
    }
  }
}
