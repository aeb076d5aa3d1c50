import Torch

/// A data set of videos as sequences and of sentences as words, as LocVTP sees it.
struct VideosAndSentences: Sendable {
  /// Which modality has the sentences; the other one has the videos.
  let textSide: Int
  let video: DataDescription.Modality
  let text: DataDescription.Modality

  var videoSide: Int { 1 - textSide }

  /// - Throws: ``MethodError`` for data that are not one modality of sequences and one of words, or of sequences of their
  ///   features, the videos first.
  init(_ data: DataDescription) throws {
    let kinds = data.modalities.map(\.kind)
    let isText = kinds.map { $0 == .tokens }
    let isFit =
      kinds.allSatisfy { [.sequence, .tokens].contains($0) } && isText.count == 2 && isText != [true, true]
    guard isFit else {
      throw MethodError.unsuitable(
        method: LocVTP.description.name,
        reason: "relates videos as sequences and texts; \(data.name) has "
          + data.modalities.map { "\($0.name) of kind \($0.kind.rawValue)" }.joined(separator: ", "))
    }
    textSide = isText[0] ? 0 : 1
    video = data.modalities[1 - textSide]
    text = data.modalities[textSide]
    guard video.size != nil, text.vocabulary != nil || text.size != nil else {
      throw MethodError.unsuitable(
        method: LocVTP.description.name,
        reason: "needs the width of \(video.name) and the number of words, or the width, of \(text.name)")
    }
  }

  /// Sequences none of which is empty, whose numbers are finite.
  ///
  /// - Throws: ``MethodError`` naming the first that is not so.
  func videos(_ items: Items) throws -> Items {
    guard case .sequences(_, let lengths) = items else { throw unsuitable(items, video) }
    if let empty = lengths.firstIndex(of: 0) {
      throw MethodError.unsuitable(
        method: LocVTP.description.name, reason: "\(video.name) \(empty) has no rows")
    }
    return items
  }

  /// Words none of whose texts is empty: numbers `[n, l]`, or features `[n, l, d]`.
  ///
  /// - Throws: ``TextEncoderError`` for a text without words and numbers that the vocabulary has not; ``MethodError``.
  func words(_ items: Items) throws -> (rows: Tensor, lengths: [Int]) {
    switch (items, text.vocabulary) {
    case (.tokens(let tokens, let lengths), let vocabulary?):
      return (try checkedTokens(tokens, lengths: lengths, vocabulary: vocabulary), lengths)
    case (.sequences(let rows, let lengths), nil):
      if let empty = lengths.firstIndex(of: 0) {
        throw MethodError.unsuitable(
          method: LocVTP.description.name, reason: "\(text.name) \(empty) has no words")
      }
      return (rows, lengths)
    default: throw unsuitable(items, text)
    }
  }

  /// Refuses videos without rows and texts without words, before anything is learned from the others.
  func check(_ data: some TrainingSet) throws {
    for (side, modality, what) in [(videoSide, video, "rows"), (textSide, text, "words")] {
      guard let empty = data.lengths(side: side)?.firstIndex(of: 0) else { continue }
      throw MethodError.unsuitable(
        method: LocVTP.description.name,
        reason: "\(data.place): \(modality.name) \(empty) has no \(what), expected one or more")
    }
  }

  private func unsuitable(_ items: Items, _ modality: DataDescription.Modality) -> MethodError {
    .unsuitable(
      method: LocVTP.description.name,
      reason: "does not take \(modality.name), whose rows are of kind \(items.kind.rawValue)")
  }
}
