import Torch

/// A data set of pictures, or of features of their cells, and of questions as word numbers.
struct PicturesAndQuestions: Sendable {
  /// Which modality has the questions; the other one has the pictures.
  let questionSide: Int
  /// How many word numbers there are.
  let vocabulary: Int
  let picture: DataDescription.Modality
  private let names: [String]

  var pictureSide: Int { 1 - questionSide }

  /// - Throws: ``MethodError`` for data that are not one modality of texts as words and one of pictures or of vectors.
  init(_ data: DataDescription, for method: MethodDescription) throws {
    names = data.modalities.map(\.name)
    questionSide = try data.side(
      of: .tokens, for: method, that: "answers questions about pictures or features of their cells")
    picture = data.modalities[1 - questionSide]
    guard let vocabulary = data.modalities[questionSide].vocabulary,
      picture.kind == .images || picture.size != nil
    else {
      throw MethodError.unsuitable(
        method: method.name,
        reason: "needs the width of \(picture.name) and the number of words of \(names[questionSide])")
    }
    self.vocabulary = vocabulary
  }

  /// Word numbers of questions, 0 behind their lengths.
  ///
  /// - Throws: ``TextEncoderError`` for a question without words and numbers that the vocabulary has not;
  ///   ``MethodError`` for items that are no words.
  func questions(_ items: Items) throws -> (tokens: Tensor, lengths: [Int]) {
    guard case .tokens(let tokens, let lengths) = items else {
      throw MethodError.unsuitable(
        method: SAN.description.name,
        reason: "does not take \(names[questionSide]), whose rows are of kind \(items.kind.rawValue)")
    }
    return (try checkedTokens(tokens, lengths: lengths, vocabulary: vocabulary), lengths)
  }

  /// Refuses questions without words, before anything is learned from the others.
  func check(_ data: some TrainingSet) throws {
    guard let empty = data.lengths(side: questionSide)?.firstIndex(of: 0) else { return }
    throw MethodError.unsuitable(
      method: SAN.description.name,
      reason: "\(data.place): \(names[questionSide]) \(empty) has no words, expected one or more")
  }
}
